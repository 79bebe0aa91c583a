/** When a request is tried again, what each attempt carries, and what the client gets when it does not help. */
import { answer, type Behaviour, closeUnanswered, neverAnswer, resetAfter, sequence, slow } from '@mesh/testing';
import { prefix, type RequestSpec, type Scenario, type Yaml } from '../scenario.ts';

const status = (code: number, headers: Readonly<Record<string, string>> = {}): Behaviour =>
  answer({ status: code, reason: 'Test', headers, body: `answer ${code}` });
const ok = answer({ reason: 'OK', body: 'ok' });
/** What is left of a timeout when an attempt starts depends on the moment. */
const LEFT: readonly (readonly [RegExp, string])[] = [[/^(14\d{3}|15000|[2-9]\d{2}|1000)$/, '<left>']];
const retrying = (policy: Yaml, action: Yaml = {}): readonly Yaml[] => [
  prefix('/', '<a>', { retry_policy: { retry_back_off: { base_interval: '0.001s' }, ...policy }, ...action }),
];
const COUNTERS = [
  'upstream_rq_retry',
  'upstream_rq_retry_success',
  'upstream_rq_retry_limit_exceeded',
  'upstream_rq_total',
].map((name) => `cluster.a.${name}`);

interface Case {
  readonly why: string;
  readonly policy: Yaml;
  readonly does: Behaviour;
  readonly request?: RequestSpec;
  readonly action?: Yaml;
  readonly rest?: Partial<Scenario>;
}

const retry = (name: string, { why, policy, does, request = {}, action, rest }: Case): Scenario => ({
  name: `retry-${name}`,
  why,
  routes: retrying(policy, action),
  upstreams: { a: does },
  requests: [request],
  counters: COUNTERS,
  masks: LEFT,
  ...rest,
});

const codes: readonly Scenario[] = [
  retry('5xx', { why: '5xx takes any 5xx', policy: { retry_on: '5xx' }, does: sequence(status(500), ok) }),
  retry('5xx-not-404', { why: '5xx leaves 4xx alone', policy: { retry_on: '5xx' }, does: sequence(status(404), ok) }),
  retry('gateway-error', {
    why: 'gateway-error takes 502, 503, 504',
    policy: { retry_on: 'gateway-error', num_retries: 3 },
    does: sequence(status(502), status(503), status(504), ok),
  }),
  retry('gateway-error-not-500', {
    why: 'gateway-error leaves 500 alone',
    policy: { retry_on: 'gateway-error' },
    does: sequence(status(500), ok),
  }),
  retry('retriable-4xx', {
    why: 'retriable-4xx is 409',
    policy: { retry_on: 'retriable-4xx' },
    does: sequence(status(409), ok),
  }),
  retry('retriable-4xx-not-429', {
    why: 'retriable-4xx is 409 only',
    policy: { retry_on: 'retriable-4xx' },
    does: sequence(status(429), ok),
  }),
  retry('status-codes', {
    why: 'retriable-status-codes takes the listed ones',
    policy: { retry_on: 'retriable-status-codes', retriable_status_codes: [418, 429], num_retries: 2 },
    does: sequence(status(418), status(429), ok),
  }),
  retry('status-codes-unasked', {
    why: 'listed codes count only with their token',
    policy: { retry_on: '5xx', retriable_status_codes: [418] },
    does: sequence(status(418), ok),
  }),
  retry('headers', {
    why: 'retriable-headers looks at response fields',
    policy: { retry_on: 'retriable-headers', retriable_headers: [{ name: 'x-retry', string_match: { exact: 'yes' } }] },
    does: sequence(status(200, { 'x-retry': 'yes' }), ok),
  }),
  retry('request-headers', {
    why: 'with retriable_request_headers only fitting requests are tried again',
    policy: { retry_on: '5xx', retriable_request_headers: [{ name: 'x-may', present_match: true }] },
    does: sequence(status(500), status(500), ok),
    rest: { requests: ['/', { headers: { 'x-may': '1' } }] },
  }),
  retry('ratelimited', {
    why: 'x-envoy-ratelimited is not retried, whatever the code',
    policy: { retry_on: '5xx' },
    does: sequence(status(503, { 'x-envoy-ratelimited': 'true' }), ok),
  }),
  retry('ratelimited-asked', {
    why: 'unless envoy-ratelimited asks for it',
    policy: { retry_on: 'envoy-ratelimited' },
    does: sequence(status(429, { 'x-envoy-ratelimited': 'true' }), ok),
  }),
  retry('grpc', {
    why: 'gRPC status of a response without a body',
    policy: { retry_on: 'unavailable' },
    does: sequence(answer({ reason: 'OK', headers: { 'content-type': 'application/grpc', 'grpc-status': '14' } }), ok),
    request: { headers: { 'content-type': 'application/grpc' } },
  }),
  retry('grpc-other', {
    why: 'a status that was not asked for',
    policy: { retry_on: 'cancelled,deadline-exceeded,internal,resource-exhausted' },
    does: sequence(answer({ reason: 'OK', headers: { 'content-type': 'application/grpc', 'grpc-status': '14' } }), ok),
    request: { headers: { 'content-type': 'application/grpc' } },
  }),
  retry('unknown-token', {
    why: 'tokens that nobody knows are ignored',
    policy: { retry_on: 'nonsense,5xx' },
    does: sequence(status(500), ok),
  }),
];

