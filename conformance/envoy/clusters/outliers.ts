/** When hosts are ejected, for how long, and what is counted. */
import type { Yaml } from '../scenario.ts';
import { outlier, RATES, SLOW } from './outlier.ts';
import { outlierRates } from './outlier-rates.ts';
import { type ClusterScenario, look } from './scenario.ts';

const consecutive: readonly ClusterScenario[] = [
  outlier('5xx', {
    why: 'the third 5xx in a row ejects at once; the others take its requests',
    detection: { ...SLOW, consecutive_5xx: 3, max_ejection_percent: 50 },
    steps: [{ hosts: { a: 500 } }, { rounds: 2 }, look, { rounds: 2 }, look],
  }),
  outlier('5xx-interrupted', {
    why: 'any other status begins the count anew',
    detection: { ...SLOW, consecutive_5xx: 3 },
    hosts: 'a',
    steps: [
      { hosts: { a: 500 } },
      { rounds: 2 },
      { hosts: { a: 404 } },
      { rounds: 1 },
      { hosts: { a: 503 } },
      { rounds: 2 },
      look,
    ],
  }),
  outlier('5xx-off', {
    why: 'a threshold of 0 is never reached',
    detection: { ...SLOW, consecutive_5xx: 0 },
    hosts: 'a',
    steps: [{ hosts: { a: 500 } }, { rounds: 6 }, look],
  }),
  outlier('gateway', {
    why: 'gateway failures are 502, 503 and 504; a 500 ends their row and not that of 5xx',
    detection: {
      ...SLOW,
      consecutive_gateway_failure: 2,
      enforcing_consecutive_gateway_failure: 100,
      consecutive_5xx: 4,
      enforcing_consecutive_5xx: 0,
    },
    hosts: 'ab',
    steps: [
      { hosts: { a: 502, b: 502 } },
      { rounds: 1 },
      { hosts: { a: 500, b: 504 } },
      { rounds: 1 },
      look,
      { hosts: { a: 503 } },
      { rounds: 1, of: 2 },
      look,
    ],
  }),
  outlier('not-enforced', {
    why: 'what is not enforced is counted and logged, each time anew',
    detection: { ...SLOW, consecutive_5xx: 2, enforcing_consecutive_5xx: 0 },
    hosts: 'a',
    steps: [{ hosts: { a: 500 } }, { rounds: 5 }, look],
  }),
  outlier('grpc', {
    why: 'the status of a gRPC call that ends with its head counts as the HTTP status that stands for it',
    detection: {
      ...SLOW,
      consecutive_gateway_failure: 2,
      enforcing_consecutive_gateway_failure: 100,
      consecutive_5xx: 9,
    },
    hosts: 'a',
    steps: [
      { hosts: { a: { 'content-type': 'application/grpc', 'grpc-status': '14' } } },
      { rounds: 2 },
      look,
      { rounds: 2, post: 'application/grpc' },
      look,
    ],
  }),
  outlier('immediate-fail', {
    why: 'x-envoy-immediate-health-check-fail means nothing without active checks',
    detection: SLOW,
    hosts: 'a',
    steps: [{ hosts: { a: { 'x-envoy-immediate-health-check-fail': 'true' } } }, { rounds: 2 }, look],
  }),
];

