/** Reset reasons and the codes that stand for them in RST_STREAM, as Envoy pairs them. */
import type { ResetReason } from '../api/codec.ts';
import { ErrorCode } from './handlers.ts';

/** What a stream that this side gives up is reset with. */
export function resetCode(reason: ResetReason | undefined): ErrorCode {
  switch (reason) {
    case 'local refused stream reset':
      return ErrorCode.REFUSED_STREAM;
    case 'remote error with CONNECT request':
      return ErrorCode.CONNECT_ERROR;
    case 'protocol error':
      return ErrorCode.PROTOCOL_ERROR;
    default:
      return ErrorCode.INTERNAL_ERROR;
  }
}

/** What a client's RST_STREAM means. */
export function clientResetReason(code: number): ResetReason {
  if (code === ErrorCode.REFUSED_STREAM) return 'remote refused stream reset';
  return code === ErrorCode.CONNECT_ERROR ? 'remote error with CONNECT request' : 'remote reset';
}

/** What an upstream's RST_STREAM means: there PROTOCOL_ERROR stands for a request that was no HTTP. */
export function upstreamResetReason(code: number): ResetReason {
  return code === ErrorCode.PROTOCOL_ERROR ? 'protocol error' : clientResetReason(code);
}
