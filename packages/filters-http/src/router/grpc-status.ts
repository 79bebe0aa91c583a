/** What a gRPC status means for the host that sent it. */

/** Statuses that Envoy maps to an HTTP status below 500: OK and the caller's own mistakes. */
const NOT_THE_HOST: ReadonlySet<string> = new Set(['0', '1', '3', '5', '6', '7', '8', '9', '10', '11', '16']);

/** True when the host did its part; a missing status is a failure. */
export function isHostSuccess(grpcStatus: string | undefined): boolean {
  return grpcStatus !== undefined && NOT_THE_HOST.has(grpcStatus);
}