const origins: readonly ClusterScenario[] = [
  outlier('refused', {
    why: 'a refused connection counts as 503, and a retry as one more',
    detection: { ...SLOW, consecutive_5xx: 4, consecutive_gateway_failure: 2 },
    hosts: 'z',
    route: { retry_policy: { retry_on: 'connect-failure', retry_back_off: { base_interval: '0.001s' } } },
    steps: [{ rounds: 2 }, look],
  }),
  outlier('refused-split', {
    why: 'with the split a refused connection is of this side',
    detection: {
      ...SLOW,
      split_external_local_origin_errors: true,
      consecutive_5xx: 1,
      consecutive_local_origin_failure: 3,
    },
    hosts: 'z',
    steps: [{ rounds: 2 }, look, { rounds: 1 }, look],
  }),
  outlier('5xx-split', {
    why: 'with the split answers count as before',
    detection: {
      ...SLOW,
      split_external_local_origin_errors: true,
      consecutive_5xx: 3,
      consecutive_gateway_failure: 1,
      consecutive_local_origin_failure: 1,
    },
    hosts: 'a',
    steps: [{ hosts: { a: 500 } }, { rounds: 2 }, { hosts: { a: 502 } }, { rounds: 1 }, look],
  }),
  outlier('reset', {
    why: 'a reset counts as 503',
    detection: { ...SLOW, consecutive_5xx: 2, consecutive_gateway_failure: 1 },
    hosts: 'a',
    steps: [{ hosts: { a: 'reset' } }, { rounds: 2 }, look],
  }),
  outlier('reset-split', {
    why: 'with the split a reset is of this side; the connection before it ends the row',
    detection: {
      ...SLOW,
      split_external_local_origin_errors: true,
      consecutive_5xx: 1,
      consecutive_local_origin_failure: 2,
    },
    hosts: 'a',
    steps: [{ hosts: { a: 'reset' } }, { rounds: 3 }, look],
  }),
  outlier('timeout', {
    why: 'the timeout of the route counts as 504',
    detection: { ...SLOW, consecutive_5xx: 2, consecutive_gateway_failure: 1 },
    hosts: 'a',
    route: { timeout: '0.05s' },
    steps: [{ hosts: { a: 'hang' } }, { rounds: 2 }, look],
  }),
  outlier('per-try-timeout', {
    why: 'each try that is too slow counts',
    detection: { ...SLOW, consecutive_5xx: 3 },
    hosts: 'a',
    route: {
      retry_policy: {
        retry_on: '5xx',
        num_retries: 2,
        per_try_timeout: '0.04s',
        retry_back_off: { base_interval: '0.001s' },
      },
    },
    steps: [{ hosts: { a: 'hang' } }, { rounds: 1 }, look],
  }),
  outlier('hedge', {
    why: 'a slow try that goes on beside another counts once',
    detection: { ...SLOW, consecutive_5xx: 3, consecutive_gateway_failure: 1 },
    hosts: 'a',
    route: {
      timeout: '0.8s',
      hedge_policy: { hedge_on_per_try_timeout: true },
      retry_policy: {
        retry_on: '5xx',
        num_retries: 1,
        per_try_timeout: '0.1s',
        retry_back_off: { base_interval: '0.001s' },
      },
    },
    steps: [{ hosts: { a: 'hang' } }, { rounds: 1 }, look],
  }),
  outlier('retries', {
    why: 'answers that are thrown away for a retry count',
    detection: { ...SLOW, consecutive_5xx: 3 },
    hosts: 'a',
    route: { retry_policy: { retry_on: '5xx', num_retries: 2, retry_back_off: { base_interval: '0.001s' } } },
    steps: [{ hosts: { a: 500 } }, { rounds: 1 }, look],
  }),
  outlier('tcp-refused', {
    why: 'connections of the TCP proxy count, each attempt',
    detection: { ...SLOW, consecutive_5xx: 4, consecutive_gateway_failure: 2 },
    hosts: 'z',
    tcp: { max_connect_attempts: 2 },
    steps: [{ connects: 2 }, look],
  }),
  outlier('tcp-split', {
    why: 'a connection of the TCP proxy is of this side',
    detection: { ...RATES, split_external_local_origin_errors: true, success_rate_minimum_hosts: 1 },
    hosts: 'a',
    tcp: {},
    steps: [{ connects: 5 }, { rates: true }],
  }),
];

const limits: readonly ClusterScenario[] = [
  outlier('max-percent', {
    why: 'one of four is 25 %, a second would be 50 %',
    detection: { ...SLOW, consecutive_5xx: 2, max_ejection_percent: 25 },
    hosts: 'abcd',
    steps: [{ hosts: { a: 500 } }, { rounds: 2 }, look, { hosts: { b: 500 } }, { rounds: 2, of: 3 }, look],
  }),
  outlier('two-hosts', {
    why: 'at 10 % none of two hosts can be ejected',
    detection: { interval: '60s', consecutive_5xx: 2 },
    hosts: 'ab',
    steps: [{ hosts: { a: 500 } }, { rounds: 4 }, look],
  }),
  outlier('always-one', {
    why: 'unless one always may be',
    detection: { interval: '60s', consecutive_5xx: 2, always_eject_one_host: true },
    hosts: 'ab',
    steps: [
      { hosts: { a: 500, b: 500 } },
      { rounds: 1 },
      { hosts: { b: 200 } },
      { rounds: 1 },
      look,
      { hosts: { b: 500 } },
      { rounds: 2 },
      look,
    ],
  }),
  outlier('panic', {
    why: 'when too few are left, ejected hosts are asked again; they are not detected once more',
    detection: { ...SLOW, consecutive_5xx: 2 },
    hosts: 'ab',
    steps: [
      { hosts: { a: 500 } },
      { rounds: 1 },
      { hosts: { b: 500 } },
      { rounds: 1 },
      { rounds: 1, of: 1 },
      look,
      { rounds: 3 },
      look,
    ],
  }),
  outlier('no-panic', {
    why: 'without a panic threshold there is no host left',
    detection: { ...SLOW, consecutive_5xx: 2 },
    hosts: 'a',
    cluster: { common_lb_config: { healthy_panic_threshold: { value: 0 } } },
    steps: [{ hosts: { a: 500 } }, { rounds: 3 }, look],
  }),
];

