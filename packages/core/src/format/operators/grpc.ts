/** `GRPC_STATUS`: of gRPC requests only; from the trailers, else the head, else made from the HTTP status. */

import type { LogSubject } from '../../api/access-log.ts';
import type { Headers } from '../../api/headers.ts';
import { grpcStatusOf, isGrpc } from '../../headers/grpc.ts';
import { type FormatContext, type FormatValue, type OperatorSpec, type OperatorTable, plain } from '../operator.ts';
import { responseHeaders, responseTrailers } from './header.ts';
import { responseCode } from './stream-info.ts';

/** Names of the status codes in the order of their numbers. */
export const GRPC_STATUS_NAMES =
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'.split(
    ' ',
  );
/** Envoy spells two of them in its own way. */
const CAMEL =
  'OK Canceled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated'.split(
    ' ',
  );

/** The status of a gRPC exchange; `undefined` for other requests and before there is a response. */
function grpcStatus(stream: LogSubject, context: FormatContext): number | undefined {
  if (!isGrpc(stream.requestHeaders.get('content-type'))) return undefined;
  return anyGrpcStatus(stream, context);
}

/** The same for whatever request. */
export function anyGrpcStatus(stream: LogSubject, context: FormatContext): number | undefined {
  return (
    given(responseTrailers(stream, context)) ??
    given(responseHeaders(stream, context)) ??
    ofHttp(responseCode(stream, context))
  );
}

function given(headers: Headers | undefined): number | undefined {
  const text = headers?.get('grpc-status');
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** A 200 without a status is as unknown as other answers. */
function ofHttp(status: number): number | undefined {
  return status === 0 ? undefined : grpcStatusOf(status);
}

const status: OperatorSpec = {
  params: 'optional',
  length: false,
  make(argument) {
    if (!['', 'CAMEL_STRING', 'SNAKE_STRING', 'NUMBER'].includes(argument)) {
      throw new SyntaxError(`GrpcStatusFormatter only supports CAMEL_STRING, SNAKE_STRING or NUMBER. Got: ${argument}`);
    }
    if (argument === 'NUMBER') return grpcStatus;
    const names = argument === 'SNAKE_STRING' ? GRPC_STATUS_NAMES : CAMEL;
    return (stream, context): FormatValue => {
      const code = grpcStatus(stream, context);
      return code === undefined ? undefined : (names[code] ?? String(code));
    };
  },
};

export const grpcOperators: OperatorTable = { GRPC_STATUS: status, GRPC_STATUS_NUMBER: plain(grpcStatus) };
