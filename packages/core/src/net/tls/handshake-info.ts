/** The facts of an accepted handshake. What costs is found out when it is asked for, and once. */
import type { TLSSocket } from 'node:tls';
import type { PeerCertificate } from '../../api/http-stream.ts';
import type { LocalCertificate, TlsInfo } from '../../api/tls.ts';
import { localCertificateOf, peerCertificateOf } from './certificate.ts';
import { groupOf } from './group.ts';
import { sessionIdOf } from './session-id.ts';
import type { PeerEvidence } from './verify.ts';

/** One per connection. */
export class HandshakeInfo implements TlsInfo {
  readonly version: string;
  readonly cipher: string;
  readonly serverName: string;
  readonly alpn: string;
  readonly resumed: boolean;
  readonly peerCertificateValidated: boolean;
  private readonly socket: TLSSocket;
  private readonly evidence: PeerEvidence;
  private peer: PeerCertificate | undefined = undefined;
  private local: LocalCertificate | undefined = undefined;
  private id: string | undefined = undefined;

  constructor(socket: TLSSocket, serverName: string, evidence: PeerEvidence, validated: boolean) {
    this.socket = socket;
    this.version = socket.getProtocol() ?? '';
    this.cipher = socket.getCipher()?.name ?? '';
    this.serverName = serverName;
    this.alpn = typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : '';
    this.resumed = socket.isSessionReused();
    this.peerCertificateValidated = validated;
    this.evidence = evidence;
  }

  get peerCertificatePresented(): boolean {
    return this.evidence.leaf !== undefined;
  }

  /** Only clients are told it. */
  get group(): string | undefined {
    return groupOf(this.socket);
  }

  get sessionId(): string {
    this.id ??= sessionIdOf(this.socket.getSession());
    return this.id;
  }

  get peerCertificate(): PeerCertificate | undefined {
    const { evidence } = this;
    if (evidence.leaf === undefined) return undefined;
    this.peer ??= peerCertificateOf(evidence.leaf, evidence.chain());
    return this.peer;
  }

  get localCertificate(): LocalCertificate | undefined {
    if (this.local !== undefined) return this.local;
    const certificate = this.socket.getX509Certificate();
    if (certificate !== undefined) this.local = localCertificateOf(certificate);
    return this.local;
  }
}
