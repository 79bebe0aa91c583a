/** The access logs of one place in the configuration, as one thing that entries are given to. */
import type { AccessLog, AccessLogType, EntryLogs, LogSubject } from '../api/access-log.ts';
import type { ObserverContext } from '../api/observer.ts';
import { errorText, MeshError } from '../errors.ts';
import { compileLogFilter, type LogFilter } from '../log-filter/compile.ts';
import type { LogFilterSettings } from '../log-filter/settings.ts';
import type { Counter } from '../stats/index.ts';
import { logContext } from './log-context.ts';
import { onRejection } from './rejection.ts';

interface Planned {
  readonly name: string;
  readonly filter: LogFilter | undefined;
  readonly log: AccessLog;
}

/** What a failing logger costs: this counter, and a line in the proxy's log. */
const FAILED = 'access_logs.failed';

/** An access log of the configuration. */
export interface LogEntry {
  /** For messages. */
  readonly name: string;
  /** Without one everything is logged. */
  readonly filter?: LogFilterSettings | undefined;
  /** @throws Error when the logger cannot be made, e.g. because its file cannot be opened. */
  create(context: ObserverContext): AccessLog;
}

/** Gives entries to each log whose filter holds; what a log throws stays here. */
export class AccessLogs implements EntryLogs {
  private readonly planned: readonly Planned[];
  private readonly context: ObserverContext;
  private readonly failed: Pick<Counter, 'inc'>;
  private closing: Promise<void> | undefined = undefined;

  /** @throws MeshError `CONFIG_INVALID` when one of the loggers cannot be made; then none is left. */
  constructor(entries: readonly LogEntry[], context: ObserverContext) {
    const planned: Planned[] = [];
    this.planned = planned;
    this.context = context;
    this.failed = context.stats.counter(FAILED);
    try {
      for (const { name, filter, create } of entries) {
        planned.push({ name, filter: filter && compileLogFilter(filter), log: create(context) });
      }
    } catch (error) {
      void this.close();
      if (error instanceof MeshError) throw error;
      throw new MeshError('CONFIG_INVALID', (error as Error).message, { cause: error });
    }
  }

  log(subject: LogSubject, type: AccessLogType): void {
    for (let i = 0; i < this.planned.length; i++) {
      const { filter, log, name } = this.planned[i] as Planned;
      try {
        if (filter !== undefined && !filter(subject, logContext(type))) continue;
        // A logger with an `async` method is against the contract, and yet must not end the process.
        const answer: unknown = log.log(subject, type);
        if (answer !== undefined) onRejection(answer, (error) => this.loggerFailed(name, error));
      } catch (error) {
        this.loggerFailed(name, error);
      }
    }
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  private async closeAll(): Promise<void> {
    const ends = this.planned.map(async ({ log, name }) => {
      try {
        await log.close?.();
      } catch (error) {
        this.loggerFailed(name, error);
      }
    });
    await Promise.all(ends);
  }

  private loggerFailed(name: string, error: unknown): void {
    this.failed.inc();
    this.context.log('error', `access log ${name} failed: ${errorText(error)}`);
  }
}
