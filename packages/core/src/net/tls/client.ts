/**
 * TLS to upstream hosts.
 *
 *   connect → OpenSSL's handshake → `secureConnect` → `refusal` verifies → bytes
 *
 * Invariant: OpenSSL refuses nobody (`rejectUnauthorized: false`); whoever connects asks `refusal` before the first byte.
 */
import { X509Certificate } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import type { TlsInfo } from '../../api/tls.ts';
import type { TransportOptions } from '../../api/upstream.ts';
import { TransportRefusal } from '../failure-text.ts';
import type { ClientTransport } from '../transport.ts';
import { markHandshakeFailure, verifyFailureText } from './client-failure.ts';
import { ClientSessions, type KeptSession } from './client-sessions.ts';
import { groupOf } from './group.ts';
import { HandshakeInfo } from './handshake-info.ts';
import type { ClientTlsSettings } from './settings.ts';
import type { HandshakeCounters } from './ssl-stats.ts';
import { type NamesAsked, type PeerEvidence, PeerVerifier, type TrustAnchors } from './verify.ts';

/** What a transport is made with. */
export interface ClientTlsDeps {
  /** Certificates and authorities as they are now. */
  readonly contexts: {
    /** Another object after a change. */
    readonly context: tls.SecureContext;
    readonly material: TrustAnchors;
    close(): void;
  };
  readonly counters: HandshakeCounters;
}

/** Longest server name that TLS carries. */
const MAX_SERVER_NAME_BYTES = 255;

/** One connection from its start. */
interface Handshake {
  readonly transport: TlsClientTransport;
  readonly serverName: string;
  readonly names: readonly string[];
  readonly target: string;
  readonly context: tls.SecureContext;
  readonly offered: KeptSession | undefined;
  /** TCP below the secured socket, where somebody else has made it. */
  readonly raw: net.Socket | undefined;
  /** What a resumed connection will need; there once the peer has been accepted. */
  accepted: Pick<KeptSession, 'leaf' | 'chainError'> | undefined;
  /** Came before the peer was accepted. */
  early: Buffer | undefined;
  /** Of the accepted peer. */
  peer: PeerEvidence | undefined;
  validated: boolean;
  info: TlsInfo | undefined;
  over: boolean;
}

const HANDSHAKE = Symbol('mesh TLS handshake');
type SecureSocket = tls.TLSSocket & { [HANDSHAKE]?: Handshake };

/** The TLS transport of a cluster. */
export class TlsClientTransport implements ClientTransport {
  readonly readyEvent = 'secureConnect';
  readonly autoHostSni: boolean;
  private readonly settings: ClientTlsSettings;
  private readonly deps: ClientTlsDeps;
  private readonly verifier: PeerVerifier;
  private readonly sessions: ClientSessions;
  private readonly alpnList: Uint8Array | undefined;

  /** @throws SyntaxError for a bad regular expression */
  constructor(settings: ClientTlsSettings, deps: ClientTlsDeps) {
    this.settings = settings;
    this.autoHostSni = settings.autoHostSni;
    this.deps = deps;
    this.verifier = new PeerVerifier(settings.validation, () => deps.contexts.material);
    this.sessions = new ClientSessions(settings.maxSessionKeys);
    this.alpnList = settings.alpnProtocols.length === 0 ? undefined : alpnBytes(settings.alpnProtocols);
  }

  connect(options: net.NetConnectOpts, choice: TransportOptions | undefined): net.Socket {
    return this.start(options, choice, undefined);
  }

  /** As `connect`, over a TCP socket that is being connected; what is read goes through the `onread` of `options`. */
  connectOver(raw: net.Socket, options: net.NetConnectOpts, choice: TransportOptions | undefined): net.Socket {
    return this.start(options, choice, raw);
  }

