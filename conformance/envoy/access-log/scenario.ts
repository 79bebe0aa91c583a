/** What an access log scenario is: a listener that logs into a file of its own, and what clients do to it. */
import type { Yaml } from '../scenario.ts';

/** One connection: what is sent, and how it ends. */
export interface Visit {
  readonly send: string;
  /** Sent a little later, on the same connection. */
  readonly later?: string;
  /** Time that the connection stays open. Default: until an answer has come, and nothing behind it. */
  readonly forMs?: number;
  /** The client goes away with a reset, which says that it does not wait for the rest. Default false. */
  readonly reset?: boolean;
}

/** One scenario. `<log>` stands for its file; clusters are `up`, `dead` (refuses connections) and what a visit names. */
export interface LogScenario {
  /** Unique, in kebab-case; names the listener. */
  readonly name: string;
  /** What would go wrong, or which rule of Envoy it shows. */
  readonly why: string;
  /** More fields of the listener; its only filter is `filter` or a connection manager. */
  readonly listener?: Yaml;
  /** A network filter in the place of the connection manager. */
  readonly filter?: Yaml;
  /** Fields of the connection manager. */
  readonly manager?: Yaml;
  /** Fields of the router. */
  readonly router?: Yaml;
  /** HTTP filters in front of the router. */
  readonly httpFilters?: readonly Yaml[];
  readonly visits: readonly Visit[];
  /** Replaced before comparing. */
  readonly masks?: readonly (readonly [RegExp, string])[];
}

/** What is logged unless a scenario says otherwise: all that does not depend on time. */
export const FACTS = [
  ...['%ACCESS_LOG_TYPE%', '%REQ(:METHOD)%', '%REQ(:PATH)%', '%PROTOCOL%', '%RESPONSE_CODE%', '%RESPONSE_FLAGS%'],
  ...['%RESPONSE_FLAGS_LONG%', '%RESPONSE_CODE_DETAILS%', '%BYTES_RECEIVED%', '%BYTES_SENT%', '%REQ(:AUTHORITY)%'],
  ...['%UPSTREAM_CLUSTER%', '%UPSTREAM_HOST%', '%UPSTREAM_TRANSPORT_FAILURE_REASON%', '%GRPC_STATUS%'],
  ...['%CONNECTION_TERMINATION_DETAILS%', '%DOWNSTREAM_LOCAL_ADDRESS%', '%LISTENER_NAME%', '%FILTER_CHAIN_NAME%'],
].join(' ');

/** A file log with this format, for `access_log`. */
export function log(format: Yaml = { text_format: `${FACTS}\n` }, more: Yaml = {}): Yaml {
  const type = 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog';
  const logFormat = Object.keys(format).length === 0 ? {} : { log_format: format };
  return { name: 'file', ...more, typed_config: { '@type': type, path: '<log>', ...logFormat } };
}

/** A GET on a connection of its own. */
export function get(target: string, fields = ''): Visit {
  return { send: `GET ${target} HTTP/1.1\r\nhost: h.test\r\n${fields}\r\n` };
}

/** A POST likewise. */
export function post(target: string, body: string, fields = ''): Visit {
  return { send: `POST ${target} HTTP/1.1\r\nhost: h.test\r\ncontent-length: ${body.length}\r\n${fields}\r\n${body}` };
}
