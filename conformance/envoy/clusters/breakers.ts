/** What circuit breakers let through, and what they say of it. */
import type { Yaml } from '../scenario.ts';
import { type ClusterScenario, look, type Step } from './scenario.ts';

function breaker(
  name: string,
  why: string,
  thresholds: Yaml | readonly Yaml[],
  steps: readonly Step[],
  rest: Partial<ClusterScenario> = {},
): ClusterScenario {
  const list = Array.isArray(thresholds) ? thresholds : [thresholds];
  const cluster = { circuit_breakers: { thresholds: list }, ...rest.cluster };
  return { name: `breaker-${name}`, why, steps: [{ hosts: { a: 'hang' } }, ...steps], ...rest, cluster };
}

/** The first try fails, further ones hang. */
const RETRYING: Yaml = {
  retry_policy: { retry_on: '5xx', num_retries: 1, retry_back_off: { base_interval: '0.001s' } },
};
const FAILING: Step = { hosts: { a: 'first-500-then-hang' } };

export const breakers: readonly ClusterScenario[] = [
  breaker('requests', 'one more than max_requests is an immediate 503 with x-envoy-overloaded', { max_requests: 2 }, [
    { hold: 1 },
    look,
    { hold: 1 },
    look,
    { rounds: 2 },
    { release: true },
    look,
  ]),
  breaker('requests-zero', 'max_requests 0 lets nothing through', { max_requests: 0 }, [{ rounds: 1 }, look]),
  breaker(
    'pending',
    'max_pending_requests is how many may wait for a connection',
    { max_connections: 1, max_pending_requests: 2 },
    [{ hold: 1 }, look, { queue: 1 }, look, { queue: 1 }, look, { rounds: 2 }, { release: true }, look],
  ),
  breaker('pending-zero', 'without a place to wait nobody gets a connection', { max_pending_requests: 0 }, [
    { rounds: 1 },
    look,
  ]),
  breaker('connections', 'beyond max_connections requests wait', { max_connections: 1 }, [
    { hold: 1 },
    look,
    { queue: 2 },
    look,
    { release: true },
    look,
  ]),
  breaker(
    'connections-hosts',
    'a host without a connection may have one beyond the limit',
    { max_connections: 1 },
    [{ hosts: { b: 'hang' } }, { hold: 2 }, look, { release: true }, look],
    { hosts: 'ab' },
  ),
  breaker(
    'connections-tcp',
    'a connection of the TCP proxy beyond the limit is refused',
    { max_connections: 0 },
    [{ connects: 1 }, look],
    { tcp: {} },
  ),
  breaker(
    'retries',
    'one more than max_retries is not tried again',
    { max_retries: 1 },
    [FAILING, { hold: 1 }, look, { rounds: 1 }, look, { release: true }, look],
    { route: RETRYING },
  ),
  breaker(
    'retries-default',
    'three retries at a time, unless told otherwise',
    {},
    [FAILING, { hold: 3 }, look, { rounds: 1 }, { release: true }, look],
    { route: RETRYING },
  ),
  breaker(
    'budget-minimum',
    'a retry budget allows min_retry_concurrency in any case, and max_retries means nothing',
    { max_retries: 1, retry_budget: { budget_percent: { value: 0 }, min_retry_concurrency: 2 } },
    [FAILING, { hold: 2 }, look, { rounds: 1 }, look, { release: true }, look],
    { route: RETRYING },
  ),
  breaker(
    'budget-share',
    'and a share of the active requests beyond',
    { retry_budget: { budget_percent: { value: 20 }, min_retry_concurrency: 0 } },
    [{ hold: 4 }, look, FAILING, { hold: 1 }, look, { rounds: 1 }, look, { release: true }, look],
    { route: RETRYING },
  ),
  breaker(
    'remaining',
    'track_remaining tells what is left',
    { track_remaining: true, max_connections: 3, max_pending_requests: 4, max_requests: 5, max_retries: 6 },
    [look, { hold: 2 }, look, { release: true }, look],
  ),
  breaker(
    'remaining-budget',
    'with a retry budget it is not told what is left of the retries',
    { track_remaining: true, retry_budget: { budget_percent: { value: 100 }, min_retry_concurrency: 1 } },
    [{ hold: 2 }, FAILING, { hold: 1 }, look, { release: true }, look],
    { route: RETRYING },
  ),
  breaker(
    'priorities',
    'each priority has limits, connections and gauges of its own',
    [
      { priority: 'DEFAULT', max_requests: 2 },
      { priority: 'HIGH', max_requests: 1, track_remaining: true },
    ],
    [
      { hold: 1, path: '/high' },
      look,
      { rounds: 1, path: '/high' },
      { hold: 1 },
      look,
      { hold: 1 },
      { rounds: 1 },
      { release: true },
      look,
    ],
  ),
  breaker(
    'runtime',
    'runtime keys replace the limits',
    { max_requests: 10 },
    [{ hold: 1 }, { rounds: 1 }, look, { release: true }],
    { runtime: { 'circuit_breakers.<cluster>.default.max_requests': 1 } },
  ),
  breaker(
    'per-host',
    'per_host_thresholds limits the connections of each host',
    {},
    [{ hosts: { b: 'hang' } }, { hold: 2 }, look, { queue: 2 }, look, { release: true }, look],
    { hosts: 'ab', cluster: { circuit_breakers: { per_host_thresholds: [{ max_connections: 1 }] } } },
  ),
  breaker(
    'outlier',
    'what a circuit breaker refuses is not the host’s fault',
    { max_requests: 1 },
    [{ hold: 1 }, { rounds: 3 }, look, { release: true }],
    {
      cluster: {
        circuit_breakers: { thresholds: [{ max_requests: 1 }] },
        outlier_detection: { consecutive_5xx: 2, max_ejection_percent: 100, interval: '60s' },
      },
    },
  ),
];
