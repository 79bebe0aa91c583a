/** The application log: levels per component, one line per entry, never an exception and never a wait. */
import type { Clock } from '../api/clock.ts';
import { systemClock } from './clock.ts';
import { type LogSink, openLogFile } from './log-file.ts';
import { compileLogFormat, DEFAULT_LOG_FORMAT } from './log-format.ts';
import { LOG_LEVELS, LOG_RANK, type LogLevel, type LogSeverity } from './log-level.ts';
import { RepeatLimit } from './log-limit.ts';
import { streamSink } from './log-stream.ts';

export type { LogLevel, LogSeverity } from './log-level.ts';

/** Names that always exist, so that `/logging` can list and set them before they have said anything. */
const LOG_COMPONENTS = [
  'admin',
  'client',
  'config',
  'connection',
  'dns',
  'filter',
  'http',
  'main',
  'pool',
  'router',
  'runtime',
  'stats',
  'upstream',
] as const;

/** Where the proxy writes what it has to say. Give your own to send the lines elsewhere; `log` must not throw. */
export interface Logger {
  /** `component` is a short name such as `http`; new names are allowed. `message` is plain text without line feed. */
  log(level: LogSeverity, component: string, message: string): void;
}

/** A logger whose levels can be changed while it runs; what the admin server's `/logging` works on. */
export interface LevelLogger extends Logger {
  /** Whether a line of this level would be written; ask before building a costly message. */
  enabled(level: LogSeverity, component: string): boolean;
  /** Name and level of every component, sorted by name. */
  levels(): readonly (readonly [name: string, level: LogLevel])[];
  /** Sets every component, and those yet to come. */
  setAll(level: LogLevel): void;
  /** Sets one component; false when it is not known. */
  set(name: string, level: LogLevel): boolean;
}

/** The logger that {@link createLogger} makes. */
export interface ProcessLogger extends LevelLogger {
  /** Lines lost so far because the file or the reader of standard error was too slow, or refused. */
  readonly dropped: number;
  /** Opens the log file again, after a rotation; resolves at once when there is none. Rejects when it cannot be opened. */
  reopen(): Promise<void>;
  /** Writes what is buffered for the log file and closes it; standard error stays open. */
  close(): Promise<void>;
}

/** Options of {@link createLogger}. */
export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel;
  /** Levels of single components (`--component-log-level`); they win over `level`. */
  readonly componentLevels?: Readonly<Record<string, LogLevel>>;
  /** spdlog pattern, see {@link compileLogFormat}; default Envoy's without the source place. */
  readonly format?: string;
  /** Log to this file (`--log-path`): buffered, bounded, never blocking. Default: standard error. */
  readonly path?: string;
  /** Longest wait of a line below `warning` on its way to `path`. Default 10 000. */
  readonly flushIntervalMs?: number;
  /** Instead of both: takes a finished line with its line feed. `urgent` is true from `warning` upwards. */
  readonly write?: (line: string, urgent: boolean) => void;
  readonly clock?: Clock;
  /** Lines per second of one kind from `warning` upwards; the rest is counted and told once. Default 10. */
  readonly repeatsPerSecond?: number;
}

/**
 * Creates the logger of a process.
 * @throws RangeError when `format` has a flag that does not exist or a level is none.
 * @throws Error of the file system when `path` cannot be opened.
 */
export function createLogger(options: LoggerOptions = {}): ProcessLogger {
  for (const level of [options.level ?? 'info', ...Object.values(options.componentLevels ?? {})]) checkLevel(level);
  const { level = 'info', componentLevels = {}, format = DEFAULT_LOG_FORMAT, clock = systemClock } = options;
  const line = compileLogFormat(format);
  const sink = openSink(options);
  const emit: Emit = (severity, component, message) => {
    const entry = { timeMs: clock.wallMs(), level: severity, component, message };
    sink.write(line(entry), LOG_RANK[severity] >= LOG_RANK.warning);
  };
  const limit = new RepeatLimit(clock, options.repeatsPerSecond ?? 10, emit);
  const limited: Emit = (severity, component, message) => {
    // Below `warning` somebody asked for the detail; what is too much is dropped by the sink, and counted.
    const hot = LOG_RANK[severity] >= LOG_RANK.warning;
    if (!hot || limit.admit(severity, component, message)) emit(severity, component, message);
  };
  return new SinkLogger(level, componentLevels, limited, sink);
}

function openSink({ write, path, flushIntervalMs, clock = systemClock }: LoggerOptions): LogSink {
  if (write !== undefined) return { write, dropped: 0, reopen: async () => {}, close: async () => {} };
  if (path === undefined) return streamSink(process.stderr);
  return openLogFile(path, { clock, ...(flushIntervalMs === undefined ? {} : { flushIntervalMs }) });
}

/** Puts levels in front of a logger that has none of its own, so that `/logging` works with any logger. */
export function withLevels(logger: Logger, level: LogLevel = 'info'): LevelLogger {
  if (isLevelLogger(logger)) return logger;
  return new Leveled(level, {}, (severity, component, message) => logger.log(severity, component, message));
}

function checkLevel(level: string): void {
  if (!(LOG_LEVELS as readonly string[]).includes(level))
    throw new RangeError(`invalid log level '${level}'; levels are ${LOG_LEVELS.join(', ')}`);
}

function isLevelLogger(logger: Logger): logger is LevelLogger {
  return 'levels' in logger && 'setAll' in logger && 'set' in logger && 'enabled' in logger;
}

type Emit = (level: LogSeverity, component: string, message: string) => void;

class Leveled implements LevelLogger {
  readonly #levels: Map<string, LogLevel>;
  readonly #emit: Emit;
  #default: LogLevel;

  constructor(level: LogLevel, componentLevels: Readonly<Record<string, LogLevel>>, emit: Emit) {
    this.#default = level;
    this.#emit = emit;
    this.#levels = new Map([
      ...LOG_COMPONENTS.map((name) => [name, level] as const),
      ...Object.entries(componentLevels),
    ]);
  }

  log(level: LogSeverity, component: string, message: string): void {
    if (!this.enabled(level, component)) return;
    try {
      this.#emit(level, component, message);
    } catch {
      // Callers are the data path: whatever the writer's trouble is, it must not become theirs.
    }
  }

  enabled(level: LogSeverity, component: string): boolean {
    return LOG_RANK[level] >= LOG_RANK[this.#levels.get(component) ?? this.#default];
  }

  levels(): readonly (readonly [string, LogLevel])[] {
    return [...this.#levels].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  setAll(level: LogLevel): void {
    this.#default = level;
    for (const name of this.#levels.keys()) this.#levels.set(name, level);
  }

  set(name: string, level: LogLevel): boolean {
    if (!this.#levels.has(name)) return false;
    this.#levels.set(name, level);
    return true;
  }
}

class SinkLogger extends Leveled implements ProcessLogger {
  readonly #sink: LogSink;

  constructor(level: LogLevel, componentLevels: Readonly<Record<string, LogLevel>>, emit: Emit, sink: LogSink) {
    super(level, componentLevels, emit);
    this.#sink = sink;
  }

  get dropped(): number {
    return this.#sink.dropped;
  }

  reopen(): Promise<void> {
    return this.#sink.reopen();
  }

  close(): Promise<void> {
    return this.#sink.close();
  }
}
