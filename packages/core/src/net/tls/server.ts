/**
 * TLS on accepted connections.
 *
 *   accept → the ClientHello is read and put back (the context depends on it) → OpenSSL's handshake → verification → ready
 */
import { createHash, randomBytes } from 'node:crypto';
import type net from 'node:net';
import type tls from 'node:tls';
import type { TimerHandle } from '../../api/clock.ts';
import type { SecuredSocket, ServerTransport } from '../transport.ts';
import type { TlsDeps } from './deps.ts';
import type { TlsMaterial } from './material.ts';
import { MaterialStore } from './material-store.ts';
import { ServerContexts } from './server-contexts.ts';
import { Handshake, type HandshakeOwner, type Judgement } from './server-handshake.ts';
import { SessionCache } from './session-cache.ts';
import type { ServerTlsSettings } from './settings.ts';
import { HandshakeCounters } from './ssl-stats.ts';
import { PeerVerifier, peerEvidence } from './verify.ts';

/** Longest time from the accepted socket to the end of the handshake. Envoy has no limit of its own. */
const HANDSHAKE_LIMIT_MS = 60_000;
/** How long tickets are encrypted with one key, where the config gives none. */
const TICKET_KEY_LIFE_MS = 24 * 3_600_000;

/**
 * TLS of a filter chain.
 * @throws MeshError `CONFIG_INVALID` when certificates or keys cannot be loaded
 */
export function serverTlsTransport(settings: ServerTlsSettings, deps: TlsDeps): ServerTransport {
  return new TlsServerTransport(settings, deps);
}

class TlsServerTransport implements ServerTransport, HandshakeOwner {
  readonly requiresSni: boolean;
  private readonly settings: ServerTlsSettings;
  readonly counters: HandshakeCounters;
  readonly verifier: PeerVerifier;
  contexts!: ServerContexts;
  private readonly deps: TlsDeps;
  private readonly store: MaterialStore;
  private readonly sessions: SessionCache | undefined;
  private ticketKeys: Buffer;
  private renewal: TimerHandle | undefined = undefined;
  private readonly handshakes = new WeakMap<net.Socket, Handshake>();

  constructor(settings: ServerTlsSettings, deps: TlsDeps) {
    this.settings = settings;
    this.requiresSni = settings.requireSni;
    this.deps = deps;
    this.counters = new HandshakeCounters(deps.scope, 'server');
    this.verifier = new PeerVerifier(settings.validation, () => this.store.current);
    this.ticketKeys = ticketKeys(settings);
    this.sessions = keepsSessions(settings) ? new SessionCache() : undefined;
    this.store = new MaterialStore(settings, deps, this.counters.stats, (material) => this.use(material));
    if (settings.sessionTicketKeys.length === 0) this.renewKeysLater();
  }

  private use(material: TlsMaterial): void {
    const options = {
      settings: this.settings,
      ticketKeys: this.ticketKeys,
      sessions: this.sessions,
      requestCertificate: this.settings.requireClientCertificate || this.verifier.wantsCertificate,
      onServer: (server: tls.Server) => this.listen(server),
    };
    this.contexts = new ServerContexts(options, material);
  }

  /** Whoever gets hold of a key can read the sessions of its time (TLS 1.2). Tickets of the old one are not taken up. */
  private renewKeysLater(): void {
    this.renewal = this.deps.wheel.after(TICKET_KEY_LIFE_MS, () => {
      this.ticketKeys = randomBytes(48);
      this.use(this.store.current);
      this.renewKeysLater();
    });
  }

  accept(socket: net.Socket, ready: (secured: SecuredSocket) => void, failed: (reason: string) => void): void {
    const handshake = new Handshake(this, socket, ready, failed);
    this.handshakes.set(socket, handshake);
    this.deps.wheel.arm(handshake, HANDSHAKE_LIMIT_MS);
    handshake.start();
  }

  private listen(server: tls.Server): void {
    server.on('secureConnection', (socket) => this.find(socket)?.secured(socket));
    server.on('tlsClientError', (error, socket) => this.find(socket)?.broke(error));
  }

  /** Whether the peer is let in; without a certificate it is where none is demanded. */
  judge(socket: tls.TLSSocket): Judgement {
    const evidence = peerEvidence(socket, chainErrorOf(socket));
    const { leaf } = evidence;
    if (leaf !== undefined) return { ...this.verifier.verify(evidence), evidence };
    const accepted = !this.settings.requireClientCertificate && !this.verifier.needsCertificate;
    const stat = accepted ? '' : 'fail_verify_no_cert';
    return { accepted, validated: false, stat, reason: 'the client showed no certificate', evidence };
  }

  forget(socket: net.Socket): void {
    this.handshakes.delete(socket);
  }

  private find(socket: tls.TLSSocket): Handshake | undefined {
    const raw = (socket as unknown as { readonly _parent?: net.Socket })._parent;
    const handshake = raw && this.handshakes.get(raw);
    // Nobody waits for it: it must not stay open.
    if (handshake === undefined) socket.destroy();
    return handshake;
  }

  close(): void {
    this.store.close();
    this.renewal?.cancel();
    this.sessions?.clear();
  }
}

/** OpenSSL's code for what is wrong with the chain of the peer. */
function chainErrorOf(socket: tls.TLSSocket): string | undefined {
  if (socket.authorized) return undefined;
  const error: unknown = socket.authorizationError;
  return typeof error === 'string' ? error : error instanceof Error ? error.message : undefined;
}

function keepsSessions(settings: ServerTlsSettings): boolean {
  return !settings.disableStatefulResumption && settings.minVersion !== 'TLSv1.3';
}

/**
 * OpenSSL's 48 bytes from BoringSSL's 80, of the first key only: Node.js takes one. Tickets are understood by proxies with
 * the same first key. Without keys, sessions end with the process.
 */
function ticketKeys({ sessionTicketKeys: [first] }: ServerTlsSettings): Buffer {
  return first === undefined ? randomBytes(48) : createHash('sha512').update(first).digest().subarray(0, 48);
}
