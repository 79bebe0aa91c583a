/** The access logs of a connection manager: which moments of an exchange they are told of. */
import type { AccessLogType, EntryLogs } from '../api/access-log.ts';
import type { TimerHandle, Timers } from '../api/clock.ts';
import type { ResponseStream } from '../http/stream-response.ts';
import type { RequestLogs } from '../http/watchers.ts';

/** Envoy `HcmAccessLogOptions`: entries besides that of the end. */
export interface LogMoments {
  /** An entry each time so much has passed; 0: none. */
  readonly intervalMs: number;
  readonly onRequest: boolean;
  readonly onTunnel: boolean;
}

export class HttpLogs implements RequestLogs {
  readonly begin: ((stream: ResponseStream) => void) | undefined;
  readonly tunnel: ((stream: ResponseStream) => void) | undefined;
  private readonly logs: EntryLogs;
  private readonly timers: Timers;
  private readonly intervalMs: number;
  /** Of exchanges under way; empty without an interval. */
  private readonly next = new Map<ResponseStream, TimerHandle>();

  constructor(logs: EntryLogs, { intervalMs, onRequest, onTunnel }: LogMoments, timers: Timers) {
    this.logs = logs;
    this.timers = timers;
    this.intervalMs = intervalMs;
    this.begin = onRequest || intervalMs > 0 ? (stream) => this.began(stream, onRequest) : undefined;
    this.tunnel = onTunnel ? (stream) => logs.log(stream, 'DownstreamTunnelSuccessfullyEstablished') : undefined;
  }

  private began(stream: ResponseStream, onRequest: boolean): void {
    if (onRequest) this.logs.log(stream, 'DownstreamStart');
    if (this.intervalMs > 0) this.await(stream, 'DownstreamPeriodic');
  }

  private await(stream: ResponseStream, type: AccessLogType): void {
    const due = () => {
      this.logs.log(stream, type);
      this.await(stream, type);
    };
    this.next.set(stream, this.timers.after(this.intervalMs, due));
  }

  end(stream: ResponseStream): void {
    if (this.intervalMs > 0) {
      this.next.get(stream)?.cancel();
      this.next.delete(stream);
    }
    this.logs.log(stream, 'DownstreamEnd');
  }
}
