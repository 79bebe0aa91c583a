/** The log files of a proxy: one per path, shared by whoever writes to it, reopened together. */
import type { Clock } from '../api/clock.ts';
import type { LogFiles, LogOutput } from '../api/observer.ts';
import { fileProblem } from './file-problem.ts';
import { type LogFile, type LogFileMetrics, openLogFile } from './log-file.ts';

/** Options of {@link SharedLogFiles}. */
export interface SharedLogFilesOptions {
  readonly clock: Clock;
  /** `--file-flush-interval-msec`. Default 10 000. */
  readonly flushIntervalMs?: number | undefined;
  readonly metrics?: LogFileMetrics | undefined;
}

interface Shared {
  readonly file: LogFile;
  users: number;
}

/** See {@link LogFiles}. */
export class SharedLogFiles implements LogFiles {
  private readonly files = new Map<string, Shared>();
  private readonly options: SharedLogFilesOptions;

  constructor(options: SharedLogFilesOptions) {
    this.options = options;
  }

  open(path: string): LogOutput {
    const shared = this.files.get(path) ?? this.opened(path);
    shared.users++;
    const { file } = shared;
    let open = true;
    const close = async (): Promise<void> => {
      if (!open) return;
      open = false;
      if (--shared.users > 0) return;
      if (this.files.get(path) === shared) this.files.delete(path);
      await file.close();
    };
    return {
      write: file.write,
      writeWire: file.writeWire,
      get dropped() {
        return file.dropped;
      },
      close,
    };
  }

  private opened(path: string): Shared {
    const { clock, flushIntervalMs, metrics } = this.options;
    try {
      const file = openLogFile(path, { clock, metrics, ...(flushIntervalMs !== undefined && { flushIntervalMs }) });
      const shared = { file, users: 0 };
      this.files.set(path, shared);
      return shared;
    } catch (error) {
      throw new Error(`unable to open file '${path}': ${fileProblem(error)}`, { cause: error });
    }
  }

  /**
   * Opens every file again, after a rotation has moved the old ones away; a file that cannot be opened goes on with the
   * old one. Rejects with the first problem once all have been tried.
   */
  async reopen(): Promise<void> {
    const tries = [...this.files].map(async ([path, { file }]) => {
      try {
        await file.reopen();
      } catch (error) {
        throw new Error(`unable to open file '${path}': ${fileProblem(error)}`, { cause: error });
      }
    });
    const failed = (await Promise.allSettled(tries)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** Writes what all files hold and closes those that are still open. */
  async close(): Promise<void> {
    const open = [...this.files.values()];
    this.files.clear();
    await Promise.all(open.map(({ file }) => file.close()));
  }
}
