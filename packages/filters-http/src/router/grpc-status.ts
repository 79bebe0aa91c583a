/** What a gRPC status means for the host that sent it. */

/** HTTP statuses that stand for gRPC's, by number, as in Envoy. */
const HTTP_STATUSES = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

const NUMBER = /^\d{1,9}$/;

/** The HTTP status that stands for a `grpc-status`; 500 for what is none. */
export function httpStatusOf(grpcStatus: string): number {
  return (NUMBER.test(grpcStatus) ? HTTP_STATUSES[Number(grpcStatus)] : undefined) ?? 500;
}

/** True when the host did its part; a missing status is a failure. */
export function isHostSuccess(grpcStatus: string | undefined): boolean {
  return grpcStatus !== undefined && httpStatusOf(grpcStatus) < 500;
}
