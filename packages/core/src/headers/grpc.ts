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
