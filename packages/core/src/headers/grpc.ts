/** What HTTP knows of gRPC: which requests are calls, and which status stands for an HTTP one. */

/** True for `application/grpc` and `application/grpc+…`: such a request must be answered in gRPC's way. */
export function isGrpc(contentType: string | undefined): boolean {
  if (contentType === undefined || !contentType.startsWith('application/grpc')) return false;
  return contentType.length === 16 || contentType.charCodeAt(16) === 43;
}

const OF_HTTP: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};
const UNKNOWN = 2;

/** The gRPC status of a call that was answered with an HTTP error. */
export function grpcStatusOf(httpStatus: number): number {
  return OF_HTTP[httpStatus] ?? UNKNOWN;
}

/** HTTP statuses that stand for gRPC's, by number, as in Envoy. */
const HTTP_STATUSES = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

const NUMBER = /^\d{1,9}$/;

/** The HTTP status that stands for a `grpc-status`; 500 for what is none. */
export function httpStatusOfGrpc(grpcStatus: string): number {
  return (NUMBER.test(grpcStatus) ? HTTP_STATUSES[Number(grpcStatus)] : undefined) ?? 500;
}
