/** The log files of a proxy: one per path, shared by whoever writes to it, reopened together. */
import type { Clock } from '../api/clock.ts';
import type { LogFiles, LogOutput } from '../api/observer.ts';
import { type LogSink, openLogFile } from './log-file.ts';

/** Options of {@link SharedLogFiles}. */
export interface SharedLogFilesOptions {
  readonly clock: Clock;
  /** `--file-flush-interval-msec`. Default 10 000. */
  readonly flushIntervalMs?: number | undefined;
}

interface Shared {
  readonly sink: LogSink;
  users: number;
}

export class SharedLogFiles implements LogFiles {
  private readonly files = new Map<string, Shared>();
  private readonly options: SharedLogFilesOptions;

  constructor(options: SharedLogFilesOptions) {
    this.options = options;
  }

  open(path: string): LogOutput {
    const { clock, flushIntervalMs } = this.options;
    let shared = this.files.get(path);
    if (shared === undefined) {
      const sink = openLogFile(path, { clock, ...(flushIntervalMs !== undefined && { flushIntervalMs }) });
      shared = { sink, users: 0 };
      this.files.set(path, shared);
    }
    shared.users++;
    const { sink } = shared;
    const close = async (): Promise<void> => {
      if (--shared.users > 0) return;
      this.files.delete(path);
      await sink.close();
    };
    return {
      write: sink.write,
      get dropped() {
        return sink.dropped;
      },
      close,
    };
  }

  /** Opens every file again, after a rotation has moved the old ones away. */
  async reopen(): Promise<void> {
    await Promise.all([...this.files.values()].map(({ sink }) => sink.reopen()));
  }
}
