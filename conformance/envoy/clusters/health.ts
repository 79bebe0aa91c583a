/** What active health checks make of hosts, and what that means for requests. */
import type { Yaml } from '../scenario.ts';
import { type ClusterScenario, look, type Step } from './scenario.ts';

const OFTEN: Yaml = {
  timeout: '1s',
  interval: '0.1s',
  no_traffic_interval: '0.1s',
  unhealthy_threshold: 3,
  healthy_threshold: 3,
};
/** The first check is the only one. */
const ONCE: Yaml = { ...OFTEN, interval: '60s', no_traffic_interval: '60s' };
const HTTP: Yaml = { http_health_check: { path: '/as-told' } };

const FAILED = '/failed_active_hc';

function health(
  name: string,
  why: string,
  checks: readonly Yaml[],
  steps: readonly Step[],
  rest: Partial<ClusterScenario> = {},
): ClusterScenario {
  const cluster = { ...rest.cluster, health_checks: checks };
  return { name: `health-${name}`, why, hosts: 'ab', steps, ...rest, cluster };
}

export const healthChecks: readonly ClusterScenario[] = [
  health(
    'status',
    'an unexpected status takes a host out at once, coming back takes the threshold',
    [{ ...OFTEN, ...HTTP }],
    [
      { until: { a: 'healthy', b: 'healthy' } },
      look,
      { hosts: { a: 500 } },
      { until: { a: FAILED } },
      look,
      { rounds: 2 },
      { hosts: { a: 200 } },
      { until: { a: 'healthy' }, notBefore: 200 },
      look,
    ],
  ),
  health(
    'timeout',
    'timeouts count towards the threshold and have a flag of their own',
    [{ ...OFTEN, timeout: '0.2s', ...HTTP }],
    [
      { until: { a: 'healthy' } },
      { hosts: { a: 'hang' } },
      { until: { a: `${FAILED}/active_hc_timeout` }, notBefore: 600 },
      { hosts: { a: 500 } },
      { until: { a: FAILED } },
      look,
    ],
  ),
  health(
    'reset',
    'broken connections count towards the threshold',
    [{ ...OFTEN, ...HTTP }],
    [{ until: { a: 'healthy' } }, { hosts: { a: 'reset' } }, { until: { a: FAILED }, notBefore: 150 }, look],
  ),
  health(
    'retriable',
    'retriable statuses count towards the threshold, others do not wait for it',
    [{ ...OFTEN, http_health_check: { path: '/as-told', retriable_statuses: [{ start: 503, end: 504 }] } }],
    [
      { until: { a: 'healthy', b: 'healthy' } },
      { hosts: { a: 503, b: 500 } },
      { until: { b: FAILED } },
      { until: { a: FAILED }, notBefore: 50 },
      look,
    ],
  ),
  health(
    'expected',
    'expected statuses take the place of 200',
    [{ ...OFTEN, http_health_check: { path: '/as-told', expected_statuses: [{ start: 404, end: 405 }] } }],
    [{ until: { a: FAILED } }, { hosts: { a: 404 } }, { until: { a: 'healthy', b: FAILED }, notBefore: 150 }, look],
  ),
  health(
    'degraded',
    'a host that says so is used only when the others are not enough',
    [{ ...OFTEN, ...HTTP }],
    [
      { until: { a: 'healthy', b: 'healthy' } },
      { hosts: { a: { 'x-envoy-degraded': 'true' } } },
      { until: { a: '/degraded_active_hc' } },
      look,
    ],
  ),
  health(
    'immediate-fail',
    'a response to a request takes its host out at once, and out of the reckoning',
    [{ ...ONCE, ...HTTP }],
    [
      { until: { a: 'healthy', b: 'healthy' } },
      { hosts: { a: { 'x-envoy-immediate-health-check-fail': 'true' } } },
      { rounds: 1 },
      { until: { a: `${FAILED}/excluded_via_immediate_hc_fail` } },
      look,
    ],
  ),
  health(
    'panic',
    'with half of the hosts out requests avoid them, with more than half they go to all',
    [{ ...OFTEN, ...HTTP }],
    [
      { until: { a: 'healthy', b: 'healthy', c: 'healthy', d: 'healthy' } },
      { hosts: { a: 500, b: 500 } },
      { until: { a: FAILED, b: FAILED } },
      { rounds: 1 },
      look,
      { hosts: { c: 500 } },
      { until: { c: FAILED } },
      { rounds: 1 },
      look,
    ],
    { hosts: 'abcd' },
  ),
  health(
    'no-panic',
    'without panic there is nobody to ask when all are out',
    [{ ...OFTEN, ...HTTP }],
    [{ hosts: { a: 500 } }, { until: { a: FAILED } }, { rounds: 2 }, look],
    { hosts: 'a', cluster: { common_lb_config: { healthy_panic_threshold: { value: 0 } } } },
  ),
  health(
    'tcp',
    'connecting is enough; a host that refuses is out from the beginning',
    [{ ...ONCE, tcp_health_check: {} }],
    [{ until: { a: 'healthy', z: FAILED } }, look],
    { hosts: 'az' },
  ),
  health(
    'tcp-payload',
    'each block must come, in order',
    [
      {
        ...ONCE,
        tcp_health_check: {
          send: { text: hex('GET / HTTP/1.1\r\nhost: h\r\n\r\n') },
          receive: [{ text: hex('200') }, { text: hex('OK') }],
        },
      },
    ],
    [{ until: { a: 'healthy' } }, look],
    { hosts: 'a' },
  ),
  health(
    'several',
    'a host must pass every check',
    [
      { ...OFTEN, name: 'one', ...HTTP },
      { ...OFTEN, name: 'two', tcp_health_check: {} },
    ],
    [
      { until: { a: 'healthy' } },
      look,
      { hosts: { a: 500 } },
      { until: { a: FAILED } },
      look,
      { hosts: { a: 200 } },
      { until: { a: 'healthy' }, notBefore: 200 },
    ],
  ),
];

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}
