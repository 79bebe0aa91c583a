/** How long an exchange may last: the route's `max_stream_duration` and what a gRPC client asks for. */
import type { RequestHeaders } from '../api/headers.ts';
import type { StreamDurationPolicy } from '../api/route.ts';
import { isGrpc } from '../headers/grpc.ts';
import { formatGrpcTimeout, parseGrpcTimeout } from '../headers/grpc-timeout.ts';

/**
 * Milliseconds from the start of the stream, 0 for no limit. `fallbackMs` is the connection manager's. A gRPC request's
 * `grpc-timeout` is written anew, so that the upstream knows the limit as well.
 */
export function streamDuration(headers: RequestHeaders, policy: StreamDurationPolicy, fallbackMs: number): number {
  const given = headers.get('grpc-timeout');
  const asked = given === undefined ? undefined : parseGrpcTimeout(given);
  const max = policy.grpcTimeoutHeaderMaxMs;
  const grpc = isGrpc(headers.get('content-type'));
  if (asked === undefined || max === undefined) {
    const limit = policy.maxStreamDurationMs ?? fallbackMs;
    if (grpc) writeTimeout(headers, limit);
    return limit;
  }
  let limit = max > 0 ? Math.min(asked, max) : asked;
  if (policy.grpcTimeoutHeaderOffsetMs < limit) limit -= policy.grpcTimeoutHeaderOffsetMs;
  if (grpc) writeTimeout(headers, limit);
  // A client that gives no time at all has run out of it.
  return Math.max(limit, 1);
}

function writeTimeout(headers: RequestHeaders, limitMs: number): void {
  if (limitMs === 0) headers.remove('grpc-timeout');
  else headers.set('grpc-timeout', formatGrpcTimeout(limitMs));
}
