/**
 * One downstream connection under an HTTP connection manager, whatever protocol it speaks: who the peer is, statistics,
 * and the deadlines of the connection. Invariants: `close` leaves an answered client time to read; the deadlines of all
 * states share one timer entry.
 */
import type { ConnectionInfo } from '../api/connection-info.ts';
import type { PeerCertificate } from '../api/http-stream.ts';
import type { LocalCertificate, TlsInfo } from '../api/tls.ts';
import { ResponseFlag } from '../errors.ts';
import type { Connection, ConnectionHandler } from '../net/connection.ts';
import type { Peer } from '../net/peer.ts';
import { TimerEntry } from '../runtime/timer-wheel.ts';
import type { UserAgentStats } from '../stats/index.ts';
import type { HttpManager } from './manager.ts';
import type { Stream } from './stream.ts';
import type { StreamOwner } from './stream-facts.ts';
import type { DeadlineWatch } from './stream-watch.ts';

/** A deadline that is not set. */
export const NEVER: number = Number.POSITIVE_INFINITY;
/** For what is still to be sent to a peer that sends no more, where `delayed_close_timeout` is off. */
const LAST_WORDS_MS = 1000;

export abstract class HttpConnection extends TimerEntry implements ConnectionHandler, StreamOwner {
  readonly id: number;
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly localIp: string;
  readonly localPort: number;
  readonly secure: boolean;
  readonly tls: TlsInfo | undefined;
  readonly directRemoteIp: string | undefined;
  readonly serverName: string | undefined;
  /** What listener filters have found out. */
  readonly peer: Peer;
  protected readonly manager: HttpManager;
  protected readonly connection: Connection;
  protected readonly startMs: number;
  protected lastActiveMs: number;
  protected requests = 0;
  protected headDueMs = NEVER;
  private closeDueMs = NEVER;
  protected closing = false;
  /** What was wrong with the client's messages; '' while nothing is. */
  protected brokenBy = '';
  /** See `ConnectionInfo.httpMinor`. */
  protected abstract readonly httpMinor: number;
  /** It has lived as long as it may. */
  private aged = false;
  /** The client is told to go elsewhere; what that means ends at `drainDueMs`. */
  protected draining = false;
  protected drainDueMs = NEVER;
  private readonly maxDurationMs: number;
  protected peerEnded = false;
  /** No request has come yet that could tell what the client is. */
  agentPending = true;
  private agent: UserAgentStats | undefined = undefined;
  abstract readonly watch: DeadlineWatch | undefined;

  /** `previous` is the same connection before its protocol was known. */
  constructor(manager: HttpManager, connection: Connection, peer: Peer, previous?: HttpConnection) {
    super();
    this.manager = manager;
    this.connection = connection;
    this.id = connection.id;
    this.remoteIp = peer.remoteIp;
    this.remotePort = peer.remotePort;
    this.localIp = peer.localIp;
    this.localPort = peer.localPort;
    this.tls = peer.tls;
    this.secure = peer.tls !== undefined;
    this.directRemoteIp = peer.directRemoteIp;
    this.serverName = peer.tls?.serverName || peer.serverName;
    this.peer = peer;
    this.lastActiveMs = manager.wheel.nowMs();
    if (previous === undefined) {
      this.startMs = this.lastActiveMs;
      this.maxDurationMs = maxDuration(manager);
      this.countOpened();
    } else {
      this.startMs = previous.startMs;
      this.maxDurationMs = previous.maxDurationMs;
      manager.connections.delete(previous);
      previous.disarm();
    }
    manager.connections.add(this);
  }

  // StreamConnection

  get peerCertificatePresented(): boolean | undefined {
    return this.tls?.peerCertificatePresented;
  }
  get peerCertificateValidated(): boolean | undefined {
    return this.tls?.peerCertificateValidated;
  }
  get peerCertificate(): PeerCertificate | undefined {
    return this.tls?.peerCertificate;
  }
  get localCertificate(): LocalCertificate | undefined {
    return this.tls?.localCertificate;
  }

  // The protocol