const limits: readonly Scenario[] = [
  retry('default-once', {
    why: 'one retry unless told otherwise; the last answer is passed on',
    policy: { retry_on: '5xx' },
    does: sequence(status(500), status(502), ok),
  }),
  retry('limit', {
    why: 'num_retries, then the last answer as it is',
    policy: { retry_on: '5xx', num_retries: 3 },
    does: status(503),
  }),
  retry('zero', { why: 'num_retries 0 tries once', policy: { retry_on: '5xx', num_retries: 0 }, does: status(503) }),
  retry('post-with-body', {
    why: 'the body is kept and sent again; a POST is retried as any other',
    policy: { retry_on: '5xx' },
    does: sequence(status(503), ok),
    request: { method: 'POST', body: 'payload' },
  }),
  retry('body-too-large', {
    why: 'a body over the limit is not kept, so there is no retry',
    policy: { retry_on: '5xx' },
    does: sequence(status(503), ok),
    request: { method: 'POST', body: 'x'.repeat(3000) },
    rest: { virtualHost: { per_request_buffer_limit_bytes: 1024 } },
  }),
  retry('budget', {
    why: 'a retry budget of nothing allows none',
    policy: { retry_on: '5xx' },
    does: status(503),
    rest: {
      clusters: {
        a: {
          circuit_breakers: {
            thresholds: [{ retry_budget: { budget_percent: { value: 0 }, min_retry_concurrency: 0 } }],
          },
        },
      },
      counters: [...COUNTERS, 'cluster.a.upstream_rq_retry_overflow'],
    },
  }),
  retry('breaker', {
    why: 'max_retries 0 allows none',
    policy: { retry_on: '5xx' },
    does: status(503),
    rest: {
      clusters: { a: { circuit_breakers: { thresholds: [{ max_retries: 0 }] } } },
      counters: [...COUNTERS, 'cluster.a.upstream_rq_retry_overflow'],
    },
  }),
  retry('attempt-count', {
    why: 'attempts are counted towards upstream and client',
    policy: { retry_on: '5xx', num_retries: 2 },
    does: sequence(status(503), status(503), ok),
    rest: { virtualHost: { include_request_attempt_count: true, include_attempt_count_in_response: true } },
  }),
  retry('attempt-count-of-reply', {
    why: 'also on an answer that the proxy makes',
    policy: { retry_on: 'reset', num_retries: 1 },
    does: closeUnanswered(),
    rest: { virtualHost: { include_attempt_count_in_response: true } },
  }),
  retry('virtual-host-policy', {
    why: 'the policy of the virtual host holds where the route has none',
    policy: {},
    does: sequence(status(503), ok),
    rest: {
      routes: [prefix('/')],
      virtualHost: { retry_policy: { retry_on: '5xx', retry_back_off: { base_interval: '0.001s' } } },
    },
  }),
  retry('route-policy-replaces', {
    why: 'and is replaced as a whole where the route has one',
    policy: { retry_on: 'connect-failure' },
    does: sequence(status(503), ok),
    rest: { virtualHost: { retry_policy: { retry_on: '5xx' } } },
  }),
];

