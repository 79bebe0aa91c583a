/** One accepted socket, from its first bytes to the end of its handshake. */
import type net from 'node:net';
import type tls from 'node:tls';
import { TimerEntry } from '../../runtime/timer-wheel.ts';
import type { SecuredSocket } from '../transport.ts';
import { handshakeFailureText, verifyFailureText } from './client-failure.ts';
import { type ClientHello, MAX_HELLO_BYTES, readClientHello } from './client-hello.ts';
import { HandshakeInfo } from './handshake-info.ts';
import type { ServerContexts } from './server-contexts.ts';
import type { HandshakeCounters } from './ssl-stats.ts';
import type { PeerEvidence, Verdict } from './verify.ts';

/** What a handshake needs of its transport. */
export interface HandshakeOwner {
  readonly requiresSni: boolean;
  readonly counters: HandshakeCounters;
  readonly contexts: ServerContexts;
  /** Whether the peer is let in. */
  judge(socket: tls.TLSSocket): Judgement;
  /** The handshake is over, in whatever way. */
  forget(socket: net.Socket): void;
}

/** The verdict, and what it was found on. */
export interface Judgement extends Verdict {
  readonly evidence: PeerEvidence;
}

/** Calls exactly one of its callbacks, once. */
export class Handshake extends TimerEntry {
  private readonly transport: HandshakeOwner;
  private readonly raw: net.Socket;
  private ready: ((secured: SecuredSocket) => void) | undefined;
  private failed: ((reason: string) => void) | undefined;
  private held: Buffer | undefined = undefined;
  private hello: ClientHello | undefined = undefined;
  private readonly onReadable = (): void => this.peek();
  private readonly onGone = (): void => this.gone();

  constructor(
    transport: HandshakeOwner,
    raw: net.Socket,
    ready: (secured: SecuredSocket) => void,
    failed: (reason: string) => void,
  ) {
    super();
    this.transport = transport;
    this.raw = raw;
    this.ready = ready;
    this.failed = failed;
  }

  start(): void {
    if (this.raw.destroyed) {
      this.gone();
      return;
    }
    this.raw.on('error', ignore);
    this.raw.on('close', this.onGone);
    this.raw.on('end', this.onGone);
    this.raw.on('readable', this.onReadable);
    if (this.raw.readableLength > 0) this.peek();
  }

  /** Waits for the whole ClientHello; the bytes go to OpenSSL as they came. */
  private peek(): void {
    const chunk: Buffer | null = this.failed === undefined ? null : this.raw.read();
    if (chunk === null) return;
    const bytes = this.held === undefined ? chunk : Buffer.concat([this.held, chunk]);
    const hello = readClientHello(bytes);
    if (hello === 'more' && bytes.length < MAX_HELLO_BYTES) {
      this.held = bytes;
      return;
    }
    this.held = undefined;
    this.raw.off('readable', this.onReadable);
    this.raw.unshift(bytes);
    this.hello = typeof hello === 'string' ? undefined : hello;
    if (this.transport.requiresSni && (this.hello?.serverName ?? '') === '') {
      this.transport.counters.stats.connection_error.inc();
      this.fail('the client asked for no server name');
      return;
    }
    // Who ends its side in mid-handshake is gone; the TLS socket takes this over from the one below it.
    this.raw.allowHalfOpen = false;
    this.transport.contexts.serverFor(this.hello).emit('connection', this.raw);
  }

  /** OpenSSL is done: what the peer has shown is looked at before anything is read. */
  secured(socket: tls.TLSSocket): void {
    if (this.failed === undefined) {
      socket.destroy();
      return;
    }
    const { counters } = this.transport;
    const verdict = this.transport.judge(socket);
    if (verdict.stat !== '') counters.stats[verdict.stat].inc();
    if (!verdict.accepted) {
      socket.on('error', ignore);
      socket.destroy();
      this.fail(verifyFailureText(verdict.reason));
      return;
    }
    const info = new HandshakeInfo(socket, this.hello?.serverName ?? '', verdict.evidence, verdict.validated);
    counters.handshake({
      version: info.version,
      cipher: info.cipher,
      resumed: info.resumed,
      noCertificate: !info.peerCertificatePresented,
    });
    const ready = this.ready;
    this.release();
    this.raw.allowHalfOpen = true;
    socket.allowHalfOpen = true;
    ready?.({ socket, raw: this.raw, tls: info });
  }

  /** OpenSSL, or the peer, has ended it. */
  broke(error: Error): void {
    if (this.failed === undefined) return;
    // Envoy counts what OpenSSL objects to, not clients that go away.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') this.transport.counters.stats.connection_error.inc();
    this.fail(handshakeFailureText(error) ?? '');
  }

  override onDue(): void {
    this.transport.counters.stats.connection_error.inc();
    this.fail('the handshake took too long');
  }

  private gone(): void {
    this.fail('');
  }

  private fail(reason: string): void {
    const failed = this.failed;
    if (failed === undefined) return;
    this.release();
    this.raw.destroy();
    failed(reason);
  }

  private release(): void {
    this.disarm();
    this.transport.forget(this.raw);
    this.ready = undefined;
    this.failed = undefined;
    this.held = undefined;
    this.raw.off('close', this.onGone);
    this.raw.off('end', this.onGone);
    this.raw.off('readable', this.onReadable);
  }
}

function ignore(): void {}
