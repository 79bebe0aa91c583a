/** When and how often a failed request is sent again. */
import { headerName, metadata } from '../common.ts';
import { fields, message, required, withDefault } from '../message.ts';
import { bool, duration, enumOf, int64, list, string, uint32 } from '../proto-json.ts';
import { headerMatcher } from '../route-match.ts';
import { typedExtension } from '../typed-extension.ts';

const hostPredicate = typedExtension('envoy.config.route.v3.RetryPolicy.RetryHostPredicate', [
  {
    name: 'envoy.retry_host_predicates.previous_hosts',
    schema: message({}, { name: 'envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate' }),
  },
  {
    name: 'envoy.retry_host_predicates.omit_canary_hosts',
    schema: message({}, { name: 'envoy.extensions.retry.host.omit_canary_hosts.v3.OmitCanaryHostsPredicate' }),
  },
  {
    name: 'envoy.retry_host_predicates.omit_host_metadata',
    schema: message(
      { metadata_match: metadata },
      { name: 'envoy.extensions.retry.host.omit_host_metadata.v3.OmitHostMetadataConfig' },
    ),
  },
]);

const retryPriority = typedExtension('envoy.config.route.v3.RetryPolicy.RetryPriority', [
  {
    name: 'envoy.retry_priorities.previous_priorities',
    schema: message(
      { update_frequency: required(uint32({ min: 1, max: 0x7fff_ffff })) },
      { name: 'envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig' },
    ),
  },
]);

const retryBackOff = message(
  { base_interval: required(duration({ aboveMs: 0 })), max_interval: duration({ aboveMs: 0 }) },
  {
    name: 'envoy.config.route.v3.RetryPolicy.RetryBackOff',
    check({ baseIntervalMs, maxIntervalMs }, report) {
      if (baseIntervalMs === undefined || maxIntervalMs === undefined) return;
      // Sub-millisecond values count as one millisecond.
      if (Math.max(1, Math.trunc(maxIntervalMs)) >= Math.max(1, Math.trunc(baseIntervalMs))) return;
      const text = 'retry_policy.max_interval must greater than or equal to the base_interval';
      report({ path: ['max_interval'], message: text });
    },
  },
);

const resetHeader = message(
  { name: required(headerName()), format: withDefault(enumOf(['SECONDS', 'UNIX_TIMESTAMP']), 'SECONDS') },
  { name: 'envoy.config.route.v3.RetryPolicy.ResetHeader' },
);

const rateLimitedRetryBackOff = message(
  {
    reset_headers: { ...list(resetHeader, { min: 1 }), presence: 'required' },
    max_interval: withDefault(duration({ aboveMs: 0 }), 300_000),
  },
  { name: 'envoy.config.route.v3.RetryPolicy.RateLimitedRetryBackOff' },
);

/** Envoy `RetryPolicy`. */
export const retryPolicy = message(
  {
    retry_on: withDefault(string(), ''),
    num_retries: withDefault(uint32(), 1),
    per_try_timeout: withDefault(duration(), 0),
    per_try_idle_timeout: withDefault(duration(), 0),
    retry_priority: retryPriority,
    retry_host_predicate: list(hostPredicate),
    host_selection_retry_max_attempts: withDefault(int64(), 0),
    retriable_status_codes: list(uint32()),
    retry_back_off: retryBackOff,
    rate_limited_retry_back_off: rateLimitedRetryBackOff,
    retriable_headers: list(headerMatcher),
    retriable_request_headers: list(headerMatcher),
  },
  {
    name: 'envoy.config.route.v3.RetryPolicy',
    known: {
      retry_options_predicates: 'there are no upstream socket options that could change between tries',
      refresh_cluster_on_retry: 'a retry stays with the cluster of the first try',
    },
  },
);

/** Envoy `HedgePolicy`. */
export const hedgePolicy = message(
  { hedge_on_per_try_timeout: withDefault(bool(), false) },
  {
    name: 'envoy.config.route.v3.HedgePolicy',
    known: fields('initial_requests additional_request_chance', 'Envoy does not implement it'),
  },
);
