/** What an exchange tells of its host to those who judge hosts by it: outlier detection, active health checks. */
import { type Host, httpStatusOfGrpc, type ResponseHeaders } from '@mesh/core';

/** The status that stands for a lost connection. */
const UNAVAILABLE = 503;

/** A response head has come. Of a gRPC call that has ended already, its status counts. */
export function judgeHead(host: Host, head: ResponseHeaders, grpc: boolean): void {
  const { checks, outlier } = host;
  if (outlier !== undefined) {
    const grpcStatus = grpc ? head.get('grpc-status') : undefined;
    outlier.onStatus(grpcStatus === undefined ? head.status : httpStatusOfGrpc(grpcStatus));
    if (outlier.detectsDegraded && head.has('x-envoy-degraded')) outlier.onDegraded();
  }
  if (checks !== undefined && head.has('x-envoy-immediate-health-check-fail')) checks.failNow();
}

/** An attempt took too long; `status` is what the client gets for it. */
export function judgeTimeout(host: Host, status: number): void {
  host.outlier?.onLocalOrigin(false, status);
}

/** The connection failed, or the host gave up the exchange. What a circuit breaker refuses is not the host's doing. */
export function judgeFailure(host: Host, reason: string): void {
  if (reason !== 'overflow') host.outlier?.onLocalOrigin(false, UNAVAILABLE);
}