const failures: readonly Scenario[] = [
  retry('reset-on-close', {
    why: 'reset takes a connection closed before an answer',
    policy: { retry_on: 'reset' },
    does: sequence(closeUnanswered(), ok),
  }),
  retry('reset-exhausted', {
    why: 'a reset of the last attempt is told with the words of a retry',
    policy: { retry_on: 'reset', num_retries: 2 },
    does: resetAfter(),
  }),
  retry('connect-failure', {
    why: 'connect-failure takes a refused connection; another host is taken',
    policy: { retry_on: 'connect-failure', num_retries: 5 },
    does: ok,
    rest: {
      routes: [prefix('/', '<refused>', { retry_policy: { retry_on: 'connect-failure' } })],
      counters: ['cluster.refused.upstream_rq_retry', 'cluster.refused.upstream_cx_connect_fail'],
      masks: [...LEFT],
    },
  }),
  retry('connect-failure-not-reset', {
    why: 'connect-failure is not for a connection that was made',
    policy: { retry_on: 'connect-failure' },
    does: sequence(closeUnanswered(), ok),
  }),
  retry('5xx-on-close', {
    why: '5xx includes disconnects',
    policy: { retry_on: '5xx' },
    does: sequence(closeUnanswered(), ok),
  }),
  retry('gateway-error-on-close', {
    why: 'gateway-error includes disconnects',
    policy: { retry_on: 'gateway-error' },
    does: sequence(closeUnanswered(), ok),
  }),
  retry('reset-before-request-not', {
    why: 'reset-before-request is not for a request that was sent',
    policy: { retry_on: 'reset-before-request' },
    does: sequence(closeUnanswered(), ok),
  }),
  retry('none-on-close', {
    why: 'without a policy a close is told to the client',
    policy: {},
    does: sequence(closeUnanswered(), ok),
    rest: { routes: [prefix('/')] },
  }),
  retry('per-try-timeout', {
    why: 'a try that takes too long is given up and done again',
    policy: { retry_on: '5xx', per_try_timeout: '0.1s' },
    does: sequence(slow({ reason: 'OK', body: 'late' }, { headMs: 400 }), ok),
    rest: { counters: [...COUNTERS, 'cluster.a.upstream_rq_per_try_timeout'], masks: [[/^100$/, '<left>']] },
  }),
  retry('per-try-timeout-exhausted', {
    why: 'the last try that takes too long answers 504',
    policy: { retry_on: 'gateway-error', per_try_timeout: '0.08s' },
    does: neverAnswer(),
    rest: { virtualHost: { include_is_timeout_retry_header: true }, masks: [[/^80$/, '<left>']] },
  }),
  retry('per-try-idle-timeout', {
    why: 'a try that is silent for too long',
    policy: { retry_on: '5xx', per_try_idle_timeout: '0.1s' },
    does: sequence(neverAnswer(), ok),
  }),
  retry('per-try-over-global', {
    why: 'a per-try timeout over that of the route is ignored',
    policy: { retry_on: '5xx', per_try_timeout: '5s' },
    does: neverAnswer(),
    action: { timeout: '0.15s' },
    rest: { masks: [] },
  }),
  retry('within-global-timeout', {
    why: 'all attempts share the timeout of the route',
    policy: { retry_on: '5xx', num_retries: 5 },
    does: sequence(status(503), neverAnswer()),
    action: { timeout: '0.2s' },
    rest: { masks: [[/^(1\d\d|200)$/, '<left>']] },
  }),
  retry('previous-hosts', {
    why: 'with previous_hosts the second attempt goes to the other host',
    policy: {
      retry_on: '5xx',
      retry_host_predicate: [
        {
          name: 'envoy.retry_host_predicates.previous_hosts',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
          },
        },
      ],
      host_selection_retry_max_attempts: 10,
    },
    does: status(503),
    rest: {
      routes: [
        prefix('/', '<pair>', {
          retry_policy: {
            retry_on: '5xx',
            retry_host_predicate: [
              {
                name: 'envoy.retry_host_predicates.previous_hosts',
                typed_config: {
                  '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
                },
              },
            ],
            host_selection_retry_max_attempts: 10,
          },
        }),
      ],
      clusters: { pair: { hosts: ['a', 'b'] } },
      upstreams: { a: status(503), b: status(503) },
      counters: ['cluster.pair.upstream_rq_retry'],
    },
  }),
  retry('rate-limited-back-off', {
    why: 'a reset header says how long to wait; it is looked at only within its bound',
    policy: {
      retry_on: '5xx',
      rate_limited_retry_back_off: {
        reset_headers: [{ name: 'retry-after', format: 'SECONDS' }],
        max_interval: '0.5s',
      },
    },
    does: sequence(status(503, { 'retry-after': '60' }), ok),
    rest: {
      counters: ['cluster.a.upstream_rq_retry_backoff_exponential', 'cluster.a.upstream_rq_retry_backoff_ratelimited'],
    },
  }),
];

