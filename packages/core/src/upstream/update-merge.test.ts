import { describe, expect, it } from 'vitest';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import { clusterManagerStats, StatsStore } from '../stats/index.ts';
import { UpdateMerge } from './update-merge.ts';

function rig(windowMs: number) {
  const stats = clusterManagerStats(new StatsStore().scope('cluster_manager.'));
  let now = 0;
  let pending: { at: number; run: () => void } | undefined;
  let told = 0;
  const wheel = {
    nowMs: () => now,
    after(delayMs: number, run: () => void) {
      pending = { at: now + delayMs, run };
      return { cancel: () => (pending = undefined) };
    },
  } as unknown as TimerWheel;
  const merge = new UpdateMerge({ windowMs, stats, wheel }, () => told++);
  const advance = (ms: number) => {
    now += ms;
    const due = pending;
    if (due === undefined || due.at > now) return;
    pending = undefined;
    due.run();
  };
  const counts = () => [
    stats.cluster_updated.value,
    stats.cluster_updated_via_merge.value,
    stats.update_out_of_merge_window.value,
    stats.update_merge_cancelled.value,
  ];
  return { merge, advance, counts, told: () => told };
}

describe('UpdateMerge', () => {
  it('tells what follows closely once, a window after the first of it', () => {
    const { merge, advance, counts, told } = rig(1000);
    merge.begin();
    expect(merge.defers(true)).toBe(false);
    advance(400);
    expect([merge.defers(true), merge.defers(true)]).toEqual([true, true]);
    advance(999);
    expect(told()).toBe(0);
    advance(1);
    expect([told(), counts()]).toEqual([1, [1, 1, 1, 0]]);
    advance(1001);
    expect([merge.defers(true), counts()]).toEqual([false, [2, 1, 2, 0]]);
  });

  it('tells of hosts that come or go at once, and of what was put off with them', () => {
    const { merge, advance, counts, told } = rig(1000);
    merge.begin();
    expect([merge.defers(false), merge.defers(true), merge.defers(false)]).toEqual([false, true, false]);
    advance(5000);
    expect([told(), counts()]).toEqual([0, [2, 0, 0, 1]]);
  });

  it('puts nothing off without a window, and nothing before the cluster is in use', () => {
    const { merge, counts } = rig(0);
    expect([merge.defers(true), counts()]).toEqual([false, [0, 0, 0, 0]]);
    merge.begin();
    expect([merge.defers(true), merge.defers(true), counts()]).toEqual([false, false, [2, 0, 0, 0]]);
  });
});
