/** The request that is to be explained: from a command line, or from JSON. */
import { isIP } from 'node:net';
import type { HeaderLine } from './explanation.ts';

/** A request to explain. It has no body. */
export interface ExplainRequest {
  /** `http://host[:port]/path?query`. The host becomes the `host` field, the port chooses the listener. */
  readonly url: string;
  /** Default `GET`. */
  readonly method?: string;
  /** A `host` here takes the place of the URL's. */
  readonly headers?: readonly HeaderLine[];
  /** Name of the listener, where several could be meant. */
  readonly listener?: string;
  /** Address of the direct peer. Default `192.0.2.1`, which nobody has (RFC 5737): loopback is treated differently. */
  readonly sourceIp?: string;
  /** The client's connection is encrypted. Default: the URL begins with `https:`. */
  readonly tls?: boolean;
  /** The server name (SNI) that the client asks for over TLS. Default: the host of the URL, unless it is an address. */
  readonly serverName?: string;
  /** The draw for weights and fractions, a non-negative integer. Default 0. */
  readonly random?: number;
  /** Values that replace those of the runtime's layers. */
  readonly runtime?: Readonly<Record<string, string>>;
}

/** The request cannot be explained: it is no request, or no listener is meant by it. */
export class ExplainError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ExplainError';
  }
}

/** A request with all defaults filled in. */
export interface FullRequest {
  readonly method: string;
  readonly url: string;
  /** Path and query as they were written: nothing is resolved or encoded. */
  readonly target: string;
  readonly headers: readonly HeaderLine[];
  readonly listener: string | undefined;
  /** The URL's port, or its scheme's. */
  readonly port: number;
  readonly sourceIp: string;
  readonly tls: boolean;
  /** '' without one. */
  readonly serverName: string;
  readonly random: number;
  readonly runtime: Readonly<Record<string, string>>;
}

const MAX_RANDOM = 2 ** 32 - 1;

/**
 * Reads `[METHOD ]URL`, e.g. `GET http://front.example/api?x=1`.
 * @throws ExplainError when it is neither.
 */
export function parseRequestLine(line: string): { readonly method: string; readonly url: string } {
  const [first = '', second, ...rest] = line.trim().split(/\s+/);
  if (rest.length > 0) throw new ExplainError(`expected "METHOD URL", got ${JSON.stringify(line)}`);
  return second === undefined ? { method: 'GET', url: first } : { method: first, url: second };
}

/** Checks and completes. @throws ExplainError telling the first thing that is wrong. */
export function completeRequest(request: ExplainRequest): FullRequest {
  const parts = /^(https?):\/\/([^/?#\s]+)([^#\s]*)$/i.exec(request.url);
  if (parts === null) {
    throw new ExplainError(`${JSON.stringify(request.url)} is no URL: expected http://host/path or https://host/path`);
  }
  const [, scheme = '', authority = '', rest = ''] = parts;
  const https = scheme.toLowerCase() === 'https';
  const { method = 'GET', headers = [], sourceIp = '192.0.2.1', random = 0 } = request;
  if (!/^[!#$%&'*+\-.^_`|~\w]+$/.test(method)) throw new ExplainError(`${JSON.stringify(method)} is no HTTP method`);
  const broken = headers.find((line) => line.some((part) => /[\r\n\0]/.test(part)) || line[0] === '');
  if (broken !== undefined) throw new ExplainError(`${JSON.stringify(broken.join(': '))} is no header field`);
  if (isIP(sourceIp) === 0) throw new ExplainError(`the source address ${JSON.stringify(sourceIp)} is no IP address`);
  if (!Number.isInteger(random) || random < 0 || random > MAX_RANDOM) {
    throw new ExplainError(`the draw must be a whole number from 0 to ${MAX_RANDOM}, not ${random}`);
  }
  return {
    method,
    url: request.url,
    // CONNECT names a host, not a path (RFC 9112 3.2.3).
    target: method === 'CONNECT' ? authority : rest === '' || rest.startsWith('?') ? `/${rest}` : rest,
    headers: [['host', authority], ...headers].filter((_, at, all) => at > 0 || !hasHost(all.slice(1))) as HeaderLine[],
    listener: request.listener,
    port: portOf(authority) ?? (https ? 443 : 80),
    sourceIp,
    tls: request.tls ?? https,
    serverName: request.serverName ?? hostName(authority),
    random,
    runtime: request.runtime ?? {},
  };
}

function hasHost(headers: readonly (readonly string[])[]): boolean {
  return headers.some(([name]) => name?.toLowerCase() === 'host');
}

/** Without userinfo and port; '' for an address, which no client sends as SNI. */
function hostName(authority: string): string {
  const host = authority.replace(/^.*@/, '').replace(/:\d*$/, '');
  return host.startsWith('[') || isIP(host) !== 0 ? '' : host;
}

function portOf(authority: string): number | undefined {
  const port = /:(\d{1,5})$/.exec(authority)?.[1];
  return port === undefined ? undefined : Number(port);
}

/** The request as a client writes it. What a client may not write is left as it is: the proxy is to judge it. */
export function requestBytes({ method, target, headers }: FullRequest): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'utf8');
}
