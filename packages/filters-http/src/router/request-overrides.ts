/** The `x-envoy-*` request fields by which a trusted client changes timeouts; consumed here. */
import type { RequestHeaders } from '@mesh/core';
import { wholeNumber } from './number.ts';
import { isRetryGrpcOn, isRetryOn } from './retry-on.ts';

/** What the fields of one request say; `undefined` leaves the route's setting. */
export interface Overrides {
  readonly timeoutMs: number | undefined;
  readonly perTryTimeoutMs: number | undefined;
  readonly streamDurationMs: number | undefined;
  readonly hedge: boolean | undefined;
  /** A timeout is answered 204 instead of 504. */
  readonly timeoutIs204: boolean;
}

/** For requests without such fields. */
export const NO_OVERRIDES: Overrides = Object.freeze({
  timeoutMs: undefined,
  perTryTimeoutMs: undefined,
  streamDurationMs: undefined,
  hedge: undefined,
  timeoutIs204: false,
});

/** Reads and removes the fields. `respectExpected` prefers `x-envoy-expected-rq-timeout-ms`, which stays. */
export function takeOverrides(headers: RequestHeaders, respectExpected: boolean): Overrides {
  const hedge = take(headers, 'x-envoy-hedge-on-per-try-timeout');
  const expected = respectExpected ? headers.get('x-envoy-expected-rq-timeout-ms') : undefined;
  return {
    timeoutMs: numberOf(expected ?? take(headers, 'x-envoy-upstream-rq-timeout-ms')),
    perTryTimeoutMs: numberOf(take(headers, 'x-envoy-upstream-rq-per-try-timeout-ms')),
    streamDurationMs: numberOf(take(headers, 'x-envoy-upstream-stream-duration-ms')),
    hedge: hedge === 'true' ? true : hedge === 'false' ? false : undefined,
    timeoutIs204: take(headers, 'x-envoy-upstream-rq-timeout-alt-response') !== undefined,
  };
}

function take(headers: RequestHeaders, name: string): string | undefined {
  const value = headers.get(name);
  if (value !== undefined) headers.remove(name);
  return value;
}

function numberOf(value: string | undefined): number | undefined {
  return value === undefined ? undefined : wholeNumber(value);
}

const isNumber = (value: string): boolean => wholeNumber(value) !== undefined;

/** What `strict_check_headers` may name. */
export const STRICT_CHECKS = {
  'x-envoy-upstream-rq-timeout-ms': isNumber,
  'x-envoy-upstream-rq-per-try-timeout-ms': isNumber,
  'x-envoy-max-retries': isNumber,
  'x-envoy-retry-grpc-on': isRetryGrpcOn,
  'x-envoy-retry-on': isRetryOn,
} as const satisfies Record<string, (value: string) => boolean>;

export type StrictName = keyof typeof STRICT_CHECKS;

/** The first of `names` whose field is there and not valid. */
export function firstInvalid(headers: RequestHeaders, names: readonly StrictName[]): StrictName | undefined {
  for (const name of names) {
    const value = headers.get(name);
    if (value !== undefined && !STRICT_CHECKS[name](value)) return name;
  }
  return undefined;
}

/** Reads and removes `x-envoy-upstream-alt-stat-name`. */
export function takeAltStat(headers: RequestHeaders): string | undefined {
  return take(headers, 'x-envoy-upstream-alt-stat-name');
}
