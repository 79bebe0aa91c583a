/** One connection to a host, whatever it speaks: how it is made, how it is counted, and why it failed. */
import type { UpstreamFailure } from '../api/codec.ts';
import type { TransportOptions } from '../api/upstream.ts';
import { Connection, type ConnectionHandler } from '../net/connection.ts';
import { connectFailure } from '../net/failure-text.ts';
import { socketPath } from '../net/unix-socket.ts';
import { TimerEntry } from '../runtime/timer-wheel.ts';
import type { UpstreamHost } from './host.ts';
import type { PoolContext } from './pool.ts';
import { CLOSED_EARLY, TIMED_OUT } from './unsent.ts';

/** Starts a connection to `host` over the host's transport. `onReady` runs when it may be written to. */
export function connectTo(
  host: UpstreamHost,
  { settings }: PoolContext,
  handler: ConnectionHandler,
  onReady: () => void,
  choice: TransportOptions | undefined,
): Connection {
  const target = host.port < 0 ? { path: socketPath(host.ip) } : { host: host.ip, port: host.port };
  const limit = settings.bufferLimitBytes;
  const { transport } = host;
  const asked = transport === undefined ? choice : withHostName(host, choice);
  const connection = Connection.connect(target, handler, limit, onReady, transport, asked);
  if (settings.tcpKeepaliveMs !== undefined) connection.socket.setKeepAlive(true, settings.tcpKeepaliveMs);
  return connection;
}

function withHostName(host: UpstreamHost, choice: TransportOptions | undefined): TransportOptions | undefined {
  const named = host.transport?.autoHostSni === true && host.hostname !== '' && choice?.serverName === undefined;
  return named ? { ...choice, serverName: host.hostname } : choice;
}

/** The part of a pooled connection that does not depend on the protocol. Its timer covers connecting, then idleness. */
export abstract class HostConnection extends TimerEntry implements ConnectionHandler {
  readonly host: UpstreamHost;
  readonly context: PoolContext;
  readonly connection: Connection;
  readonly startMs: number;
  protected connected = false;
  protected closedByUs = false;
  private timedOut = false;

  /** With `made` it carries on a connection that another pool has made. */
  constructor(
    host: UpstreamHost,
    context: PoolContext,
    choice: TransportOptions | undefined,
    made: HostConnection | undefined,
  ) {
    super();
    this.host = host;
    this.context = context;
    if (made !== undefined) {
      this.startMs = made.startMs;
      this.connection = made.connection;
      this.connection.handler = this;
      this.connected = true;
      return;
    }
    const { breaker, settings, stats, wheel } = context;
    this.startMs = wheel.nowMs();
    breaker.addConnection();
    host.stats.cxTotal++;
    host.stats.cxActive++;
    stats.upstream_cx_total.value++;
    stats.upstream_cx_active.inc();
    this.connection = connectTo(host, context, this, () => this.onConnect(), choice);
    wheel.arm(this, settings.connectTimeoutMs);
  }

  private onConnect(): void {
    const { stats, wheel } = this.context;
    this.disarm();
    this.connected = true;
    this.connection.noteLocalAddress();
    stats.upstream_cx_connect_ms.record(wheel.nowMs() - this.startMs);
    this.established();
  }

  /** The connection may be written to; called once. */
  protected abstract established(): void;
  abstract onBytes(chunk: Buffer, owned: boolean): void;
  abstract onEnd(): void;
  abstract onWritable(): void;
  abstract onClose(error: Error | undefined): void;

  /** The protocol that was agreed on; '' without ALPN. */
  protected get alpn(): string {
    return this.host.transport?.alpn(this.connection.socket) ?? '';
  }

  close(): void {
    this.closedByUs = true;
    this.connection.destroy();
  }

  /** The connect timeout has passed. */
  protected connectTimedOut(): void {
    this.timedOut = true;
    this.context.stats.upstream_cx_connect_timeout.value++;
    this.close();
  }

  protected connectFailure(error: Error | undefined): UpstreamFailure {
    if (this.timedOut) return TIMED_OUT;
    return this.connected ? CLOSED_EARLY : connectFailure(error);
  }

  /** Counts the end of the connection. */
  protected countEnd(requests: number): void {
    const { stats, breaker, wheel } = this.context;
    this.disarm();
    breaker.removeConnection();
    this.host.stats.cxActive--;
    stats.upstream_cx_active.dec();
    stats.upstream_cx_rx_bytes_total.value += this.connection.bytesRead;
    stats.upstream_cx_tx_bytes_total.value += this.connection.bytesWritten;
    stats.upstream_cx_length_ms.record(wheel.nowMs() - this.startMs);
    stats.upstream_rq_per_cx.record(requests);
    stats.upstream_cx_destroy.value++;
  }

  /** Counts which side ended a connection that had been established. */
  protected countSide(here: boolean, active: boolean): void {
    const { stats } = this.context;
    if (here) stats.upstream_cx_destroy_local.value++;
    else stats.upstream_cx_destroy_remote.value++;
    if (!active) return;
    stats.upstream_cx_destroy_with_active_rq.value++;
    if (here) stats.upstream_cx_destroy_local_with_active_rq.value++;
    else stats.upstream_cx_destroy_remote_with_active_rq.value++;
  }

  /** Counts a request that begins, before it is told. */
  protected countBegin(): void {
    const { host, context } = this;
    context.breaker.addRequest();
    host.stats.rqTotal++;
    host.stats.rqActive++;
    context.stats.upstream_rq_total.value++;
    context.stats.upstream_rq_active.inc();
  }

  /** Counts a request that is over. */
  protected countRequestEnd(): void {
    const { host, context } = this;
    host.stats.rqActive--;
    context.breaker.removeRequest();
    context.stats.upstream_rq_active.dec();
  }
}
