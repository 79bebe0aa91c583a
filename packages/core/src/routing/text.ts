/** Text helpers for the hot path: ASCII case folding, and the form that configured text has on the wire. */
export { lowerAscii, wireText } from '../regex/wire-text.ts';

/** The lower-case code of an ASCII letter; every other code as it is. */
export function foldCode(code: number): number {
  return code >= 65 && code <= 90 ? code + 32 : code;
}

/** Where the path ends: at the query, at a fragment, or at the end of the text. */
export function endOfPath(target: string): number {
  const query = target.indexOf('?');
  const end = query < 0 ? target.length : query;
  const fragment = target.indexOf('#');
  return fragment < 0 || fragment > end ? end : fragment;
}

/** A path without the parameters (`;…`) of its segments; `end` is where it ends with them. */
export function withoutParameters(target: string, end: number): string {
  const path = target.slice(0, end);
  return path.includes(';') ? path.replace(/;[^/]*/g, '') : path;
}

/** Puts the missing slash before a path: without it a configured path would become part of the host before it. */
export function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

/** A host without its port; an IPv6 literal keeps its brackets. Anything behind the last colon counts as a port. */
export function withoutPort(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon < 0 || host.indexOf(']', colon) > 0 ? host : host.slice(0, colon);
}

/** Whether `text` begins with `lowered`, regardless of ASCII case. */
export function startsWithFolded(text: string, lowered: string): boolean {
  if (text.length < lowered.length) return false;
  for (let i = 0; i < lowered.length; i++) if (foldCode(text.charCodeAt(i)) !== lowered.charCodeAt(i)) return false;
  return true;
}