  private start(options: net.NetConnectOpts, choice: TransportOptions | undefined, raw: net.Socket | undefined) {
    const serverName = choice?.serverName ?? this.settings.sni;
    if (serverName.length > MAX_SERVER_NAME_BYTES || serverName.includes('\0')) return refused();
    const names = choice?.subjectAltNames ?? [];
    const { context } = this.deps.contexts;
    const target = this.sessions.enabled ? targetOf(options, serverName, names) : '';
    const offered = this.sessions.enabled ? this.sessions.take(target, context) : undefined;
    const socket = tls.connect({
      ...options,
      ...(raw !== undefined && { socket: raw }),
      secureContext: context,
      // Verification is ours: see `refusal`.
      rejectUnauthorized: false,
      checkServerIdentity: acceptAnyName,
      ...(serverName !== '' && { servername: serverName }),
      ...(offered !== undefined && { session: offered.session }),
      ...this.alpnOption(choice),
    } as tls.ConnectionOptions) as SecureSocket;
    socket[HANDSHAKE] = {
      ...{ transport: this, serverName, names, target, context, offered, raw, accepted: undefined, early: undefined },
      ...{ peer: undefined, validated: false, info: undefined, over: false },
    };
    socket.on('error', onError);
    if (this.sessions.enabled) socket.on('session', onSession);
    if (raw === undefined) {
      socket.setNoDelay(true);
      socket.resetAndDestroy = resetBelow as typeof socket.resetAndDestroy;
    } else {
      carry(raw, socket, options);
    }
    return socket;
  }

  private alpnOption(choice: TransportOptions | undefined): { ALPNProtocols?: Uint8Array } {
    const asked = choice?.applicationProtocols;
    if (asked !== undefined && asked.length > 0) return { ALPNProtocols: alpnBytes(asked) };
    if (this.alpnList !== undefined) return { ALPNProtocols: this.alpnList };
    const fallback = choice?.fallbackProtocols;
    return fallback === undefined || fallback.length === 0 ? {} : { ALPNProtocols: alpnBytes(fallback) };
  }

  refusal(socket: net.Socket): string | undefined {
    const secured = socket as SecureSocket;
    const handshake = secured[HANDSHAKE];
    if (handshake === undefined) return verifyFailureText('unknown connection');
    handshake.over = true;
    const evidence = evidenceOf(secured, handshake);
    const verdict = this.verifier.verify(evidence, this.namesAsked(handshake));
    if (verdict.stat !== '') this.deps.counters.stats[verdict.stat].inc();
    if (!verdict.accepted) return verifyFailureText(verdict.reason);
    const { leaf } = evidence;
    handshake.peer = evidence;
    handshake.validated = verdict.validated;
    this.count(secured);
    // A forgiven error need not be forgiven again.
    if (leaf !== undefined)
      handshake.accepted = { leaf, chainError: verdict.validated ? undefined : evidence.chainError };
    if (handshake.early !== undefined) this.keep(secured, handshake, handshake.early);
    return undefined;
  }

  private namesAsked({ names, serverName }: Handshake): NamesAsked {
    return { subjectAltNames: names, serverName: this.settings.autoSniSanValidation ? serverName : undefined };
  }

  private count(socket: tls.TLSSocket): void {
    this.deps.counters.handshake({
      version: socket.getProtocol() ?? '',
      cipher: socket.getCipher()?.name ?? '',
      curve: groupOf(socket),
      resumed: socket.isSessionReused(),
      noCertificate: false,
    });
  }

  /** @internal OpenSSL has a session for later connections. */
  sessionCame(socket: SecureSocket, handshake: Handshake, session: Buffer): void {
    if (handshake.accepted === undefined) handshake.early = session;
    else this.keep(socket, handshake, session);
  }

  private keep(socket: SecureSocket, handshake: Handshake, session: Buffer): void {
    const { accepted, target, context } = handshake;
    // What was made with an old context must not be taken up with a new one.
    if (accepted === undefined || context !== this.deps.contexts.context) return;
    this.sessions.keep(target, context, { session, once: socket.getProtocol() === 'TLSv1.3', ...accepted });
  }

  /** @internal */
  errorCame(error: NodeJS.ErrnoException, handshake: Handshake): void {
    if (error.code?.startsWith('ERR_SSL_') === true) this.deps.counters.stats.connection_error.inc();
    if (!handshake.over) markHandshakeFailure(error);
  }

  alpn(socket: net.Socket): string {
    const { alpnProtocol } = socket as tls.TLSSocket;
    return typeof alpnProtocol === 'string' ? alpnProtocol : '';
  }

