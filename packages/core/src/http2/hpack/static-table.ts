/** The static table (RFC 7541 appendix A): entries 1–61, as parallel arrays with an unused entry 0. */
import { findKnownName, HASH_SEED, NameKind, TOKEN } from '../../headers/names.ts';

/** What a field is by its name, where `NameKind` does not say: pseudo headers, and names that no field may have. */
export const FieldKind = {
  invalid: -1,
  authority: -2,
  method: -3,
  path: -4,
  scheme: -5,
  status: -6,
  protocol: -7,
} as const;

/** RFC 7541 4.1: what an entry counts beyond its name and value. */
export const ENTRY_OVERHEAD = 32;

/** Index of the last static entry. */
export const STATIC_COUNT = 61;

const ENTRIES = `:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`.split('\n');

export const STATIC_NAMES: readonly string[] = [
  '',
  ...ENTRIES.map((entry) => intern(entry.split(' ', 1)[0] as string)),
];
export const STATIC_VALUES: readonly string[] = ['', ...ENTRIES.map((entry) => entry.split(' ').slice(1).join(' '))];

/** Sizes by RFC 7541 4.1. */
export const STATIC_SIZES: readonly number[] = STATIC_NAMES.map(
  (name, i) => name.length + (STATIC_VALUES[i] as string).length + ENTRY_OVERHEAD,
);

/** A value of `NameKind`, or of {@link FieldKind} for pseudo headers. */
export const STATIC_KINDS: readonly number[] = STATIC_NAMES.map((name) => {
  if (name.startsWith(':')) return pseudoKind(name);
  const bytes = Buffer.from(name, 'latin1');
  return findKnownName(bytes, 0, bytes.length, nameHash(bytes, 0, bytes.length))?.kind ?? NameKind.ordinary;
});

/** The kind of a name with a colon in front; only the six that RFC 9113 and RFC 8441 define are valid. */
export function pseudoKind(name: string): number {
  switch (name) {
    case ':authority':
      return FieldKind.authority;
    case ':method':
      return FieldKind.method;
    case ':path':
      return FieldKind.path;
    case ':scheme':
      return FieldKind.scheme;
    case ':status':
      return FieldKind.status;
    case ':protocol':
      return FieldKind.protocol;
    default:
      return FieldKind.invalid;
  }
}

/** The key for `findKnownName`; -1 when the name is no token in lower case. */
export function nameHash(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return -1;
  let hash = HASH_SEED;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (TOKEN[byte] !== byte) return -1;
    hash = (Math.imul(hash, 33) ^ byte) | 0;
  }
  // findKnownName looks at low bits only, so the sign is free to say that there is none.
  return hash & 0x7fffffff;
}

/** The one string of a known name; pseudo headers go through property keys, so that they are compared by pointer. */
function intern(name: string): string {
  const bytes = Buffer.from(name, 'latin1');
  const known = name.startsWith(':')
    ? undefined
    : findKnownName(bytes, 0, bytes.length, nameHash(bytes, 0, bytes.length));
  return known?.name ?? (Object.keys({ [name]: 0 })[0] as string);
}
