/** Envoy's `update_merge_window`: changes of health, weight and metadata that follow each other closely are told as one. */
import type { TimerHandle } from '../api/clock.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { ClusterManagerStats } from '../stats/index.ts';

/** What an {@link UpdateMerge} works with. */
export interface UpdateMergeParts {
  /** 0 tells every change at once. */
  readonly windowMs: number;
  readonly stats: Pick<
    ClusterManagerStats,
    'cluster_updated' | 'cluster_updated_via_merge' | 'update_merge_cancelled' | 'update_out_of_merge_window'
  >;
  readonly wheel: TimerWheel;
}

/** Of one cluster. Nothing is put off before `begin`: the cluster is not in use yet. */
export class UpdateMerge {
  private readonly parts: UpdateMergeParts;
  private readonly deliver: () => void;
  private timer: TimerHandle | undefined = undefined;
  private lastMs = Number.NEGATIVE_INFINITY;
  private begun = false;

  /** `deliver` is called for changes that were put off. */
  constructor(parts: UpdateMergeParts, deliver: () => void) {
    this.parts = parts;
    this.deliver = deliver;
  }

  /** The cluster is in use: from now on changes count. */
  begin(): void {
    this.begun = true;
  }

  /** True when a change is to wait for those that follow. Hosts that come or go are never `mergeable`. */
  defers(mergeable: boolean): boolean {
    if (!this.begun) return false;
    const { windowMs, stats, wheel } = this.parts;
    if (windowMs > 0) {
      const sinceMs = wheel.nowMs() - this.lastMs;
      if (mergeable && sinceMs <= windowMs) {
        this.timer ??= wheel.after(windowMs, () => this.due());
        return true;
      }
      if (mergeable) stats.update_out_of_merge_window.inc();
      if (this.timer !== undefined) stats.update_merge_cancelled.inc();
      this.close();
      this.lastMs = wheel.nowMs();
    }
    stats.cluster_updated.inc();
    return false;
  }

  private due(): void {
    this.timer = undefined;
    this.lastMs = this.parts.wheel.nowMs();
    this.parts.stats.cluster_updated_via_merge.inc();
    this.deliver();
  }

  /** What was put off is forgotten. */
  close(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }
}
