/** Traces in Envoy's JSON form (`envoy.data.tap.v3`). */
import { type Headers, type HttpStream, textOfWire } from '@mesh/core';

/** Bytes of a body, up to a limit. */
export class TracedBody {
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private truncated = false;

  add(chunk: Uint8Array, limit: number): void {
    const part = chunk.subarray(0, Math.max(0, limit - this.size));
    if (part.length < chunk.length) this.truncated = true;
    if (part.length === 0) return;
    this.size += part.length;
    this.chunks.push(Buffer.from(part));
  }

  json(asString: boolean): object {
    const bytes = Buffer.concat(this.chunks);
    const { truncated } = this;
    return asString ? { as_string: bytes.toString(), truncated } : { as_bytes: bytes.toString('base64'), truncated };
  }
}

/** A message of a buffered trace. Trailers that never came are an empty list, as in Envoy. */
export function messageJson(
  headers: readonly object[],
  body: object | undefined,
  trailers: readonly object[],
  receivedMs: number | undefined,
): object {
  return {
    headers,
    ...(body !== undefined && { body }),
    trailers,
    ...(receivedMs !== undefined && { headers_received_time: new Date(receivedMs).toISOString() }),
  };
}

const REQUEST_PSEUDO = [':authority', ':path', ':method', ':scheme'];

/** The head of a request as Envoy lists it. */
export function requestFields(headers: Headers): object[] {
  return [...pseudo(headers, REQUEST_PSEUDO), ...fields(headers)];
}

/** The head of a response as Envoy lists it. */
export function responseFields(headers: Headers): object[] {
  return [...pseudo(headers, [':status']), ...fields(headers)];
}

/** Trailers, or the fields of a head without its pseudo fields. */
export function fields(headers: Headers): object[] {
  const list: object[] = [];
  headers.forEach((name, value) => {
    list.push(field(name, value));
  });
  return list;
}

function pseudo(headers: Headers, names: readonly string[]): object[] {
  return names.flatMap((name) => {
    const value = headers.get(name);
    return value === undefined || value === '' ? [] : [field(name, value)];
  });
}

function field(key: string, value: string): object {
  return { key: textOfWire(key), value: textOfWire(value), raw_value: '' };
}

/** `downstream_connection`. */
export function downstreamJson({ connection }: HttpStream): object {
  return {
    local_address: addressJson(connection.localIp, connection.localPort),
    remote_address: addressJson(connection.remoteIp, connection.remotePort),
  };
}

/** `upstream_connection`; empty without one. */
export function upstreamJson({ info: { upstreamConnection, upstreamHost } }: HttpStream): object {
  if (upstreamConnection === undefined || upstreamHost === undefined) return {};
  return {
    local_address: addressJson(upstreamConnection.localIp, upstreamConnection.localPort),
    remote_address: addressJson(upstreamHost.ip, upstreamHost.port),
  };
}

/** `envoy.config.core.v3.Address`. */
function addressJson(address: string, port: number): object {
  if (address === '' || port < 0) return { pipe: { path: address, mode: 0 } };
  return {
    socket_address: {
      protocol: 'TCP',
      address,
      port_value: port,
      resolver_name: '',
      ipv4_compat: false,
      network_namespace_filepath: '',
    },
  };
}

/** Characters that protobuf does not leave as they are in JSON, besides those that nobody does. */
const ESCAPED =
  /[<>\u007f-\u009f\u00ad\u0600-\u0603\u06dd\u070f\u17b4\u17b5\u200b-\u200f\u2028-\u202e\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/gu;

/** A trace as Envoy prints it: indented by one space, with a line feed behind it. */
export function printTrace(trace: object): string {
  return `${JSON.stringify(trace, undefined, 1).replace(ESCAPED, escaped)}\n`;
}

function escaped(char: string): string {
  let text = '';
  for (let i = 0; i < char.length; i++) text += `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return text;
}
