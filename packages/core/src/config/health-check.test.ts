import { describe, expect, it } from 'vitest';
import { clusterSchema } from './cluster.ts';
import { type Accepted, expectAccepted, expectRefused, parse, type Refused, refusals } from './fixture.ts';

const base = { timeout: '1s', interval: '2s', unhealthy_threshold: 2, healthy_threshold: 3 };
const withChecks =
  (...checks: object[]) =>
  () => ({ name: 'c', health_checks: checks });
const check = (more: object) => withChecks({ ...base, ...more });
const http = (more: object) => check({ http_health_check: { path: '/', ...more } });
const tcp = (more: object) => check({ tcp_health_check: more });
const grpc = (more: object = {}) => ({ ...base, grpc_health_check: more });
const redis = 'type.googleapis.com/envoy.extensions.health_checkers.redis.v3.Redis';
const fileSink = 'type.googleapis.com/envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink';
const sink = (more: object) => ({
  event_logger: [{ name: 'envoy.health_check.event_sinks.file', typed_config: { '@type': fileSink, ...more } }],
});

const accepted: readonly Accepted[] = [
  [
    'the valid minimum',
    clusterSchema,
    tcp({}),
    {
      healthChecks: [
        {
          timeoutMs: 1000,
          intervalMs: 2000,
          unhealthyThreshold: 2,
          healthyThreshold: 3,
          noTrafficIntervalMs: 60_000,
          reuseConnection: true,
          initialJitterMs: 0,
          intervalJitterMs: 0,
          tcpHealthCheck: { receive: [] },
        },
      ],
    },
  ],
  [
    'HttpHealthCheck',
    clusterSchema,
    http({ method: 'POST', send: { text: '00ff' }, receive: [{ binary: 'AAAA' }], codec_client_type: 'HTTP2' }),
    { healthChecks: [{ httpHealthCheck: { responseBufferSize: 1024, codecClientType: 'HTTP2', host: '' } }] },
  ],
  [
    'GrpcHealthCheck where the cluster speaks HTTP/2',
    clusterSchema,
    () => ({ name: 'c', http2_protocol_options: {}, health_checks: [grpc({ service_name: 's' })] }),
    { healthChecks: [{ grpcHealthCheck: { serviceName: 's', authority: '' } }] },
  ],
  [
    'event_logger',
    clusterSchema,
    check({ tcp_health_check: {}, ...sink({ event_log_path: '/x' }) }),
    { healthChecks: [{ eventLogger: [{ config: { eventLogPath: '/x' } }] }] },
  ],
  [
    'several with names',
    clusterSchema,
    withChecks({ ...base, name: 'a', tcp_health_check: {} }, { ...base, name: 'b', tcp_health_check: {} }),
    { healthChecks: [{ name: 'a' }, { name: 'b' }] },
  ],
];

const range = (kind: string, problem: string) => `Invalid http ${kind} status range: expecting ${problem}`;

