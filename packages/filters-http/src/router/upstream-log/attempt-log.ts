/** The entries about one attempt: what went to one host, and what came of it. */
import type {
  EntryLogs,
  Headers,
  Host,
  HttpFilterContext,
  ResponseHeaders,
  TerminalStream,
  TimerHandle,
  Timers,
} from '@mesh/core';
import { AttemptSubject } from './attempt-subject.ts';

/** What all attempts of a router share. */
export interface UpstreamLogs {
  readonly logs: EntryLogs;
  readonly timers: Timers;
  readonly onReady: boolean;
  readonly intervalMs: number;
}

interface Settings {
  readonly upstreamLog?: readonly object[] | undefined;
  readonly upstreamLogOptions?:
    | { readonly flushUpstreamLogOnUpstreamStream: boolean; readonly upstreamLogFlushIntervalMs?: number | undefined }
    | undefined;
}

/** `undefined` without logs. @throws MeshError `CONFIG_INVALID` when a logger cannot be made. */
export function upstreamLogs(
  { upstreamLog = [], upstreamLogOptions: options }: Settings,
  { accessLogs, timers }: Pick<HttpFilterContext, 'accessLogs' | 'timers'>,
): UpstreamLogs | undefined {
  const logs = accessLogs(upstreamLog);
  if (logs === undefined) return undefined;
  const onReady = options?.flushUpstreamLogOnUpstreamStream ?? false;
  return { logs, timers, onReady, intervalMs: options?.upstreamLogFlushIntervalMs ?? 0 };
}

export class AttemptLog {
  private readonly shared: UpstreamLogs;
  private readonly subject: AttemptSubject;
  private next: TimerHandle | undefined = undefined;
  private over = false;

  constructor(shared: UpstreamLogs, stream: TerminalStream, host: Host, cluster: string) {
    this.shared = shared;
    this.subject = new AttemptSubject(stream, host, cluster);
  }

  ready(http2: boolean): void {
    const { logs, onReady, intervalMs } = this.shared;
    this.subject.ready(http2);
    if (onReady) logs.log(this.subject, 'UpstreamPoolReady');
    if (intervalMs > 0) this.awaitNext();
  }

  private awaitNext(): void {
    const { logs, timers, intervalMs } = this.shared;
    this.next = timers.after(intervalMs, () => {
      logs.log(this.subject, 'UpstreamPeriodic');
      this.awaitNext();
    });
  }

  head(head: ResponseHeaders): void {
    this.subject.head(head);
  }

  data(bytes: number): void {
    this.subject.info.bytesReceived += bytes;
  }

  trailers(trailers: Headers): void {
    this.subject.responseTrailers = trailers;
  }

  failed(flag: number, transportFailure: string): void {
    this.subject.failed(flag, transportFailure);
  }

  /** Once. */
  ended(): void {
    if (this.over) return;
    this.over = true;
    this.next?.cancel();
    this.subject.info.endMs = this.shared.timers.nowMs();
    this.shared.logs.log(this.subject, 'UpstreamEnd');
  }
}
