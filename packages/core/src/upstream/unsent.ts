/** Failures before a request was handed to any connection: it is certain that no upstream has seen it. */
import type { ResetReason, UpstreamFailure } from '../api/codec.ts';

/** `UpstreamFailure.detail` of an `overflow` that leaves the host without any connection pool (`max_connection_pools`). */
export const NO_CONNECTION_POOL = 'no_connection_pool';

function unsent(reason: ResetReason): UpstreamFailure {
  return Object.freeze({ reason, detail: undefined, reused: false, responseStarted: false, requestSent: false });
}
/** A circuit breaker is open. */
export const OVERFLOW = unsent('overflow');
/** As many requests wait as may: the host has not been asked for anything. */
export const QUEUE_FULL: UpstreamFailure = Object.freeze({ ...OVERFLOW, hostUnasked: true });
/** The cluster has as many connection pools as it may; no host can be used but those that have one. */
export const NO_POOL: UpstreamFailure = Object.freeze({ ...OVERFLOW, detail: NO_CONNECTION_POOL });
/** The connection was not made in time. */
export const TIMED_OUT = unsent('connection timeout');
/** The peer closed the connection before it was used. */
export const CLOSED_EARLY = unsent('connection termination');
/** The peer sent bytes before any request. */
export const SPOKE_FIRST = unsent('protocol error');
