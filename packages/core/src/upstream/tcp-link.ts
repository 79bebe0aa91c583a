/**
 * One TCP connection to a host, for one user (Envoy's TCP connection pool, whose connections are never shared).
 * Invariants: `onConnected` or `onFailure` exactly once and never from within the constructor, unless cancelled;
 * after `onConnected`, `onClose` exactly once and last.
 */
import type { ResetReason, UpstreamFailure } from '../api/codec.ts';
import type { TlsInfo } from '../api/tls.ts';
import type { TcpLink, TcpUser, TransportOptions, UpstreamTicket } from '../api/upstream.ts';
import type { Connection } from '../net/connection.ts';
import { connectFailure } from '../net/failure-text.ts';
import { TimerEntry } from '../runtime/timer-wheel.ts';
import { type AddressRace, type Connecting, startConnection } from './connect.ts';
import { endpointAddress, type UpstreamHost } from './host.ts';
import type { PoolContext } from './pool.ts';
import { OVERFLOW, TIMED_OUT } from './unsent.ts';

/** The connections of a cluster that are used as they are; made with the first one. */
export class TcpLinks {
  private readonly all = new Set<TcpConnection>();

  /** A connection for `user`, within the limits of the circuit breaker. */
  connect(host: UpstreamHost, context: PoolContext, user: TcpUser, options?: TransportOptions): UpstreamTicket {
    const { breaker, stats } = context;
    // Nobody waits for a connection of somebody else: it would never be given back.
    const { maxConnections, maxConnectionsPerHost } = breaker.thresholds;
    if (breaker.connections >= maxConnections || host.stats.cxActive >= maxConnectionsPerHost) {
      stats.upstream_cx_overflow.value++;
      return new Refused(user, host, OVERFLOW);
    }
    if (breaker.pending >= breaker.thresholds.maxPendingRequests) {
      stats.upstream_rq_pending_overflow.value++;
      return new Refused(user, host, GIVEN_UP);
    }
    const connection = new TcpConnection(host, context, user, this, options);
    this.all.add(connection);
    return connection;
  }

  /** @internal */
  gone(connection: TcpConnection): void {
    this.all.delete(connection);
  }

  /** Ends the connections of a host at once; their users learn of it. */
  closeHost(host: UpstreamHost): void {
    for (const connection of [...this.all]) if (connection.host === host) connection.close('now');
  }

  /** Ends every connection at once; their users learn of it. */
  close(): void {
    for (const connection of [...this.all]) connection.close('now');
  }
}

/** Tells of an open circuit breaker once the caller has its ticket. */
class Refused implements UpstreamTicket {
  private user: TcpUser | undefined;

  constructor(user: TcpUser, host: UpstreamHost, failure: UpstreamFailure) {
    this.user = user;
    queueMicrotask(() => this.user?.onFailure(failure, host));
  }

  cancel(): void {
    this.user = undefined;
  }
}

/** No connection was made, and nobody but this side is to blame. */
const GIVEN_UP: UpstreamFailure = Object.freeze({
  reason: 'local connection failure' satisfies ResetReason,
  detail: undefined,
  reused: false,
  responseStarted: false,
  requestSent: false,
});

const CONNECTING = 0;
const OPEN = 1;
const GONE = 2;

class TcpConnection extends TimerEntry implements TcpLink, Connecting, UpstreamTicket {
  readonly host: UpstreamHost;
  private readonly context: PoolContext;
  private readonly links: TcpLinks;
  private readonly startMs: number;
  private connection: Connection;
  /** While several addresses of the host are tried. */
  private race: AddressRace | undefined;
  /** `undefined` once nothing more is to be told. */
  private user: TcpUser | undefined;
  private state: typeof CONNECTING | typeof OPEN | typeof GONE = CONNECTING;
  private timedOut = false;
  private closedHere = false;
  /** This side has sent FIN, and then the host has. */
  private hostEndedLast = false;
  private endedHere = false;
  private pauses = 0;
  private address = '';

  constructor(host: UpstreamHost, context: PoolContext, user: TcpUser, links: TcpLinks, options?: TransportOptions) {
    super();
    this.host = host;
    this.context = context;
    this.user = user;
    this.links = links;
    const { breaker, settings, stats, wheel } = context;
    this.startMs = wheel.nowMs();
    breaker.addConnection();
    breaker.addPending();
    host.stats.cxTotal++;
    host.stats.cxActive++;
    stats.upstream_cx_total.value++;
    stats.upstream_cx_active.inc();
    stats.upstream_rq_pending_total.value++;
    stats.upstream_rq_pending_active.inc();
    const { connection, race } = startConnection(host, context, this, options);
    this.connection = connection;
    this.race = race;
    wheel.arm(this, settings.connectTimeoutMs);
  }