  /** Exchanges that are under way. */
  protected abstract get activeStreams(): number;
  protected abstract feed(chunk: Buffer, owned: boolean): void;
  /** The socket is gone. */
  protected abstract endStreams(): void;
  /** Counts the connection out of its protocol. */
  protected abstract countClosed(): void;
  /** Idle, with nothing of a next request read: closing it now loses nothing that this side knows of. */
  abstract get idle(): boolean;
  /** Asks the client to take its next requests elsewhere, as far as the protocol has a way to say so. */
  protected abstract drain(): void;
  /** The drain has taken as long as it may. */
  protected abstract drainExpired(): void;
  /** @internal A head has stayed unfinished for too long. */
  abstract headExpired(): void;
  abstract onEnd(): void;
  abstract onWritable(): void;
  /** Makes the stream of an exchange's next run (see `StreamOwner`). */
  abstract nextRun(previous: Stream): Stream;
  /** Closes after the answer that is about to go out; false when the client knows already. */
  abstract drainClose(): boolean;
  /** The proxy drains. HTTP/1 can tell only with an answer. */
  startDrain(): void {}
  /** Lets no further request come, and closes the connection once those under way are answered. */
  protected abstract finishUp(): void;

  // ConnectionHandler

  onBytes(chunk: Buffer, owned: boolean): void {
    if (this.closing) return;
    const { wheel } = this.manager;
    const outermost = wheel.beginTurn();
    try {
      this.feed(chunk, owned);
    } finally {
      if (outermost) wheel.endTurn();
    }
  }

  onClose(error: Error | undefined): void {
    this.disarm();
    const { stats, wheel } = this.manager;
    const local = this.closing && error === undefined;
    stats.downstream_cx_destroy.value++;
    if (local) stats.downstream_cx_destroy_local.value++;
    else stats.downstream_cx_destroy_remote.value++;
    if (this.activeStreams > 0) {
      stats.downstream_cx_destroy_active_rq.value++;
      if (local) stats.downstream_cx_destroy_local_active_rq.value++;
      else stats.downstream_cx_destroy_remote_active_rq.value++;
    }
    if (this.agent !== undefined) this.countAgentClosed(this.agent, !local && this.activeStreams > 0);
    this.endStreams();
    stats.downstream_cx_active.dec();
    if (this.secure) stats.downstream_cx_ssl_active.dec();
    this.countClosed();
    stats.downstream_cx_length_ms.record(Math.round(wheel.nowMs() - this.startMs));
    this.manager.connections.delete(this);
  }

  /** As it looks to somebody who logs connections. */
  tellEnd(facts: ConnectionInfo): void {
    if (this.requests > 0) facts.httpMinor = this.httpMinor;
    if (this.brokenBy === '') return;
    facts.flags |= ResponseFlag.DPE;
    facts.localCloseReason = this.brokenBy;
  }

  private countOpened(): void {
    const { stats } = this.manager;
    stats.downstream_cx_total.value++;
    stats.downstream_cx_active.inc();
    this.connection.countBytes(stats.downstream_cx_rx_bytes_total, stats.downstream_cx_tx_bytes_total);
    if (!this.secure) return;
    stats.downstream_cx_ssl_total.value++;
    stats.downstream_cx_ssl_active.inc();
  }

  learnAgent(userAgent: string): void {
    this.agentPending = false;
    this.agent = this.manager.userAgents.first(userAgent);
  }

  private countAgentClosed(agent: UserAgentStats, lost: boolean): void {
    if (lost) agent.downstream_cx_destroy_remote_active_rq.inc();
    agent.downstream_cx_length_ms.record(Math.round(this.manager.wheel.nowMs() - this.startMs));
  }

  /** A head that stays unfinished is a stream that is idle, whether or not heads have a timeout of their own. */
  onHeadStarted(): void {
    const { requestHeadersTimeoutMs, streamIdleTimeoutMs } = this.manager.settings;
    const timeoutMs = Math.min(requestHeadersTimeoutMs || NEVER, streamIdleTimeoutMs || NEVER);
    if (timeoutMs === NEVER) return;
    this.headDueMs = this.manager.wheel.nowMs() + timeoutMs;
    this.armDeadline();
  }

  /** Counts a head that has stayed unfinished; true when the idle timeout of streams was the one that met it. */
  protected countHeadExpired(): boolean {
    const { settings, stats } = this.manager;
    const { requestHeadersTimeoutMs, streamIdleTimeoutMs } = settings;
    const idle = streamIdleTimeoutMs > 0 && streamIdleTimeoutMs < (requestHeadersTimeoutMs || NEVER);
    if (idle) stats.downstream_rq_idle_timeout.value++;
    else stats.downstream_rq_header_timeout.value++;
    return idle;
  }

