/**
 * One client connection and the upstream connection that carries it on. Invariants: the client is not read before the
 * upstream is there; every pause has its resume; whichever side goes first, the other one follows in the same manner.
 */
import {
  type Host,
  type NetworkConnection,
  ResponseFlag,
  type TcpLink,
  type TcpUser,
  TimerEntry,
  type TimerHandle,
  type UpstreamFailure,
} from '@mesh/core';
import { Connector } from './connector.ts';
import { SessionLog } from './logs.ts';
import type { TcpProxySettings } from './settings.ts';

const EMPTY = Buffer.alloc(0);

/** As a timer entry it is the idle timeout. */
export class Session extends TimerEntry implements TcpUser {
  private readonly settings: TcpProxySettings;
  private readonly connection: NetworkConnection;
  private readonly connector: Connector;
  private life: TimerHandle | undefined = undefined;
  private link: TcpLink | undefined = undefined;
  private readonly log: SessionLog | undefined;
  private readonly idleMs: number;
  private lastActiveMs = 0;
  /** The upstream is not read, because the client does not keep up; so many bytes waited then. */
  private upstreamPaused = false;
  private waiting = 0;
  /** The client is not read, because the upstream does not keep up. */
  private clientPaused = false;
  /** The client is gone, and what it sent is still on its way to the upstream. */
  private flushing = false;

  constructor(settings: TcpProxySettings, connection: NetworkConnection) {
    super();
    this.settings = settings;
    this.connection = connection;
    this.connector = new Connector(settings, connection, this);
    this.log =
      settings.logs &&
      new SessionLog(settings.logs, connection, () => {
        if (this.link !== undefined) this.countUpstream(this.link);
      });
    this.idleMs = settings.idleTimeoutMs(connection);
  }

  start(): void {
    const { connection, settings } = this;
    settings.stats.downstream_cx_total.inc();
    connection.pauseReading();
    const limit = settings.maxDurationMs();
    this.log?.started();
    if (limit > 0) this.life = settings.context.timers.after(limit, () => this.outlived());
    this.connector.connect();
  }

  // TcpUser

  onFailure(failure: UpstreamFailure, host: Host): void {
    this.connector.failed(failure, host);
  }

  onConnected(link: TcpLink, host: Host): void {
    const { connection } = this;
    this.link = link;
    this.connector.connected(link, host);
    this.log?.connected();
    this.watchIdle();
    connection.continueReading();
    connection.resumeReading();
  }

  onBytes(chunk: Uint8Array, owned: boolean): void {
    const { connection, link } = this;
    if (link === undefined) return;
    // Nobody is left to take it: the upstream learns what a kernel would tell it.
    if (connection.closed) {
      link.close('now');
      return;
    }
    this.touch();
    this.settings.stats.downstream_cx_tx_bytes_total.add(chunk.length);
    if (!connection.write(chunk, false, owned)) this.pauseUpstream(link);
  }

  private pauseUpstream(link: TcpLink): void {
    if (this.upstreamPaused) return;
    this.upstreamPaused = true;
    link.pauseReading();
    this.connector.cluster?.traffic.upstream_flow_control_paused_reading_total.inc();
    this.waiting = this.connection.bytesUnsent;
    this.settings.addWaiting(this.waiting);
  }

  onEnd(): void {
    this.touch();
    this.connection.write(EMPTY, true);
  }

  onWritable(): void {
    this.touch();
    if (!this.clientPaused) return;
    this.clientPaused = false;
    this.settings.stats.downstream_flow_control_resumed_reading_total.inc();
    this.connection.resumeReading();
  }

  onClose(error: Error | undefined): void {
    const { connection, link } = this;
    this.link = undefined;
    if (link !== undefined) this.countUpstream(link);
    if (this.flushing) {
      this.flushing = false;
      this.settings.stats.upstream_flush_active.dec();
    }
    if (connection.closed) this.disarm();
    else connection.close(wasReset(error) ? 'reset' : 'flush');
  }

  private countUpstream(link: TcpLink): void {
    const { info } = this.connection;
    info.upstreamBytesReceived = link.bytesRead;
    info.upstreamBytesSent = link.bytesWritten;
  }

  // The client

  onClientData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    const { link } = this;
    if (link === undefined) return;
    this.touch();
    this.settings.stats.downstream_cx_rx_bytes_total.add(chunk.length);
    if (chunk.length > 0) {
      link.write(chunk, owned);
      if (!link.flush()) this.pauseClient();
    }
    if (end) link.end();
  }

  private pauseClient(): void {
    if (this.clientPaused) return;
    this.clientPaused = true;
    this.settings.stats.downstream_flow_control_paused_reading_total.inc();
    this.connection.pauseReading();
  }

  onClientWritable(): void {
    this.touch();
    this.resumeUpstream();
  }

  private resumeUpstream(): void {
    if (!this.upstreamPaused) return;
    this.upstreamPaused = false;
    this.settings.addWaiting(-this.waiting);
    this.waiting = 0;
    this.connector.cluster?.traffic.upstream_flow_control_resumed_reading_total.inc();
    this.link?.resumeReading();
  }

  onClientClose(error: Error | undefined): void {
    this.life?.cancel();
    this.connector.cancel();
    const { connection, link } = this;
    // Reading shows whether the upstream goes on to send to nobody.
    this.resumeUpstream();
    if (link !== undefined) this.countUpstream(link);
    this.log?.ended();
    if (link === undefined) {
      this.disarm();
      return;
    }
    if (wasReset(error)) link.close('reset');
    else if (connection.closedHere) link.close('now');
    else this.flushUpstream(link);
  }

  private flushUpstream(link: TcpLink): void {
    if (link.bytesUnsent > 0) {
      this.flushing = true;
      const { stats } = this.settings;
      stats.upstream_flush_total.inc();
      stats.upstream_flush_active.inc();
    } else this.disarm();
    link.close('flush');
  }

  // Limits

  private outlived(): void {
    const { info } = this.connection;
    info.flags |= ResponseFlag.DT;
    info.localCloseReason = 'max_connection_duration';
    this.settings.stats.max_downstream_connection_duration.inc();
    this.connection.close('now');
  }

  private watchIdle(): void {
    if (this.idleMs === 0) return;
    this.touch();
    this.settings.context.timers.arm(this, this.idleMs);
  }

  private touch(): void {
    this.lastActiveMs = this.settings.context.timers.nowMs();
  }

  /** The idle timeout, unless something has happened since it was armed. */
  onDue(): void {
    const { timers } = this.settings.context;
    const left = this.lastActiveMs + this.idleMs - timers.nowMs();
    if (left > 0) {
      timers.arm(this, left);
      return;
    }
    this.settings.stats.idle_timeout.inc();
    if (this.connection.closed) {
      this.link?.close('now');
      return;
    }
    this.connection.info.localCloseReason = 'tcp_session_idle_timeout';
    this.connection.close('now');
  }
}

function wasReset(error: Error | undefined): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ECONNRESET';
}
