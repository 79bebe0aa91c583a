/** Clusters that have been replaced or removed and still serve the requests that began with them. */
import type { TimerHandle } from '../api/clock.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { Cluster } from './cluster.ts';

/** How often they are looked at. */
const LOOK_MS = 250;

/**
 * A cluster must be found idle this often in a row: a request may have looked it up and not asked it for anything yet, or
 * wait before its next attempt.
 */
const IDLE_LOOKS = 4;

interface Retired {
  readonly cluster: Cluster;
  readonly end: () => void;
  readonly latestMs: number;
  idleLooks: number;
}

export class RetiredClusters {
  private readonly wheel: TimerWheel;
  private readonly drainTimeMs: number;
  private readonly all = new Set<Retired>();
  private timer: TimerHandle | undefined = undefined;

  constructor(wheel: TimerWheel, drainTimeMs: number) {
    this.wheel = wheel;
    this.drainTimeMs = drainTimeMs;
  }

  get size(): number {
    return this.all.size;
  }

  /** Calls `end` when the cluster has nothing under way any more, or its time is over. */
  add(cluster: Cluster, end: () => void): void {
    this.all.add({ cluster, end, latestMs: this.wheel.nowMs() + this.drainTimeMs, idleLooks: 0 });
    this.timer ??= this.wheel.after(LOOK_MS, () => this.look());
  }

  private look(): void {
    const now = this.wheel.nowMs();
    for (const retired of this.all) {
      retired.idleLooks = retired.cluster.busy ? 0 : retired.idleLooks + 1;
      if (retired.idleLooks < IDLE_LOOKS && now < retired.latestMs) continue;
      this.all.delete(retired);
      retired.end();
    }
    this.timer = this.all.size === 0 ? undefined : this.wheel.after(LOOK_MS, () => this.look());
  }

  /** Ends all of them at once. */
  close(): void {
    this.timer?.cancel();
    for (const retired of this.all) retired.end();
    this.all.clear();
  }
}
