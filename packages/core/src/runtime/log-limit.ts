/** Keeps a line that repeats thousands of times a second, such as a failing filter's, from flooding the log. */
import type { Clock } from '../api/clock.ts';
import type { LogSeverity } from './log-level.ts';

const WINDOW_MS = 1000;
/** Lines are of one kind when this much of their beginning agrees: what varies, and what peers choose, comes later. */
const KIND_LENGTH = 48;
/** Above this many kinds in one window all further kinds share one allowance, so that memory stays bounded. */
const MAX_KINDS = 64;

interface Kind {
  readonly level: LogSeverity;
  readonly component: string;
  readonly start: string;
  lines: number;
}

/** Counts lines of a kind in windows of one second. */
export class RepeatLimit {
  readonly #clock: Clock;
  readonly #perWindow: number;
  readonly #report: (level: LogSeverity, component: string, message: string) => void;
  readonly #kinds = new Map<string, Kind>();
  #windowEndsMs = Number.NEGATIVE_INFINITY;
  #cancelReport: (() => void) | undefined;

  /** `report` is called once per window and kind that had more than `perWindow` lines. */
  constructor(
    clock: Clock,
    perWindow: number,
    report: (level: LogSeverity, component: string, message: string) => void,
  ) {
    this.#clock = clock;
    this.#perWindow = perWindow;
    this.#report = report;
  }

  /** False when the line is one too many. */
  admit(level: LogSeverity, component: string, message: string): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#windowEndsMs) this.#nextWindow(nowMs);
    const kind = this.#kindOf(level, component, message);
    kind.lines++;
    if (kind.lines <= this.#perWindow) return true;
    this.#cancelReport ??= this.#clock.schedule(
      () => this.#nextWindow(this.#clock.nowMs()),
      this.#windowEndsMs - nowMs,
    );
    return false;
  }

  #kindOf(level: LogSeverity, component: string, message: string): Kind {
    const start = message.slice(0, KIND_LENGTH);
    const full = this.#kinds.size >= MAX_KINDS;
    const key = `${level} ${component} ${start}`;
    const known = this.#kinds.get(key) ?? (full ? this.#kinds.get('') : undefined);
    if (known !== undefined) return known;
    const kind = full
      ? { level, component: 'main', start: 'various messages', lines: 0 }
      : { level, component, start, lines: 0 };
    this.#kinds.set(full ? '' : key, kind);
    return kind;
  }

  #nextWindow(nowMs: number): void {
    this.#cancelReport?.();
    this.#cancelReport = undefined;
    const over = [...this.#kinds.values()].filter((kind) => kind.lines > this.#perWindow);
    this.#kinds.clear();
    this.#windowEndsMs = nowMs + WINDOW_MS;
    for (const { level, component, start, lines } of over) {
      this.#report(level, component, `suppressed ${lines - this.#perWindow} more lines like this within 1 s: ${start}`);
    }
  }
}
