/** Requests that nobody has looked at: they are sent once more, also without a retry policy. */
import type { UpstreamFailure } from '@mesh/core';

/** How often a host may say so in a row; one that restarts may say it twice. */
const MAX_REFUSALS = 3;

/** Methods whose repetition changes nothing (RFC 9110 9.2.2). */
export const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** What is known of the repetitions of one request. */
export interface Repetitions {
  /** How often a host has told that it did not look at the request. */
  refusals: number;
  /** It was sent once more because of a failure of this kind. */
  readonly refreshed: boolean;
}

/** The host of HTTP/2 has told that it did nothing with the request (RFC 9113 8.7): a GOAWAY, or a refused stream. */
export function isRefused({ reason }: UpstreamFailure): boolean {
  return reason === 'remote refused stream reset';
}

/** The peer closed an idle connection just as it was picked, or it said itself that it did nothing with the request. */
export function isUnseen(failure: UpstreamFailure, method: string, repetitions: Repetitions): boolean {
  if (isRefused(failure)) return repetitions.refusals++ < MAX_REFUSALS;
  if (!failure.reused || repetitions.refreshed || failure.reason !== 'connection termination') return false;
  return IDEMPOTENT.has(method);
}
