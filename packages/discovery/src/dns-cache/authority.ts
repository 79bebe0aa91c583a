/** The host and port that a request names. */
import { isIP, isIPv6 } from 'node:net';
import { nameProblem } from '../resolver/index.ts';

/** A name that can be looked up, or an address. */
export interface NamedPort {
  /** Lower case, without brackets. */
  readonly host: string;
  readonly port: number;
  /** `host` is an IP address. */
  readonly literal: boolean;
  /** `host:port` or `[v6]:port`: what the host is known by. */
  readonly key: string;
}

/**
 * Reads `host`, `host:port` or `[v6]:port`; `undefined` for what is neither a name that may be looked up nor an address.
 * Whoever sends requests chooses this text: nothing that is not understood here may reach a resolver.
 */
export function readAuthority(authority: string, defaultPort: number): NamedPort | undefined {
  const bracketed = authority.startsWith('[');
  const end = bracketed ? authority.indexOf(']') + 1 : authority.indexOf(':');
  if (bracketed && end === 0) return undefined;
  const hostEnd = end < 0 ? authority.length : end;
  const rest = authority.slice(hostEnd);
  const port = rest === '' ? defaultPort : readPort(rest);
  if (port === undefined) return undefined;
  const host = (bracketed ? authority.slice(1, hostEnd - 1) : authority.slice(0, hostEnd)).toLowerCase();
  // A zone says something on the machine that wrote it only.
  if (bracketed && (!isIPv6(host) || host.includes('%'))) return undefined;
  const literal = isIP(host) !== 0;
  if (!literal && nameProblem(host) !== undefined) return undefined;
  return { host, port, literal, key: bracketed ? `[${host}]:${port}` : `${host}:${port}` };
}

/** `:80`. */
function readPort(text: string): number | undefined {
  if (!/^:\d{1,5}$/.test(text)) return undefined;
  const port = Number(text.slice(1));
  return port > 0 && port <= 65_535 ? port : undefined;
}
