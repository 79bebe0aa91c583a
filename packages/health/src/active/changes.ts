/**
 * When what checks have found takes effect: at once, but in a large cluster together with what else is found within a few
 * milliseconds, because with every change all of its hosts are divided anew.
 */
import type { TimerHandle, Timers } from '@mesh/core';
import type { HostState } from './host-state.ts';

/** Clusters with more hosts gather changes. */
const LARGE = 500;
/** So long, in milliseconds. */
const GATHER_MS = 40;

export class Changes {
  private readonly timers: Timers;
  private readonly waiting = new Set<HostState>();
  private timer: TimerHandle | undefined = undefined;

  constructor(timers: Timers) {
    this.timers = timers;
  }

  /** `hosts` is how many the cluster has. */
  note(state: HostState, hosts: number): void {
    if (hosts <= LARGE) {
      state.apply();
      return;
    }
    this.waiting.add(state);
    this.timer ??= this.timers.after(GATHER_MS, () => this.flush());
  }

  /** Lets everything take effect now. */
  flush(): void {
    this.timer?.cancel();
    this.timer = undefined;
    const states = [...this.waiting];
    this.waiting.clear();
    for (const state of states) state.apply();
  }

  /** A host that is gone is no longer spoken of. */
  forget(state: HostState): void {
    this.waiting.delete(state);
  }

  close(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.waiting.clear();
  }
}
