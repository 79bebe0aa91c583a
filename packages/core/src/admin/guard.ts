/**
 * Keeps web pages from pressing our buttons. A browser on the operator's machine can reach a loopback admin port, so a
 * mutation must come to an address that no foreign page can own (DNS rebinding) and from our own pages (CSRF).
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** What a mutating request is checked against. */
export interface GuardOptions {
  /** Names besides IP literals and names without a dot that the Host header may carry. */
  readonly allowedHosts: readonly string[];
}

/** Why the request is refused, or undefined when it may pass. */
export function refusal(headers: IncomingHttpHeaders, { allowedHosts }: GuardOptions): string | undefined {
  const host = headers.host;
  if (host === undefined || host === '') return 'mutations need a Host header\n';
  if (!isTrustedHost(hostName(host), allowedHosts)) {
    return 'mutations are only accepted when Host is an IP address, localhost or a configured admin host\n';
  }
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return 'mutations from other sites are not accepted\n';
  }
  if (headers.origin !== undefined && !sameHost(headers.origin, host)) {
    return 'mutations are only accepted when Origin is this server\n';
  }
  return undefined;
}

function isTrustedHost(name: string, allowedHosts: readonly string[]): boolean {
  // A name without a dot (localhost, the name of a container) is in no DNS zone that anybody could rent.
  return /^[\w-]+$/.test(name) || isIP(name) !== 0 || allowedHosts.some((allowed) => allowed.toLowerCase() === name);
}

/** The host without port and brackets, in lower case. */
function hostName(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(host);
  if (bracketed !== null) return bracketed[1]!;
  return host.replace(/:\d+$/, '').toLowerCase();
}

function sameHost(origin: string, host: string): boolean {
  const match = /^https?:\/\/(.+)$/.exec(origin);
  return match !== null && match[1]!.toLowerCase() === host.toLowerCase();
}
