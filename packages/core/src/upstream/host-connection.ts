/** One connection to a host, whatever it speaks: how it is made, how it is counted, and why it failed. */
import type { UpstreamFailure } from '../api/codec.ts';
import type { TransportOptions } from '../api/upstream.ts';
import type { Connection } from '../net/connection.ts';
import { connectFailure } from '../net/failure-text.ts';
import { TimerEntry } from '../runtime/timer-wheel.ts';
import { type AddressRace, type Connecting, startConnection } from './connect.ts';
import type { UpstreamHost } from './host.ts';
import type { PoolContext } from './pool.ts';
import { CLOSED_EARLY, TIMED_OUT } from './unsent.ts';

function durationLimit({ settings, random }: PoolContext): number {
  const { maxConnectionDurationMs: most, maxConnectionDurationJitter: jitter = 0 } = settings;
  return jitter > 0 ? most + Math.floor((random() * most * jitter) / 100) : most;
}

/** The part of a pooled connection that does not depend on the protocol. Its timer covers connecting, then idleness. */
export abstract class HostConnection extends TimerEntry implements Connecting {
  readonly host: UpstreamHost;
  readonly context: PoolContext;
  connection: Connection;
  /** While several addresses of the host are tried. */
  private race: AddressRace | undefined = undefined;
  readonly startMs: number;
  /** How old it may grow; 0 is unlimited. */
  protected readonly durationMs: number;
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
    this.durationMs = durationLimit(context);
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
    const { connection, race } = startConnection(host, context, this, choice);
    this.connection = connection;
    this.race = race;
    wheel.arm(this, settings.connectTimeoutMs);
  }

  /** @internal */
  onConnect(connection: Connection): void {
    const { stats, wheel } = this.context;
    this.disarm();
    this.race = undefined;
    if (connection !== this.connection) this.replaced(connection);
    this.connection.countBytes(stats.upstream_cx_rx_bytes_total, stats.upstream_cx_tx_bytes_total);
    this.connected = true;
    this.connection.noteLocalAddress();
    stats.upstream_cx_connect_ms.record(wheel.nowMs() - this.startMs);
    this.established();
  }

  /** Another address of the host was faster than the first. */
  protected replaced(connection: Connection): void {
    this.connection = connection;
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
    if (this.race === undefined) this.connection.destroy();
    else this.race.stop();
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
    stats.upstream_cx_length_ms.record(wheel.nowMs() - this.startMs);
    if (this.connected) stats.upstream_rq_per_cx.record(requests);
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
