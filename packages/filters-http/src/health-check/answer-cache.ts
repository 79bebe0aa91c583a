/** The upstream's last answer to a health check. */
import type { Timers } from '@mesh/core';

/** What is kept of an answer. */
export interface KeptAnswer {
  readonly status: number;
  readonly degraded: boolean;
}

/**
 * As in Envoy what is kept is dropped every `timeMs`, counted from the start of the filter: an answer lives at most so
 * long, and often shorter.
 */
export class AnswerCache {
  private readonly timeMs: number;
  private readonly timers: Timers;
  private readonly startMs: number;
  private kept: KeptAnswer | undefined = undefined;
  private keptIn = -1;

  constructor(timeMs: number, timers: Timers) {
    this.timeMs = timeMs;
    this.timers = timers;
    this.startMs = timers.nowMs();
  }

  /** `undefined` when the upstream must be asked. */
  get answer(): KeptAnswer | undefined {
    return this.keptIn === this.period ? this.kept : undefined;
  }

  keep(status: number, degraded: boolean): void {
    this.kept = { status, degraded };
    this.keptIn = this.period;
  }

  private get period(): number {
    return Math.floor((this.timers.nowMs() - this.startMs) / this.timeMs);
  }
}