const refused: readonly Refused[] = [
  [
    'no kind',
    clusterSchema,
    check({}),
    'health_checks.0: needs one of http_health_check, tcp_health_check, grpc_health_check, custom_health_check',
  ],
  [
    'no timeout',
    clusterSchema,
    withChecks({ ...base, timeout: null, tcp_health_check: {} }),
    'health_checks.0.timeout: is required',
  ],
  [
    'no time',
    clusterSchema,
    check({ timeout: '0s', tcp_health_check: {} }),
    'health_checks.0.timeout: must be greater than 0s, got 0s',
  ],
  ['no path', clusterSchema, check({ http_health_check: {} }), 'health_checks.0.http_health_check.path: is required'],
  [
    'a payload with GET',
    clusterSchema,
    http({ send: { text: '00' } }),
    "health_checks.0.http_health_check.send: HTTP health check cannot specify a request payload with method 'GET'. Only methods that support a request body (POST, PUT, PATCH, OPTIONS) can be used with payload.",
  ],
  [
    'more to receive than is looked at',
    clusterSchema,
    http({ response_buffer_size: 1, receive: [{ text: '6869' }] }),
    "health_checks.0.http_health_check.receive: The expected response length '2' is over than http health response buffer size '1'",
  ],
  [
    'hex',
    clusterSchema,
    tcp({ receive: [{ text: 'abc' }] }),
    "health_checks.0.tcp_health_check.receive.0.text: invalid hex string 'abc'",
  ],
  [
    'an empty range',
    clusterSchema,
    http({ expected_statuses: [{ start: 200 }] }),
    `health_checks.0.http_health_check.expected_statuses.0: ${range('expected', 'start < end, but found start=200 and end=0')}`,
  ],
  [
    'a range that is too low',
    clusterSchema,
    http({ expected_statuses: [{ start: 99, end: 200 }] }),
    `health_checks.0.http_health_check.expected_statuses.0: ${range('expected', 'start >= 100, but found start=99')}`,
  ],
  [
    'a range that is too high',
    clusterSchema,
    http({ retriable_statuses: [{ start: 500, end: 601 }] }),
    `health_checks.0.http_health_check.retriable_statuses.0: ${range('retriable', 'end <= 600, but found end=601')}`,
  ],
  [
    'CONNECT',
    clusterSchema,
    http({ method: 'CONNECT' }),
    'health_checks.0.http_health_check.method: expected one of METHOD_UNSPECIFIED, GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE, PATCH, got "CONNECT"',
  ],
  [
    'gRPC over HTTP/1',
    clusterSchema,
    withChecks(grpc()),
    'health_checks.0.grpc_health_check: c cluster must support HTTP/2 for gRPC healthchecking',
  ],
  [
    'several without names',
    clusterSchema,
    withChecks({ ...base, name: 'a', tcp_health_check: {} }, { ...base, tcp_health_check: {} }),
    'health_checks.1: health check at index 1 is missing a name; all health checks must have a name when multiple health checks are configured',
  ],
  [
    'two of one name',
    clusterSchema,
    withChecks({ ...base, name: 'a', tcp_health_check: {} }, { ...base, name: 'a', tcp_health_check: {} }),
    "health_checks.1.name: duplicate health check name 'a' at index 1; all health check names must be unique within a cluster",
  ],
  [
    'use_alpn_protocol without TLS',
    clusterSchema,
    http({ use_alpn_protocol: true }),
    'health_checks.0.http_health_check.use_alpn_protocol: use_alpn_protocol configured for the health check of cluster c which has a non-ALPN transport socket',
  ],
  [
    'a name that is no host',
    clusterSchema,
    () => ({ name: 'a b', health_checks: [{ ...base, http_health_check: { path: '/' } }] }),
    'health_checks.0.http_health_check.host: is required: the cluster\'s name "a b" is no host',
  ],
  [
    'a custom checker',
    clusterSchema,
    check({ custom_health_check: { name: 'envoy.health_checkers.redis', typed_config: { '@type': redis } } }),
    'health_checks.0.custom_health_check.typed_config.@type: envoy.health_checkers.redis is known to Envoy, not supported here: only http_health_check, tcp_health_check and grpc_health_check are built',
  ],
  [
    'an unknown checker',
    clusterSchema,
    check({ custom_health_check: { name: 'nope' } }),
    "health_checks.0.custom_health_check.name: Didn't find a registered implementation for 'nope' with type URL: ''",
  ],
  [
    'no log path',
    clusterSchema,
    check({ tcp_health_check: {}, ...sink({}) }),
    'health_checks.0.event_logger.0.typed_config.event_log_path: is required',
  ],
];

describe('healthCheckSchema', () => {
  it.each(accepted)('%s is accepted', (_, schema, value, part) => expectAccepted(schema, value(), part));

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );

  it('the form of 2018 comes to the same', () => {
    const cluster = (http: object) => ({
      static_resources: {
        clusters: [{ name: 'c', health_checks: [{ ...base, http_health_check: { path: '/', ...http } }] }],
      },
    });
    const old = parse(JSON.stringify(cluster({ service_name: 'locations', use_http2: true })));
    const now = parse(
      JSON.stringify(cluster({ service_name_matcher: { prefix: 'locations' }, codec_client_type: 'HTTP2' })),
    );
    expect(old.config).toEqual(now.config);
  });
});
