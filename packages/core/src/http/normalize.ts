/** Path normalisation (RFC 3986 6.2.2 as Envoy applies it), done once, before the first filter and the route table. */
import type { HttpSettings } from './settings.ts';

/** What became of a path: the new path, or how to refuse it. */
export type NormalizedPath = { readonly path: string } | { readonly reject: true } | { readonly redirect: string };

const REJECT = { reject: true } as const;
const ESCAPED_SLASH = /%(?:2[fF]|5[cC])/;
const ESCAPED_SLASHES = /%(?:2[fF]|5[cC])/g;
const NEEDS_WORK = /%|\\|\/\.|\/\//;

/** Applies the configured steps to path and query; the query is never touched. */
export function normalizePath(target: string, settings: HttpSettings): NormalizedPath {
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  const rest = query < 0 ? '' : target.slice(query);
  if (!NEEDS_WORK.test(path)) return { path: target };
  const unescaped = unescapeSlashes(path, settings);
  if (unescaped === undefined) return REJECT;
  let result = unescaped;
  if (settings.normalizePath) {
    const canonical = canonicalPath(unescaped);
    if (canonical === undefined) return REJECT;
    result = canonical;
  }
  // As Envoy does it, a path of nothing but slashes keeps its first and its last.
  if (settings.mergeSlashes && !/^\/+$/.test(result)) result = result.replace(/\/{2,}/g, '/');
  else if (settings.mergeSlashes && result !== '/') result = '//';
  const redirect = settings.escapedSlashes === 'UNESCAPE_AND_REDIRECT' && unescaped !== path;
  return redirect ? { redirect: result + rest } : { path: result + rest };
}

function unescapeSlashes(path: string, settings: HttpSettings): string | undefined {
  if (settings.escapedSlashes === 'KEEP_UNCHANGED' || !ESCAPED_SLASH.test(path)) return path;
  if (settings.escapedSlashes === 'REJECT_REQUEST') return undefined;
  return path.replace(ESCAPED_SLASHES, (escaped) => (escaped[1] === '2' ? '/' : '\\'));
}

/** Decodes unreserved escapes, turns backslashes, removes dot segments; `undefined` for what cannot be a path. */
function canonicalPath(path: string): string | undefined {
  const decoded = decodeUnreserved(path.replaceAll('\\', '/'));
  if (decoded === undefined) return undefined;
  const segments: string[] = [];
  const parts = decoded.split('/');
  for (let i = 1; i < parts.length; i++) {
    const part = parts[i] as string;
    const last = i === parts.length - 1;
    const name = withoutParameters(part);
    if (name === '..') segments.pop();
    if (name === '..' || name === '.') {
      if (last) segments.push('');
    } else segments.push(part);
  }
  return `/${segments.join('/')}`;
}

/** Servlet containers cut `;x=1` off a segment before they look at it: to them `..;x` climbs (CVE-2026-73551). */
function withoutParameters(segment: string): string {
  const semicolon = segment.charCodeAt(0) === 46 ? segment.indexOf(';') : -1;
  return semicolon < 0 ? segment : segment.slice(0, semicolon);
}

/** NUL has no place in a path. What is no escape, or stands for a reserved character, stays as it is written. */
function decodeUnreserved(path: string): string | undefined {
  if (path.includes('%00')) return undefined;
  return path.replace(/%[0-9a-fA-F]{2}/g, (escaped) => {
    const char = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return /[A-Za-z0-9\-._~]/.test(char) ? char : escaped;
  });
}
