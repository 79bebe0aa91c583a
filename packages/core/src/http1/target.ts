/** Request targets and Host values (RFC 9112 3.2): strict forms, no `URL` class, which would rewrite them. */
import { type RequestHead, Seen } from '../headers/header-map.ts';
import type { Http1Options } from './options.ts';
import { type ProtocolError, ProtocolErrors } from './protocol-error.ts';

/** Bytes of a registered name or IPv4 address (RFC 3986 3.2.2), less those that no host has and attacks use. */
const HOST_CHAR = new Uint8Array(128);
for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()*+;=") {
  HOST_CHAR[char.charCodeAt(0)] = 1;
}
const IPV6_LITERAL = /^\[[0-9A-Fa-f:.]{2,45}(?:%25[A-Za-z0-9._~-]{1,32})?\]$/;

/** True for `host`, `host:port` and `[v6]:port`; ports are at most 65535, the host is not empty. */
export function isAuthority(text: string): boolean {
  let hostEnd = text.length;
  if (text.charCodeAt(0) === 91) {
    const bracket = text.indexOf(']');
    if (bracket < 0 || !IPV6_LITERAL.test(text.slice(0, bracket + 1))) return false;
    hostEnd = bracket + 1;
    return hostEnd === text.length || (text.charCodeAt(hostEnd) === 58 && isPort(text, hostEnd + 1));
  }
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 58) {
      hostEnd = i;
      break;
    }
    if (code > 127 || HOST_CHAR[code] === 0) return false;
  }
  return hostEnd > 0 && (hostEnd === text.length || isPort(text, hostEnd + 1));
}

function isPort(text: string, from: number): boolean {
  let port = 0;
  for (let i = from; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
    if (port > 65535) return false;
  }
  return true;
}

type TargetOptions = Pick<Http1Options, 'allowAbsoluteUrl' | 'checkScheme'>;

/** Sets `path` (and, for the absolute form, `authority` and `scheme`) from the target. */
export function applyTarget(head: RequestHead, target: string, options: TargetOptions): ProtocolError | undefined {
  if (head.method === 'CONNECT') return applyAuthorityForm(head, target);
  if (target.charCodeAt(0) === 47) {
    head.rawPath = target;
    if (target.includes('#')) head.seen |= Seen.fragment;
    return undefined;
  }
  if (target === '*' && head.method === 'OPTIONS') {
    head.rawPath = target;
    return undefined;
  }
  if (!options.allowAbsoluteUrl) {
    // Taken for a path it is none: the connection manager answers 404.
    head.rawPath = target;
    return undefined;
  }
  const problem = applyAbsoluteForm(head, target);
  return problem === undefined && options.checkScheme && head.scheme === 'https' ? ProtocolErrors.badScheme : problem;
}

/** A CONNECT target is its authority; there is no path, and what follows on the connection is not HTTP. */
function applyAuthorityForm(head: RequestHead, target: string): ProtocolError | undefined {
  if (!isAuthority(target) || !target.includes(':')) return ProtocolErrors.badTarget;
  head.rawAuthority = target;
  head.rawPath = '';
  head.close = true;
  return undefined;
}

const ABSOLUTE = /^(https?):\/\/([^/?#]*)([^#]*)$/i;

/** The authority of an absolute target replaces Host (RFC 9112 3.2.2). */
function applyAbsoluteForm(head: RequestHead, target: string): ProtocolError | undefined {
  const parts = ABSOLUTE.exec(target);
  if (parts === null) return ProtocolErrors.badTarget;
  const authority = parts[2] as string;
  if (!isAuthority(authority)) return ProtocolErrors.badTarget;
  const rest = parts[3] as string;
  head.rawAuthority = authority;
  head.rawPath = rest === '' ? (head.method === 'OPTIONS' ? '*' : '/') : rest.startsWith('?') ? `/${rest}` : rest;
  head.seen |= Seen.scheme;
  head.scheme = (parts[1] as string).length === 5 ? 'https' : 'http';
  return undefined;
}
