/** The conditions of `retry_on`, `x-envoy-retry-on` and `x-envoy-retry-grpc-on` as bits. */

/** One bit for each condition. */
export const RetryOn = {
  fiveXx: 1 << 0,
  gatewayError: 1 << 1,
  reset: 1 << 2,
  resetBeforeRequest: 1 << 3,
  connectFailure: 1 << 4,
  envoyRateLimited: 1 << 5,
  retriable4xx: 1 << 6,
  refusedStream: 1 << 7,
  retriableStatusCodes: 1 << 8,
  retriableHeaders: 1 << 9,
  http3PostConnectFailure: 1 << 10,
  cancelled: 1 << 11,
  deadlineExceeded: 1 << 12,
  internal: 1 << 13,
  resourceExhausted: 1 << 14,
  unavailable: 1 << 15,
} as const;

const HTTP: ReadonlyMap<string, number> = new Map([
  ['5xx', RetryOn.fiveXx],
  ['gateway-error', RetryOn.gatewayError],
  ['reset', RetryOn.reset],
  ['reset-before-request', RetryOn.resetBeforeRequest],
  ['connect-failure', RetryOn.connectFailure],
  ['envoy-ratelimited', RetryOn.envoyRateLimited],
  ['retriable-4xx', RetryOn.retriable4xx],
  ['refused-stream', RetryOn.refusedStream],
  ['retriable-status-codes', RetryOn.retriableStatusCodes],
  ['retriable-headers', RetryOn.retriableHeaders],
  // There is no HTTP/3 here, so that it never comes true.
  ['http3-post-connect-failure', RetryOn.http3PostConnectFailure],
]);

const GRPC: ReadonlyMap<string, number> = new Map([
  ['cancelled', RetryOn.cancelled],
  ['deadline-exceeded', RetryOn.deadlineExceeded],
  ['internal', RetryOn.internal],
  ['resource-exhausted', RetryOn.resourceExhausted],
  ['unavailable', RetryOn.unavailable],
]);

/** The bit of each `grpc-status` that a condition names. */
export const GRPC_STATUS_BIT: ReadonlyMap<string, number> = new Map([
  ['1', RetryOn.cancelled],
  ['4', RetryOn.deadlineExceeded],
  ['8', RetryOn.resourceExhausted],
  ['13', RetryOn.internal],
  ['14', RetryOn.unavailable],
]);

/** The bits of a policy's tokens, of both kinds; unknown ones are ignored, as in Envoy. */
export function retryBits(tokens: readonly string[]): number {
  let bits = 0;
  for (const token of tokens) bits |= (HTTP.get(token) ?? 0) | (GRPC.get(token) ?? 0);
  return bits;
}

/** The bits of a value of `x-envoy-retry-on`. */
export function retryOnBits(value: string): number {
  return sum(value, HTTP);
}

/** The bits of a value of `x-envoy-retry-grpc-on`. */
export function retryGrpcOnBits(value: string): number {
  return sum(value, GRPC);
}

/** Whether every token of `x-envoy-retry-on` is known (`strict_check_headers`). */
export function isRetryOn(value: string): boolean {
  return tokensOf(value).every((token) => HTTP.has(token));
}

/** Whether every token of `x-envoy-retry-grpc-on` is known. */
export function isRetryGrpcOn(value: string): boolean {
  return tokensOf(value).every((token) => GRPC.has(token));
}

/** The parts of a comma-separated value, without blanks around them and without empty ones. */
export function tokensOf(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function sum(value: string, table: ReadonlyMap<string, number>): number {
  let bits = 0;
  for (const token of tokensOf(value)) bits |= table.get(token) ?? 0;
  return bits;
}
