/** Active health checks of a cluster: Envoy's `config.core.v3.HealthCheck`. */
import type { z } from 'zod';
import { headerName, hostText, stringMatcher } from './common.ts';
import { checkRemovals, headerValueOption } from './header-mutation.ts';
import { eventSink } from './health-check-events.ts';
import { type MessageInit, message, nested, notSupported, required, withDefault } from './message.ts';
import { bool, bytes, duration, enumOf, list, nonEmpty, string, struct, uint32, uint64 } from './proto-json.ts';
import { int64Range } from './route-match.ts';
import type { Report } from './schema-type.ts';
import { proxyProtocolConfig } from './tls/transport-socket.ts';
import { typedExtension } from './typed-extension.ts';

/** Envoy's bound of `health_checks`. */
export const MAX_HEALTH_CHECKS = 8;

const NAME = 'envoy.config.core.v3.HealthCheck';

/** Bytes of a response that `receive` is looked for in. */
const DEFAULT_RESPONSE_BUFFER_BYTES = 1024;

const payload = message(
  { text: nonEmpty(), binary: bytes() },
  {
    name: `${NAME}.Payload`,
    oneofs: [{ fields: ['text', 'binary'], required: true }],
    check({ text }, report) {
      if (text === undefined || /^(?:[0-9a-fA-F]{2})+$/.test(text)) return;
      report({ path: ['text'], message: `invalid hex string '${text}'` });
    },
  },
);

type Payload = z.output<typeof payload>;

/** The bytes of a payload. */
export function payloadBytes({ text, binary }: Payload): Uint8Array {
  return text === undefined ? (binary ?? new Uint8Array()) : Buffer.from(text, 'hex');
}

/** Envoy's bound of `request_headers_to_add`. */
const MAX_ADDITIONS = 1000;

const WITH_BODY: readonly string[] = ['POST', 'PUT', 'PATCH', 'OPTIONS'];

const PATH = 'a path: ASCII without spaces and control characters, all else percent-encoded';

