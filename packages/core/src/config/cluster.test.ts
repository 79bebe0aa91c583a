import { describe, it } from 'vitest';
import { clusterSchema } from './cluster.ts';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';
import { upstreamHttpOptionsName } from './upstream-http.ts';

const httpType = `type.googleapis.com/${upstreamHttpOptionsName}`;
function cluster(more: object): object {
  return { name: 'c', ...more };
}
function hosts(...addresses: string[]): object {
  const endpoints = addresses.map((text) => ({
    endpoint: { address: { socket_address: { address: text, port_value: 1 } } },
  }));
  return { load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: endpoints }] } };
}
function typedHttp(more: object): object {
  return cluster({ typed_extension_protocol_options: { [upstreamHttpOptionsName]: { '@type': httpType, ...more } } });
}
const xds = 'xDS is not built yet';
const unsupported = (reason: string) => `known to Envoy, not supported here: ${reason}`;
const noIp =
  "malformed IP address: localhost. Consider setting resolver_name or setting cluster type to 'STRICT_DNS' or 'LOGICAL_DNS'";
const upstreamOnly = unsupported('it has no effect on upstream connections');

const accepted: readonly Accepted[] = [
  [
    'Cluster',
    clusterSchema,
    () => cluster({}),
    { type: 'STATIC', connectTimeoutMs: 5000, lbPolicy: 'ROUND_ROBIN', dnsRefreshRateMs: 5000, altStatName: '' },
  ],
  [
    'Cluster by name',
    clusterSchema,
    () => cluster({ type: 'STRICT_DNS', ...hosts('example.com') }),
    { type: 'STRICT_DNS' },
  ],
  [
    'Cluster.circuit_breakers',
    clusterSchema,
    () => cluster({ circuit_breakers: { thresholds: [{ max_requests: 1 }] } }),
    { circuitBreakers: { thresholds: [{ priority: 'DEFAULT', maxConnections: 1024, maxRequests: 1, maxRetries: 3 }] } },
  ],
  [
    'HttpProtocolOptions of a cluster',
    clusterSchema,
    () => typedHttp({ explicit_http_config: { http_protocol_options: {} } }),
    {},
  ],
];

const refused: readonly Refused[] = [
  ['no name', clusterSchema, () => ({}), 'name: is required'],
  ['EDS', clusterSchema, () => cluster({ type: 'EDS' }), `type: EDS is ${unsupported(xds)}`],
  [
    'type',
    clusterSchema,
    () => cluster({ type: 'STRICT_DN' }),
    'type: expected one of STATIC, STRICT_DNS, LOGICAL_DNS, ORIGINAL_DST, got "STRICT_DN" (did you mean "STRICT_DNS"?)',
  ],
  [
    'balancer',
    clusterSchema,
    () => cluster({ lb_policy: 'ORIGINAL_DST_LB' }),
    `lb_policy: ORIGINAL_DST_LB is ${unsupported('use CLUSTER_PROVIDED, as Envoy itself asks for since 1.14')}`,
  ],
  [
    'connect timeout',
    clusterSchema,
    () => cluster({ connect_timeout: '0s' }),
    'connect_timeout: must be greater than 0s, got 0s',
  ],
  [
    'static name',
    clusterSchema,
    () => cluster(hosts('127.0.0.1', 'localhost')),
    `load_assignment.endpoints.0.lb_endpoints.1.endpoint.address.socket_address.address: ${noIp}`,
  ],
  [
    'old and new options',
    clusterSchema,
    () => ({ ...typedHttp({ explicit_http_config: { http_protocol_options: {} } }), http_protocol_options: {} }),
    `http_protocol_options: cannot be given beside ${upstreamHttpOptionsName}`,
  ],
  [
    'typed options without type',
    clusterSchema,
    () => cluster({ typed_extension_protocol_options: { [upstreamHttpOptionsName]: {} } }),
    `typed_extension_protocol_options.${upstreamHttpOptionsName}: needs "@type": ${httpType}`,
  ],
  [
    'typed options of another type',
    clusterSchema,
    () => cluster({ typed_extension_protocol_options: { [upstreamHttpOptionsName]: { '@type': 'x/y' } } }),
    `typed_extension_protocol_options.${upstreamHttpOptionsName}.@type: expected the type ${httpType}, got x/y`,
  ],
  [
    'typed options without choice',
    clusterSchema,
    () => typedHttp({}),
    `typed_extension_protocol_options.${upstreamHttpOptionsName}: needs one of explicit_http_config, use_downstream_protocol_config, auto_config`,
  ],
  [
    'a retry budget over an interval',
    clusterSchema,
    () => cluster({ circuit_breakers: { thresholds: [{ retry_budget: { budget_interval: '1s' } }] } }),
    `circuit_breakers.thresholds.0.retry_budget.budget_interval: ${unsupported('budgets over a window of time are not built: they are of what is in flight')}`,
  ],
  [
    'a retry budget of more than everything',
    clusterSchema,
    () => cluster({ circuit_breakers: { thresholds: [{ retry_budget: { budget_percent: { value: 101 } } }] } }),
    'circuit_breakers.thresholds.0.retry_budget.budget_percent.value: expected a number from 0 to 100, got 101',
  ],
  [
    'upstream underscores',
    clusterSchema,
    () =>
      typedHttp({
        common_http_protocol_options: { headers_with_underscores_action: 'DROP_HEADER' },
        explicit_http_config: { http_protocol_options: { accept_http_10: true } },
      }),
    `typed_extension_protocol_options.${upstreamHttpOptionsName}.common_http_protocol_options.headers_with_underscores_action: ${upstreamOnly}`,
    `typed_extension_protocol_options.${upstreamHttpOptionsName}.explicit_http_config.http_protocol_options.accept_http_10: ${upstreamOnly}`,
  ],
  [
    'failure rate',
    clusterSchema,
    () => cluster({ dns_failure_refresh_rate: { base_interval: '2s', max_interval: '1s' } }),
    'dns_failure_refresh_rate.max_interval: dns_failure_refresh_rate must have max_interval greater than or equal to the base_interval',
  ],
];

describe('clusterSchema', () => {
  it.each(accepted)('%s: the valid minimum is accepted', (_, schema, value, part) =>
    expectAccepted(schema, value(), part),
  );

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});