  /** @internal */
  onConnect(connection: Connection): void {
    this.connection = connection;
    this.race = undefined;
    const { user, host } = this;
    if (user === undefined || this.state !== CONNECTING) return;
    const { stats, wheel } = this.context;
    this.connection.countBytes(stats.upstream_cx_rx_bytes_total, stats.upstream_cx_tx_bytes_total);
    this.disarm();
    this.state = OPEN;
    const { localAddress = '', localPort = 0 } = this.connection.socket;
    this.address = localAddress === '' ? '' : endpointAddress({ ip: localAddress, port: localPort });
    this.leaveQueue();
    // It counts as a request, but no limit of requests holds it up; as in Envoy.
    this.context.breaker.addRequest();
    host.stats.rqTotal++;
    host.stats.rqActive++;
    stats.upstream_rq_total.value++;
    stats.upstream_rq_active.inc();
    stats.upstream_cx_connect_ms.record(Math.round(wheel.nowMs() - this.startMs));
    const outermost = wheel.beginTurn();
    user.onConnected(this, host);
    if (outermost) wheel.endTurn();
  }

  private leaveQueue(): void {
    this.context.breaker.removePending();
    this.context.stats.upstream_rq_pending_active.dec();
  }

  /** The connect timeout. */
  onDue(): void {
    this.timedOut = true;
    this.context.stats.upstream_cx_connect_timeout.value++;
    this.giveUp();
  }

  private giveUp(): void {
    if (this.race === undefined) this.connection.destroy();
    else this.race.stop();
  }

  cancel(): void {
    if (this.state !== CONNECTING || this.user === undefined) return;
    this.context.stats.upstream_rq_cancelled.value++;
    this.user = undefined;
    this.closedHere = true;
    this.giveUp();
  }

  // TcpLink

  get bytesRead(): number {
    return this.connection.bytesRead;
  }
  get bytesWritten(): number {
    return this.connection.bytesWritten;
  }
  get bytesUnsent(): number {
    return this.connection.bytesUnsent;
  }
  get localAddress(): string {
    return this.address;
  }
  get tls(): TlsInfo | undefined {
    return this.host.transport?.info(this.connection.socket);
  }

  write(chunk: Uint8Array, owned: boolean): void {
    this.connection.addBytes(chunk, owned);
  }

  flush(): boolean {
    return this.connection.flush();
  }

  end(): void {
    this.endedHere = true;
    // Whose end comes last closes the connection.
    if (this.connection.peerEnded) this.closedHere = true;
    this.connection.end();
  }

  pauseReading(): void {
    this.pauses++;
    this.connection.pauseReading();
  }

  resumeReading(): void {
    if (this.pauses === 0) return;
    this.pauses--;
    this.connection.resumeReading();
  }

  close(how: 'flush' | 'now' | 'reset'): void {
    if (this.race === undefined && this.connection.closed) return;
    this.closedHere = true;
    if (how === 'now') this.giveUp();
    else if (how === 'reset') this.connection.reset();
    else this.connection.finish();
  }

  // ConnectionHandler

  onBytes(chunk: Buffer, owned: boolean): void {
    const { user } = this;
    if (user === undefined) return;
    const { wheel } = this.context;
    const outermost = wheel.beginTurn();
    user.onBytes(chunk, owned);
    if (outermost) wheel.endTurn();
  }

  onEnd(): void {
    this.hostEndedLast = this.endedHere;
    this.user?.onEnd();
  }

  onWritable(): void {
    this.user?.onWritable();
  }

  onClose(error: Error | undefined): void {
    this.disarm();
    const { user, state, host } = this;
    this.user = undefined;
    this.state = GONE;
    this.links.gone(this);
    this.count(state === OPEN);
    if (state === OPEN) {
      this.context.breaker.removeRequest();
      host.stats.rqActive--;
      this.context.stats.upstream_rq_active.dec();
      user?.onClose(error);
      return;
    }
    this.leaveQueue();
    if (user === undefined) return;
    this.context.stats.upstream_rq_pending_failure_eject.value++;
    user.onFailure(this.failure(error), host);
  }

  private failure(error: Error | undefined): UpstreamFailure {
    if (this.timedOut) return TIMED_OUT;
    return this.closedHere ? GIVEN_UP : connectFailure(error);
  }

  private count(connected: boolean): void {
    const { host, startMs } = this;
    const { breaker, stats, wheel } = this.context;
    breaker.removeConnection();
    host.stats.cxActive--;
    stats.upstream_cx_active.dec();
    stats.upstream_cx_length_ms.record(Math.round(wheel.nowMs() - startMs));
    stats.upstream_cx_destroy.value++;
    const here = (this.closedHere && !this.hostEndedLast) || this.timedOut;
    if (here) stats.upstream_cx_destroy_local.value++;
    else stats.upstream_cx_destroy_remote.value++;
    if (connected) {
      stats.upstream_cx_destroy_with_active_rq.value++;
      if (here) stats.upstream_cx_destroy_local_with_active_rq.value++;
      else stats.upstream_cx_destroy_remote_with_active_rq.value++;
    }
    if (connected || this.closedHere) return;
    host.stats.cxConnectFail++;
    stats.upstream_cx_connect_fail.value++;
  }
}
