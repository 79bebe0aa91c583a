/** The time of a simulation: it jumps from event to event. Few callbacks wait on it at any time; requests have a queue of their own. */
import type { Clock } from '@mesh/core';

interface Waiting {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** 2026-01-01T00:00:00Z, so that logs are the same in every run. */
const START_WALL_MS = Date.UTC(2026, 0, 1);

export class SimClock implements Clock {
  /** Set by the loop before each event. */
  now = 0;
  /** When the earliest callback is due. */
  nextMs = Number.POSITIVE_INFINITY;
  private readonly waiting: Waiting[] = [];

  nowMs(): number {
    return this.now;
  }

  wallMs(): number {
    return START_WALL_MS + this.now;
  }

  schedule(callback: () => void, delayMs: number): () => void {
    const entry: Waiting = { dueMs: this.now + Math.max(0, delayMs), callback };
    // Equal times run in the order in which they were asked for.
    let at = this.waiting.length;
    while (at > 0 && (this.waiting[at - 1] as Waiting).dueMs > entry.dueMs) at--;
    this.waiting.splice(at, 0, entry);
    this.findNext();
    return () => {
      const found = this.waiting.indexOf(entry);
      if (found >= 0) this.waiting.splice(found, 1);
      this.findNext();
    };
  }

  /** Runs the callback that is due first, at its time. */
  runNext(): void {
    const entry = this.waiting.shift();
    if (entry === undefined) return;
    this.findNext();
    this.now = Math.max(this.now, entry.dueMs);
    entry.callback();
  }

  private findNext(): void {
    this.nextMs = this.waiting[0]?.dueMs ?? Number.POSITIVE_INFINITY;
  }
}