const httpHealthCheck = message(
  {
    host: withDefault(hostText(), ''),
    path: required(string({ minLength: 1, pattern: /^[!-~]+$/, expected: PATH })),
    send: payload,
    receive: list(payload),
    response_buffer_size: withDefault(uint64(), DEFAULT_RESPONSE_BUFFER_BYTES),
    request_headers_to_add: list(headerValueOption, { max: MAX_ADDITIONS }),
    request_headers_to_remove: list(headerName()),
    expected_statuses: list(int64Range),
    retriable_statuses: list(int64Range),
    codec_client_type: withDefault(
      enumOf(['HTTP1', 'HTTP2'], { HTTP3: { number: 2, reason: 'Node.js has no QUIC' } }),
      'HTTP1',
    ),
    use_alpn_protocol: withDefault(bool(), false),
    service_name_matcher: stringMatcher,
    method: withDefault(
      enumOf(
        ['METHOD_UNSPECIFIED', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH'],
        {},
        [0, 1, 2, 3, 4, 5, 7, 8, 9],
      ),
      'METHOD_UNSPECIFIED',
    ),
  },
  {
    name: `${NAME}.HttpHealthCheck`,
    check({ send, method = 'METHOD_UNSPECIFIED', receive, responseBufferSize, ...statuses }, report) {
      if (send !== undefined && !WITH_BODY.includes(method)) {
        const shown = method === 'METHOD_UNSPECIFIED' ? 'GET' : method;
        const rule = 'Only methods that support a request body (POST, PUT, PATCH, OPTIONS) can be used with payload.';
        const message = `HTTP health check cannot specify a request payload with method '${shown}'. ${rule}`;
        report({ path: ['send'], at: 'key', message });
      }
      const limit = responseBufferSize ?? DEFAULT_RESPONSE_BUFFER_BYTES;
      const wanted = (receive ?? []).reduce((sum, each) => sum + payloadBytes(each as Payload).length, 0);
      if (limit > 0 && wanted > limit) {
        const message = `The expected response length '${wanted}' is over than http health response buffer size '${limit}'`;
        report({ path: ['receive'], message });
      }
      checkRemovals({ requestHeadersToRemove: statuses.requestHeadersToRemove }, report);
      checkRanges('expected', statuses.expectedStatuses, report);
      checkRanges('retriable', statuses.retriableStatuses, report);
    },
  },
);

interface StatusRange {
  readonly start?: number | undefined;
  readonly end?: number | undefined;
}

function checkRanges(
  kind: 'expected' | 'retriable',
  ranges: readonly (StatusRange | undefined)[] | undefined,
  report: Report,
): void {
  for (const [index, range] of (ranges ?? []).entries()) {
    const problem = range === undefined ? undefined : rangeProblem(range.start ?? 0, range.end ?? 0);
    if (problem === undefined) continue;
    report({ path: [`${kind}_statuses`, index], message: `Invalid http ${kind} status range: ${problem}` });
  }
}

function rangeProblem(start: number, end: number): string | undefined {
  if (start >= end) return `expecting start < end, but found start=${start} and end=${end}`;
  if (start < 100) return `expecting start >= 100, but found start=${start}`;
  return end > 600 ? `expecting end <= 600, but found end=${end}` : undefined;
}

const tcpHealthCheck = message(
  { send: payload, receive: list(payload), proxy_protocol_config: proxyProtocolConfig },
  {
    name: `${NAME}.TcpHealthCheck`,
    check({ proxyProtocolConfig: given }, report) {
      const extras = given?.passThroughTlvs !== undefined || (given?.addedTlvs?.length ?? 0) > 0;
      if (!extras) return;
      const message = notSupported('a check has no client whose entries could be passed on');
      report({ path: ['proxy_protocol_config'], at: 'key', message });
    },
  },
);

const grpcHealthCheck = message(
  {
    service_name: withDefault(string(), ''),
    authority: withDefault(hostText(), ''),
    initial_metadata: list(headerValueOption, { max: MAX_ADDITIONS }),
  },
  { name: `${NAME}.GrpcHealthCheck` },
);

/** Envoy's checkers that are extensions. */
const customHealthCheck = typedExtension(
  `${NAME}.CustomHealthCheck`,
  ['redis.v3.Redis', 'thrift.v3.Thrift', 'dynamic_modules.v3.DynamicModuleHealthCheck'].map((type) => ({
    name: `envoy.health_checkers.${type.split('.')[0]}`,
    schema: undefined,
    type: `envoy.extensions.health_checkers.${type}`,
    reason: 'only http_health_check, tcp_health_check and grpc_health_check are built',
  })),
);

/** Envoy `HealthCheck`. */
export const healthCheckSchema = message(
  {
    name: withDefault(string(), ''),
    timeout: required(duration({ aboveMs: 0 })),
    interval: required(duration({ aboveMs: 0 })),
    initial_jitter: withDefault(duration(), 0),
    interval_jitter: withDefault(duration(), 0),
    interval_jitter_percent: withDefault(uint32(), 0),
    unhealthy_threshold: required(uint32()),
    healthy_threshold: required(uint32()),
    alt_port: uint32({ max: 65535 }),
    reuse_connection: withDefault(bool(), true),
    http_health_check: httpHealthCheck,
    tcp_health_check: tcpHealthCheck,
    grpc_health_check: grpcHealthCheck,
    custom_health_check: customHealthCheck,
    no_traffic_interval: withDefault(duration({ aboveMs: 0 }), 60_000),
    no_traffic_healthy_interval: duration({ aboveMs: 0 }),
    unhealthy_interval: duration({ aboveMs: 0 }),
    unhealthy_edge_interval: duration({ aboveMs: 0 }),
    healthy_edge_interval: duration({ aboveMs: 0 }),
    event_log_path: withDefault(string(), ''),
    event_logger: list(eventSink),
    always_log_health_check_failures: withDefault(bool(), false),
    always_log_health_check_success: withDefault(bool(), false),
    tls_options: nested(message({ alpn_protocols: list(string()) }, { name: `${NAME}.TlsOptions` })),
    transport_socket_match_criteria: struct(),
  },
  {
    name: NAME,
    known: { event_service: 'Envoy does not send health check events to it either; use event_logger' },
    oneofs: [
      {
        fields: ['http_health_check', 'tcp_health_check', 'grpc_health_check', 'custom_health_check'],
        required: true,
      },
    ],
  },
);

/** One entry of `health_checks`. */
export type HealthCheckConfig = z.output<typeof healthCheckSchema>;

/** The same as code writes it: output names, and what has a default may be left out. */
export type HealthCheckInit = MessageInit<(typeof healthCheckSchema)['info']['fields']>;
