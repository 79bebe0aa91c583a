/** Which timeouts hold for a request, and what the upstream is told of them. */
import { type ForwardAction, formatGrpcTimeout, parseGrpcTimeout, type RequestHeaders } from '@mesh/core';

/** The route's timeout for the whole response in ms, 0 for none; a gRPC request may bring its own. */
export function routeTimeoutMs(action: ForwardAction, headers: RequestHeaders, grpc: boolean): number {
  if (action.streamDuration !== undefined) return 0;
  if (!grpc || action.maxGrpcTimeoutMs === undefined) return action.timeoutMs;
  const max = action.maxGrpcTimeoutMs;
  let timeoutMs = parseGrpcTimeout(headers.get('grpc-timeout')) ?? 0;
  if (action.grpcTimeoutOffsetMs < timeoutMs) timeoutMs -= action.grpcTimeoutOffsetMs;
  if (max !== 0 && (timeoutMs === 0 || timeoutMs > max)) return max;
  return timeoutMs;
}

/** The timeouts of a request in force, in ms; 0 is none. */
export interface TimeoutsInForce {
  readonly timeoutMs: number;
  readonly perTryMs: number;
  readonly hedge: boolean;
}

/** How long the upstream has, in ms: what is left of the whole time, or one try's time; 0 when nothing limits it. */
export function expectedMs({ timeoutMs, perTryMs, hedge }: TimeoutsInForce, elapsedMs: number): number {
  const expected = hedge || perTryMs === 0 ? timeoutMs : perTryMs;
  if (expected === 0 || timeoutMs === 0) return expected;
  // 0 would mean for ever.
  return Math.max(1, Math.min(expected, Math.round(timeoutMs - elapsedMs)));
}

/** `grpc-timeout` follows the time in force where the route bounds it (`max_grpc_timeout`). */
export function rewriteGrpcTimeout(action: ForwardAction, headers: RequestHeaders, ms: number): void {
  if (action.maxGrpcTimeoutMs === undefined || action.streamDuration !== undefined) return;
  headers.set('grpc-timeout', formatGrpcTimeout(ms));
}