const INTERNAL: Yaml = { internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] } };
const inside = (headers: Readonly<Record<string, string>>): RequestSpec => ({
  headers: { 'x-forwarded-for': '10.0.0.1', ...headers },
});

const requested: readonly Scenario[] = [
  retry('header-internal', {
    why: 'x-envoy-retry-on of an internal client, with x-envoy-max-retries',
    policy: {},
    does: status(503),
    request: inside({ 'x-envoy-retry-on': '5xx', 'x-envoy-max-retries': '2' }),
    rest: { manager: INTERNAL, routes: [prefix('/')] },
  }),
  retry('header-external', {
    why: 'x-envoy-retry-on of an external client is removed',
    policy: {},
    does: status(503),
    request: { headers: { 'x-envoy-retry-on': '5xx', 'x-envoy-max-retries': '2' } },
    rest: { manager: INTERNAL, routes: [prefix('/')] },
  }),
  retry('header-added-to-policy', {
    why: 'the tokens of the request are added to those of the route',
    policy: { retry_on: 'connect-failure', num_retries: 1 },
    does: sequence(status(503), ok),
    request: inside({ 'x-envoy-retry-on': '5xx' }),
    rest: { manager: INTERNAL },
  }),
  retry('header-max-retries-bad', {
    why: 'a number that is none is ignored',
    policy: { retry_on: '5xx', num_retries: 2 },
    does: status(503),
    request: inside({ 'x-envoy-max-retries': 'many' }),
    rest: { manager: INTERNAL },
  }),
  retry('header-max-retries-zero', {
    why: 'x-envoy-max-retries 0 switches retries off',
    policy: { retry_on: '5xx', num_retries: 2 },
    does: status(503),
    request: inside({ 'x-envoy-max-retries': '0' }),
    rest: { manager: INTERNAL },
  }),
  retry('header-status-codes', {
    why: 'x-envoy-retriable-status-codes adds codes',
    policy: { retry_on: 'retriable-status-codes', retriable_status_codes: [418], num_retries: 3 },
    does: sequence(status(418), status(404), ok),
    request: inside({ 'x-envoy-retriable-status-codes': '404,bad' }),
    rest: { manager: INTERNAL },
  }),
  retry('header-names', {
    why: 'x-envoy-retriable-header-names adds fields',
    policy: { retry_on: 'retriable-headers' },
    does: sequence(status(200, { 'x-again': '' }), ok),
    request: inside({ 'x-envoy-retriable-header-names': 'X-Other, X-Again' }),
    rest: { manager: INTERNAL },
  }),
  retry('header-grpc', {
    why: 'x-envoy-retry-grpc-on',
    policy: {},
    does: sequence(answer({ reason: 'OK', headers: { 'content-type': 'application/grpc', 'grpc-status': '8' } }), ok),
    request: {
      headers: {
        'x-forwarded-for': '10.0.0.1',
        'x-envoy-retry-grpc-on': 'resource-exhausted',
        'content-type': 'application/grpc',
      },
    },
    rest: { manager: INTERNAL, routes: [prefix('/')] },
  }),
];

export const retries: readonly Scenario[] = [...codes, ...limits, ...failures, ...requested];
