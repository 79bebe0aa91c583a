/** Limits of what a cluster may have in flight (`circuit_breakers`). */
import { fields, message, withDefault } from './message.ts';
import { bool, enumOf, list, percent, uint32 } from './proto-json.ts';

/** Envoy `RetryBudget`: retries as a share of the active and pending requests. */
const retryBudget = message(
  { budget_percent: percent, min_retry_concurrency: withDefault(uint32(), 3) },
  {
    name: 'envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget',
    known: { budget_interval: 'budgets over a window of time are not built: they are of what is in flight' },
  },
);

/** Limits of one routing priority; Envoy's defaults. */
const circuitBreakerThresholds = message(
  {
    priority: withDefault(enumOf(['DEFAULT', 'HIGH']), 'DEFAULT'),
    max_connections: withDefault(uint32(), 1024),
    max_pending_requests: withDefault(uint32(), 1024),
    max_requests: withDefault(uint32(), 1024),
    max_retries: withDefault(uint32(), 3),
    max_connection_pools: uint32(),
    track_remaining: withDefault(bool(), false),
    retry_budget: retryBudget,
  },
  { name: 'envoy.config.cluster.v3.CircuitBreakers.Thresholds' },
);

/** As `Thresholds`, for each host by itself. */
const perHostThresholds = message(
  { priority: withDefault(enumOf(['DEFAULT', 'HIGH']), 'DEFAULT'), max_connections: uint32() },
  {
    name: 'envoy.config.cluster.v3.CircuitBreakers.Thresholds',
    known: fields(
      'max_pending_requests max_requests max_retries retry_budget track_remaining max_connection_pools',
      'Unsupported field in per_host_thresholds',
    ),
  },
);

/** Envoy `CircuitBreakers`. */
export const circuitBreakers = message(
  { thresholds: list(circuitBreakerThresholds), per_host_thresholds: list(perHostThresholds) },
  { name: 'envoy.config.cluster.v3.CircuitBreakers' },
);
