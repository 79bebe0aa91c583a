/** What a gRPC status means for the host that sent it. */

import { httpStatusOfGrpc } from '@mesh/core';

/** True when the host did its part; a missing status is a failure. */
export function isHostSuccess(grpcStatus: string | undefined): boolean {
  return grpcStatus !== undefined && httpStatusOfGrpc(grpcStatus) < 500;
}