  // Closing

  /** Sends FIN behind the answer and gives the peer a moment to read it before the socket goes away. */
  protected close(): void {
    if (this.closing) return;
    this.closing = true;
    const { settings, wheel } = this.manager;
    this.connection.end();
    if (this.peerEnded) return;
    if (settings.delayedCloseTimeoutMs === 0) {
      this.connection.socket.destroySoon();
      return;
    }
    this.closeDueMs = wheel.nowMs() + settings.delayedCloseTimeoutMs;
    this.armDeadline();
  }

  /**
   * The peer has sent FIN, and nobody waits for an answer: sends FIN as well. Over TLS a socket whose peer is gone without
   * a word may never tell that it has closed; once nothing is left to be sent it is not waited for.
   */
  protected endBehindPeer(): void {
    const { connection } = this;
    connection.end();
    if (connection.closed) return;
    const { settings, wheel } = this.manager;
    this.closeDueMs = wheel.nowMs() + (settings.delayedCloseTimeoutMs || LAST_WORDS_MS);
    this.armDeadline();
  }

  /** How long the connection has been idle; 0 while it works. */
  idleForMs(now: number): number {
    return this.idle ? now - this.lastActiveMs : 0;
  }

  /** Ends the connection: at once when `now`, else after the answers under way. */
  shutdown(now: boolean): void {
    if (now) {
      this.closing = true;
      this.connection.destroy();
    } else this.finishUp();
  }

  // Deadlines

  /** What is due besides the limits of the connection. */
  protected ownDueMs(): number {
    return this.headDueMs;
  }

  /** What {@link ownDueMs} has told is due; true when there is nothing more to look at. */
  protected checkOwn(now: number): boolean {
    if (now < this.headDueMs) return false;
    this.headDueMs = NEVER;
    this.headExpired();
    return true;
  }

  protected armDeadline(): void {
    const { settings, wheel } = this.manager;
    let due = this.closeDueMs;
    if (!this.closing) {
      due = Math.min(due, this.ownDueMs(), this.drainDueMs);
      if (settings.idleTimeoutMs > 0 && !this.draining) due = Math.min(due, this.lastActiveMs + settings.idleTimeoutMs);
      if (this.maxDurationMs > 0 && !this.aged) due = Math.min(due, this.startMs + this.maxDurationMs);
    }
    if (due === NEVER) this.disarm();
    else wheel.armAt(this, due);
  }

  onDue(): void {
    const now = this.manager.wheel.nowMs();
    if (now >= this.closeDueMs) {
      this.manager.stats.downstream_cx_delayed_close_timeout.value++;
      this.connection.destroy();
      return;
    }
    // Only the delayed close is left to wait for.
    if (!this.closing) this.checkDeadlines(now);
    if (!this.connection.closed) this.armDeadline();
  }

  private checkDeadlines(now: number): void {
    const { settings, stats } = this.manager;
    if (this.checkOwn(now)) return;
    if (this.activeStreams > 0) this.lastActiveMs = now;
    if (now >= this.drainDueMs) {
      this.drainDueMs = NEVER;
      this.drainExpired();
    } else if (settings.idleTimeoutMs > 0 && !this.draining && now >= this.lastActiveMs + settings.idleTimeoutMs) {
      stats.downstream_cx_idle_timeout.value++;
      this.drain();
    }
    if (this.closing || this.maxDurationMs === 0 || this.aged || now < this.startMs + this.maxDurationMs) return;
    this.aged = true;
    stats.downstream_cx_max_duration_reached.value++;
    this.durationReached();
  }

  /** `max_connection_duration` is over. */
  protected durationReached(): void {
    this.drain();
  }
}

/** `max_connection_duration` with the jitter of this connection. */
function maxDuration({ settings, random }: HttpManager): number {
  const { maxConnectionDurationMs, maxConnectionDurationJitterPercent } = settings;
  if (maxConnectionDurationJitterPercent === 0) return maxConnectionDurationMs;
  return maxConnectionDurationMs * (1 + (random() * maxConnectionDurationJitterPercent) / 100);
}
