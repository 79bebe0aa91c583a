/** Failures before a request was handed to any connection: it is certain that no upstream has seen it. */
import type { ResetReason, UpstreamFailure } from '../api/codec.ts';

function unsent(reason: ResetReason): UpstreamFailure {
  return Object.freeze({ reason, detail: undefined, reused: false, responseStarted: false, requestSent: false });
}
/** A circuit breaker is open. */
export const OVERFLOW = unsent('overflow');
/** The connection was not made in time. */
export const TIMED_OUT = unsent('connection timeout');
/** The peer closed the connection before it was used. */
export const CLOSED_EARLY = unsent('connection termination');
/** The peer sent bytes before any request. */
export const SPOKE_FIRST = unsent('protocol error');
