/** What a failed connect means, in Envoy's words; the one place that knows Node's error codes. */
import type { UpstreamFailure } from '../api/codec.ts';

const ERRNO_TEXT: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  ETIMEDOUT: 'Connection timed out',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EACCES: 'Permission denied',
  ENOENT: 'No such file or directory',
  EMFILE: 'Too many open files',
  EPIPE: 'Broken pipe',
};

/** Errors that this machine raises without asking the peer. */
const LOCAL: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EACCES', 'EMFILE', 'ENFILE', 'ENOENT', 'EINVAL']);

/** The transport does not trust the peer, or could not agree with it; the message is Envoy's transport failure reason. */
export class TransportRefusal extends Error {
  override readonly name = 'TransportRefusal';
}

/** An error that came while the transport's handshake went on. */
export interface HandshakeError extends Error {
  /** Envoy's transport failure reason; '' where Envoy gives none. */
  transportFailure?: string;
}

/** The failure that a connection error amounts to. */
export function connectFailure(error: Error | undefined): UpstreamFailure {
  const told =
    error instanceof TransportRefusal ? error.message : (error as HandshakeError | undefined)?.transportFailure;
  if (told !== undefined) {
    const reason = 'remote connection failure';
    const detail = told === '' ? undefined : told;
    return { reason, detail, reused: false, responseStarted: false, requestSent: false };
  }
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const local = LOCAL.has(code);
  const text = ERRNO_TEXT[code] ?? (code === '' ? undefined : code);
  return {
    reason: local ? 'local connection failure' : 'remote connection failure',
    detail: text === undefined ? undefined : `${local ? 'immediate' : 'delayed'} connect error: ${text}`,
    reused: false,
    responseStarted: false,
    requestSent: false,
  };
}