  info(socket: net.Socket): TlsInfo | undefined {
    const secured = socket as SecureSocket;
    const handshake = secured[HANDSHAKE];
    if (handshake?.peer === undefined) return undefined;
    handshake.info ??= new HandshakeInfo(secured, handshake.serverName, handshake.peer, handshake.validated);
    return handshake.info;
  }

  raw(socket: net.Socket): net.Socket {
    return (socket as SecureSocket)[HANDSHAKE]?.raw ?? socket;
  }

  close(): void {
    this.sessions.clear();
    this.deps.contexts.close();
  }
}

/** What verification needs. Node.js tells the certificate of a full handshake only. */
function evidenceOf(socket: tls.TLSSocket, { offered }: Handshake): PeerEvidence {
  if (socket.isSessionReused()) {
    return { leaf: offered?.leaf, chainError: offered?.chainError, purpose: 'server', chain: noChain };
  }
  const { raw } = socket.getPeerCertificate();
  const error: unknown = socket.authorized ? undefined : socket.authorizationError;
  return {
    leaf: raw === undefined ? undefined : new X509Certificate(raw),
    chainError: socket.authorized ? undefined : typeof error === 'string' && error !== '' ? error : 'UNSPECIFIED',
    purpose: 'server',
    chain: () => chainOf(socket),
  };
}

const noChain = (): readonly X509Certificate[] => [];
const MAX_CHAIN = 20;

/** The certificates that the host has sent. */
function chainOf(socket: tls.TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: tls.DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && chain.length < MAX_CHAIN) {
    chain.push(new X509Certificate(next.raw));
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return chain;
}

/** Sessions are shared by connections to the same place that ask for the same names. */
function targetOf(options: net.NetConnectOpts, serverName: string, names: readonly string[]): string {
  const { path, host, port } = options as { path?: string; host?: string; port?: number };
  return JSON.stringify([path ?? host, port, serverName, ...names]);
}

/** Length before each name, as the extension has it; names that are too long are left out. */
function alpnBytes(names: readonly string[]): Uint8Array {
  const parts = names.map((name) => Buffer.from(name, 'latin1')).filter(({ length }) => length > 0 && length < 256);
  return Buffer.concat(parts.flatMap((part) => [Buffer.of(part.length), part]));
}

/** A socket that fails at once: without the server name that was asked for there is no connection. */
function refused(): net.Socket {
  const socket = new net.Socket();
  socket.destroy(new TransportRefusal('Failed to create upstream TLS due to failure setting SNI'));
  return socket;
}

/** What `tls.connect` does by itself over a TCP socket of its own. */
function carry(raw: net.Socket, socket: net.Socket, options: net.NetConnectOpts): void {
  raw.on('error', (error) => socket.destroy(error));
  const { onread } = options;
  if (onread !== undefined) socket.on('data', (chunk: Buffer) => onread.callback(chunk.length, chunk));
}

function acceptAnyName(): undefined {
  return undefined;
}

function onError(this: net.Socket, error: Error): void {
  const handshake = (this as SecureSocket)[HANDSHAKE];
  handshake?.transport.errorCame(error, handshake);
}

function onSession(this: tls.TLSSocket, session: Buffer): void {
  const handshake = (this as SecureSocket)[HANDSHAKE];
  handshake?.transport.sessionCame(this, handshake, session);
}

/** The TCP handle below a `tls.connect` socket, which Node.js does not tell. */
interface TcpBelow {
  close(done?: () => void): void;
  /** Answers with an error, and does nothing, when FIN is on its way out. */
  reset?(done?: () => void): number;
}

/** Stands in the place of `close`: a handle that is not closed would be held for ever. */
function resetOrClose(this: TcpBelow, done?: () => void): void {
  if (this.reset?.(done) === 0) return;
  Reflect.deleteProperty(this, 'close');
  this.close(done);
}

/** `resetAndDestroy` for sockets of `tls.connect`, where Node.js has it for TCP only; without RST where it cannot be had. */
function resetBelow(this: net.Socket): net.Socket {
  const below = (this as unknown as { readonly _handle?: { readonly _parent?: TcpBelow } })._handle?._parent;
  if (below?.reset !== undefined && !this.connecting) below.close = resetOrClose;
  return this.destroy();
}
