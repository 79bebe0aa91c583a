/**
 * Interned field names: a parser that scans bytes gets the one shared lower-case string of a known name without
 * making a new one, and comparisons between known names are pointer comparisons.
 */

const KNOWN = `accept accept-charset accept-encoding accept-language accept-ranges access-control-allow-credentials
access-control-allow-headers access-control-allow-methods access-control-allow-origin access-control-expose-headers
access-control-max-age access-control-request-headers access-control-request-method age allow alt-svc authorization
cache-control cf-connecting-ip connection content-disposition content-encoding content-language content-length
content-location content-range content-security-policy content-type cookie cross-origin-opener-policy
cross-origin-resource-policy date device-memory dnt downlink ect etag expect expires forwarded from grpc-encoding
grpc-message grpc-status grpc-timeout host http2-settings if-match if-modified-since if-none-match if-range
if-unmodified-since keep-alive last-event-id last-modified link location max-forwards origin permissions-policy pragma
priority proxy-authenticate proxy-authorization proxy-connection range referer referrer-policy retry-after rtt
save-data sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest sec-fetch-mode sec-fetch-site sec-fetch-user
sec-websocket-accept sec-websocket-extensions sec-websocket-key sec-websocket-protocol sec-websocket-version server
server-timing set-cookie strict-transport-security te timing-allow-origin trailer transfer-encoding upgrade
upgrade-insecure-requests user-agent vary via warning www-authenticate x-amzn-trace-id x-api-key x-b3-flags
x-b3-parentspanid x-b3-sampled x-b3-spanid x-b3-traceid x-client-trace-id x-content-type-options x-correlation-id
x-csrf-token x-envoy-attempt-count x-envoy-decorator-operation x-envoy-downstream-service-cluster
x-envoy-downstream-service-node x-envoy-expected-rq-timeout-ms x-envoy-external-address x-envoy-force-trace
x-envoy-hedge-on-per-try-timeout x-envoy-internal x-envoy-ip-tags x-envoy-max-retries x-envoy-original-host
x-envoy-original-path x-envoy-original-url x-envoy-retriable-header-names x-envoy-retriable-status-codes
x-envoy-retry-grpc-on x-envoy-retry-on x-envoy-upstream-alt-stat-name x-envoy-upstream-rq-per-try-timeout-ms
x-envoy-upstream-rq-timeout-alt-response x-envoy-upstream-rq-timeout-ms x-envoy-upstream-service-time
x-envoy-upstream-stream-duration-ms x-forwarded-client-cert x-forwarded-for x-forwarded-host x-forwarded-port
x-forwarded-proto x-frame-options x-ot-span-context x-powered-by x-ratelimit-limit x-ratelimit-remaining
x-ratelimit-reset x-real-ip x-request-id x-requested-with x-served-by x-trace-id x-xss-protection traceparent
tracestate baggage`;

/** Names that the codec or the connection manager treats specially; everything else is `ordinary`. */
export const NameKind = {
  ordinary: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  keepAlive: 5,
  proxyConnection: 6,
  upgrade: 7,
  te: 8,
  expect: 9,
  forwardedFor: 10,
  forwardedProto: 11,
  requestId: 12,
  envoy: 13,
  referer: 14,
  http2Settings: 15,
  forwardedHost: 16,
  clientCert: 17,
} as const;

const KINDS: Readonly<Record<string, number>> = {
  host: NameKind.host,
  'content-length': NameKind.contentLength,
  'transfer-encoding': NameKind.transferEncoding,
  connection: NameKind.connection,
  'keep-alive': NameKind.keepAlive,
  'proxy-connection': NameKind.proxyConnection,
  upgrade: NameKind.upgrade,
  te: NameKind.te,
  expect: NameKind.expect,
  'x-forwarded-for': NameKind.forwardedFor,
  'x-forwarded-proto': NameKind.forwardedProto,
  'x-request-id': NameKind.requestId,
  referer: NameKind.referer,
  'http2-settings': NameKind.http2Settings,
  'x-forwarded-host': NameKind.forwardedHost,
  'x-forwarded-client-cert': NameKind.clientCert,
};

/** One interned name. */
export interface KnownName {
  readonly name: string;
  /** A value of {@link NameKind}. */
  readonly kind: number;
}

const TABLE_SIZE = 2048;
const table: KnownName[][] = Array.from({ length: TABLE_SIZE }, () => []);

/** Start value of the rolling hash over lower-case name bytes: `hash = (hash * 33) ^ byte`. */
export const HASH_SEED = 5381;

function hashOf(name: string): number {
  let hash = HASH_SEED;
  for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 33) ^ name.charCodeAt(i)) | 0;
  return hash;
}

/** Every interned name. They went through property keys, so V8 compares them with literals by pointer. */
export const KNOWN_NAMES: readonly string[] = Object.keys(
  Object.fromEntries(KNOWN.split(/\s+/).map((name) => [name, 0])),
);

for (const name of KNOWN_NAMES) {
  const kind = KINDS[name] ?? (name.startsWith('x-envoy-') ? NameKind.envoy : NameKind.ordinary);
  (table[hashOf(name) & (TABLE_SIZE - 1)] as KnownName[]).push({ name, kind });
}

/** tchar (RFC 9110 5.6.2) → its lower-case code; every other byte → 0. */
export const TOKEN = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
  TOKEN[char.charCodeAt(0)] = char.charCodeAt(0);
}
for (let c = 65; c <= 90; c++) TOKEN[c] = c + 32;

/** The interned name of `bytes[start..end)`, whose rolling hash is `hash`; `undefined` for an unknown name. */
export function findKnownName(bytes: Uint8Array, start: number, end: number, hash: number): KnownName | undefined {
  const candidates = table[hash & (TABLE_SIZE - 1)] as KnownName[];
  for (let c = 0; c < candidates.length; c++) {
    const known = candidates[c] as KnownName;
    if (known.name.length === end - start && sameName(known.name, bytes, start)) return known;
  }
  return undefined;
}

function sameName(name: string, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < name.length; i++) {
    if (name.charCodeAt(i) !== TOKEN[bytes[start + i] as number]) return false;
  }
  return true;
}
