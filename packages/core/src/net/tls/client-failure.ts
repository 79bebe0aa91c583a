/** Errors of OpenSSL in the words that BoringSSL has for them, as Envoy reports them. */
import type { HandshakeError } from '../failure-text.ts';

/** Number of a verification failure in BoringSSL, and the only one with a text of its own. */
const VERIFY_FAILED = 125;

/** Numbers of what goes wrong in handshakes; `ERR_SSL_<name>` are Node's codes. */
const REASONS: Readonly<Record<string, number>> = {
  CERTIFICATE_VERIFY_FAILED: VERIFY_FAILED,
  HTTP_REQUEST: 156,
  NO_SHARED_CIPHER: 184,
  UNSUPPORTED_PROTOCOL: 240,
  WRONG_VERSION_NUMBER: 247,
  WRONG_CIPHER_RETURNED: 248,
  UNEXPECTED_MESSAGE: 223,
  SSLV3_ALERT_UNEXPECTED_MESSAGE: 1010,
  SSLV3_ALERT_BAD_RECORD_MAC: 1020,
  SSLV3_ALERT_HANDSHAKE_FAILURE: 1040,
  SSLV3_ALERT_BAD_CERTIFICATE: 1042,
  SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: 1043,
  SSLV3_ALERT_CERTIFICATE_REVOKED: 1044,
  SSLV3_ALERT_CERTIFICATE_EXPIRED: 1045,
  SSLV3_ALERT_CERTIFICATE_UNKNOWN: 1046,
  SSLV3_ALERT_ILLEGAL_PARAMETER: 1047,
  TLSV1_ALERT_UNKNOWN_CA: 1048,
  TLSV1_ALERT_ACCESS_DENIED: 1049,
  TLSV1_ALERT_DECODE_ERROR: 1050,
  TLSV1_ALERT_DECRYPT_ERROR: 1051,
  TLSV1_ALERT_PROTOCOL_VERSION: 1070,
  TLSV1_ALERT_INSUFFICIENT_SECURITY: 1071,
  TLSV1_ALERT_INTERNAL_ERROR: 1080,
  TLSV1_ALERT_USER_CANCELLED: 1090,
  TLSV1_ALERT_NO_RENEGOTIATION: 1100,
  TLSV1_UNRECOGNIZED_NAME: 1112,
  TLSV1_ALERT_UNRECOGNIZED_NAME: 1112,
  TLSV1_CERTIFICATE_REQUIRED: 1116,
  TLSV13_ALERT_CERTIFICATE_REQUIRED: 1116,
  TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 1120,
};

/** Reasons that OpenSSL names otherwise than BoringSSL. */
const RENAMED: Readonly<Record<string, string>> = {
  TLSV13_ALERT_CERTIFICATE_REQUIRED: 'TLSV1_ALERT_CERTIFICATE_REQUIRED',
  TLSV1_CERTIFICATE_REQUIRED: 'TLSV1_ALERT_CERTIFICATE_REQUIRED',
  TLSV1_UNRECOGNIZED_NAME: 'TLSV1_ALERT_UNRECOGNIZED_NAME',
  SSL_TLSV1_UNRECOGNIZED_NAME: 'TLSV1_ALERT_UNRECOGNIZED_NAME',
};

/** BoringSSL's library numbers, in the highest byte. */
const LIBRARY_SSL = 0x10000000;
const SYSTEM_RESET = 0x02000068;

/** The reason for a peer whose certificate is not accepted; `why` is the verdict's. */
export function verifyFailureText(why: string): string {
  return sslText(LIBRARY_SSL + VERIFY_FAILED, `SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:${why}`);
}

/** The reason for an error in the handshake; `undefined` where Envoy gives none, and for errors before it. */
export function handshakeFailureText(error: NodeJS.ErrnoException): string | undefined {
  const { code = '', syscall } = error;
  // Without a system call it is Node's word for a peer that just went away.
  if (code === 'ECONNRESET' && syscall === 'read') {
    return sslText(SYSTEM_RESET, 'system library:OPENSSL_internal:Connection reset by peer');
  }
  const name = /^ERR_SSL_(?:SSL\/)?(.+)$/.exec(code)?.[1];
  if (name === undefined) return undefined;
  const reason = RENAMED[name] ?? name;
  return sslText(LIBRARY_SSL + (REASONS[name] ?? 0), `SSL routines:OPENSSL_internal:${reason}`);
}

function sslText(code: number, text: string): string {
  return `TLS_error:|${code}:${text}:TLS_error_end`;
}

/** Names the reason of a failed handshake on its error, for whoever tells it to the client. */
export function markHandshakeFailure(error: NodeJS.ErrnoException): void {
  const text = handshakeFailureText(error);
  // A host that goes away in the middle is told without a reason.
  const gone = error.code === 'ECONNRESET' && error.syscall === undefined;
  if (text !== undefined || gone) (error as HandshakeError).transportFailure = text ?? '';
}
