/** Time that moves only when a test moves it. */
import type { Clock } from '@mesh/core';

interface Scheduled {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** 2026-01-01T00:00:00Z, so that dates in answers are the same in every run. */
const START_WALL_MS = Date.UTC(2026, 0, 1);

/**
 * A {@link Clock} for tests: `createProxy({ clock })`, `startProxy({ clock })`, and inside `testFilter`.
 *
 * @example
 * const clock = new VirtualClock();
 * clock.schedule(() => console.log('due'), 100);
 * clock.advance(99); // nothing
 * clock.advance(1); // due
 */
export class VirtualClock implements Clock {
  private now = 0;
  private order = 0;
  private readonly scheduled = new Set<Scheduled>();

  nowMs(): number {
    return this.now;
  }

  wallMs(): number {
    return START_WALL_MS + this.now;
  }

  schedule(callback: () => void, delayMs: number): () => void {
    const entry = { dueMs: this.now + Math.max(0, delayMs), order: this.order++, callback };
    this.scheduled.add(entry);
    return () => this.scheduled.delete(entry);
  }

  /** How many callbacks wait for their time. */
  get pending(): number {
    return this.scheduled.size;
  }

  /** Moves time by `ms` and runs, in order of time, what comes due, also what those callbacks schedule. */
  advance(ms: number): void {
    const until = this.now + ms;
    for (let next = this.next(until); next !== undefined; next = this.next(until)) this.run(next);
    this.now = until;
  }

  /** As `advance`, with a turn of the event loop after each callback, so that promises may settle in between. */
  async advanceAsync(ms: number): Promise<void> {
    const until = this.now + ms;
    await turn();
    for (let next = this.next(until); next !== undefined; next = this.next(until)) {
      this.run(next);
      await turn();
    }
    this.now = until;
  }

  private run(entry: Scheduled): void {
    this.scheduled.delete(entry);
    this.now = Math.max(this.now, entry.dueMs);
    entry.callback();
  }

  private next(untilMs: number): Scheduled | undefined {
    let first: Scheduled | undefined;
    for (const entry of this.scheduled) {
      if (entry.dueMs > untilMs) continue;
      if (
        first === undefined ||
        entry.dueMs < first.dueMs ||
        (entry.dueMs === first.dueMs && entry.order < first.order)
      ) {
        first = entry;
      }
    }
    return first;
  }
}

/** Resolves after one turn of the event loop: every promise that could settle has. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