const times: readonly ClusterScenario[] = [
  outlier('return', {
    why: 'it is out for the base time, and longer the second time',
    detection: { interval: '0.4s', base_ejection_time: '0.8s', max_ejection_percent: 100, consecutive_5xx: 2 },
    hosts: 'a',
    steps: [
      { hosts: { a: 500 } },
      { rounds: 2 },
      { until: { a: 'healthy' }, notBefore: 600 },
      { rounds: 2 },
      { until: { a: 'healthy' }, notBefore: 1250 },
      look,
    ],
  }),
  outlier('return-limit', {
    why: 'max_ejection_time is the limit of that',
    detection: {
      interval: '0.1s',
      base_ejection_time: '0.4s',
      max_ejection_time: '0.4s',
      max_ejection_percent: 100,
      consecutive_5xx: 2,
    },
    hosts: 'a',
    steps: [
      { hosts: { a: 500 } },
      { rounds: 2 },
      { until: { a: 'healthy' }, notBefore: 280 },
      { rounds: 2 },
      { wait: 560 },
      look,
    ],
  }),
  outlier('return-counts', {
    why: 'a host that comes back has a clean slate',
    detection: {
      interval: '0.1s',
      base_ejection_time: '0.6s',
      max_ejection_percent: 100,
      consecutive_5xx: 3,
      consecutive_gateway_failure: 2,
      enforcing_consecutive_gateway_failure: 100,
    },
    hosts: 'a',
    steps: [
      { hosts: { a: 503 } },
      { rounds: 2 },
      { until: { a: 'healthy' } },
      { rounds: 1 },
      { hosts: { a: 500 } },
      { rounds: 1 },
      look,
      { rounds: 1 },
      look,
    ],
  }),
  outlier('degraded', {
    why: 'x-envoy-degraded marks a host for a while, whatever the limits',
    detection: { interval: '0.1s', base_ejection_time: '0.9s', detect_degraded_hosts: true },
    hosts: 'a',
    steps: [
      { hosts: { a: { 'x-envoy-degraded': 'true' } } },
      { rounds: 1 },
      look,
      { hosts: { a: 200 } },
      { rounds: 2 },
      { until: { a: 'healthy' }, notBefore: 100 },
      look,
    ],
  }),
  outlier('degraded-unasked', {
    why: 'nobody asks for it unless told to',
    detection: SLOW,
    hosts: 'a',
    steps: [{ hosts: { a: { 'x-envoy-degraded': 'true' } } }, { rounds: 2 }, look],
  }),
];

const CHECKED: Yaml = {
  health_checks: [
    {
      timeout: '1s',
      interval: '0.1s',
      no_traffic_interval: '0.1s',
      healthy_threshold: 1,
      unhealthy_threshold: 1,
      http_health_check: { path: '/' },
    },
  ],
};

const checks: readonly ClusterScenario[] = [
  outlier('check-passes', {
    why: 'an active check that passes brings a host back at once',
    detection: { ...SLOW, consecutive_5xx: 1, enforcing_consecutive_gateway_failure: 0 },
    hosts: 'a',
    cluster: CHECKED,
    steps: [
      { until: { a: 'healthy' } },
      { hosts: { a: 500 } },
      { rounds: 1 },
      { until: { a: 'healthy' } },
      { wait: 50 },
    ],
  }),
  outlier('check-passes-unheard', {
    why: 'unless it is not asked',
    detection: { ...SLOW, consecutive_5xx: 1, successful_active_health_check_uneject_host: false },
    hosts: 'a',
    cluster: CHECKED,
    steps: [{ until: { a: 'healthy' } }, { hosts: { a: 500 } }, { rounds: 1 }, { wait: 400 }, look],
  }),
];

export const outliers: readonly ClusterScenario[] = [
  ...consecutive,
  ...origins,
  ...limits,
  ...times,
  ...outlierRates,
  ...checks,
];
