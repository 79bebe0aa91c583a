/** `envoy.data.accesslog.v3.TLSProperties`. */
import { WireType } from '@bufbuild/protobuf/wire';
import type { LocalCertificate, PeerCertificate, StreamConnection, TlsInfo } from '@mesh/core';
import type { ProtoWriter } from '../shipping/proto-writer.ts';
import { message, text, uint32, uint32Value } from './wire.ts';

const VERSIONS = ['', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

/** IANA numbers of the suites that both OpenSSL and Envoy have, by OpenSSL's names. */
const SUITES: Readonly<Record<string, number>> = {
  TLS_AES_128_GCM_SHA256: 0x1301,
  TLS_AES_256_GCM_SHA384: 0x1302,
  TLS_CHACHA20_POLY1305_SHA256: 0x1303,
  'ECDHE-ECDSA-AES128-GCM-SHA256': 0xc02b,
  'ECDHE-ECDSA-AES256-GCM-SHA384': 0xc02c,
  'ECDHE-RSA-AES128-GCM-SHA256': 0xc02f,
  'ECDHE-RSA-AES256-GCM-SHA384': 0xc030,
  'ECDHE-RSA-CHACHA20-POLY1305': 0xcca8,
  'ECDHE-ECDSA-CHACHA20-POLY1305': 0xcca9,
  'ECDHE-ECDSA-AES128-SHA': 0xc009,
  'ECDHE-ECDSA-AES256-SHA': 0xc00a,
  'ECDHE-RSA-AES128-SHA': 0xc013,
  'ECDHE-RSA-AES256-SHA': 0xc014,
  'AES128-GCM-SHA256': 0x009c,
  'AES256-GCM-SHA384': 0x009d,
  'AES128-SHA': 0x002f,
  'AES256-SHA': 0x0035,
};
/** What Envoy says of a suite that it cannot name. */
const UNKNOWN_SUITE = 0xffff;

/** Writes nothing for a connection without TLS of which no server name is known. */
export function writeTlsProperties(writer: ProtoWriter, field: number, connection: StreamConnection): void {
  const { serverName = '', tls } = connection;
  if (tls === undefined && serverName === '') return;
  message(writer, field, (inner) => {
    if (tls !== undefined) writeHandshake(inner, tls);
    text(inner, 3, serverName || tls?.serverName);
    if (tls === undefined) return;
    writeCertificate(inner, 4, connection.localCertificate ?? tls.localCertificate);
    writeCertificate(inner, 5, connection.peerCertificate ?? tls.peerCertificate);
    // What TLS 1.3 has in its place says nothing to the other side.
    if (tls.version !== 'TLSv1.3') text(inner, 6, tls.sessionId);
  });
}

function writeHandshake(writer: ProtoWriter, { cipher, version }: TlsInfo): void {
  uint32(writer, 1, Math.max(0, VERSIONS.indexOf(version)));
  uint32Value(writer, 2, SUITES[cipher] ?? UNKNOWN_SUITE);
}

function writeCertificate(
  writer: ProtoWriter,
  field: number,
  certificate: LocalCertificate | PeerCertificate | undefined,
): void {
  message(writer, field, (inner) => {
    if (certificate === undefined) return;
    // As in Envoy only these of the alternative names.
    for (const uri of certificate.uriSans) {
      message(inner, 1, (san) => san.tag(1, WireType.LengthDelimited).string(uri));
    }
    text(inner, 2, certificate.subject);
    if ('issuer' in certificate) text(inner, 3, certificate.issuer);
  });
}
