/** Which fields may not come in trailers. */
const FORBIDDEN_TRAILERS: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'max-forwards',
  'pragma',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'www-authenticate',
  '__proto__',
  'constructor',
  'prototype',
]);

/** True for a field that must not come in trailers (RFC 9110 6.5.1), in lower case. */
export function isForbiddenTrailer(name: string): boolean {
  return FORBIDDEN_TRAILERS.has(name) || name.startsWith('x-forwarded-') || name.startsWith('x-envoy-');
}
