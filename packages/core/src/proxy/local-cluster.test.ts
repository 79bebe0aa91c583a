import { expect, it } from 'vitest';
import type { HostSets } from '../api/cluster.ts';
import type { ClusterManager } from '../upstream/cluster-manager.ts';
import { NO_HOST_SETS } from '../upstream/host-sets.ts';
import { localCluster } from './local-cluster.ts';

/** A cluster that can be watched. */
function stub(overprovisioningFactor: number) {
  const watchers = new Set<() => void>();
  const sets: HostSets = { ...NO_HOST_SETS, overprovisioningFactor };
  return {
    watchers,
    sets,
    watch: (changed: () => void) => {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
  };
}

it('localCluster follows the cluster of its name when it comes and is replaced', () => {
  let current: ReturnType<typeof stub> | undefined;
  const watchers = new Set<(name: string) => void>();
  const clusters = {
    get: () => current,
    watch: (changed: (name: string) => void) => {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
  } as unknown as ClusterManager;
  const put = (next: ReturnType<typeof stub>) => {
    current = next;
    for (const changed of watchers) changed('own');
  };
  expect(localCluster('', clusters)).toBeUndefined();
  const local = localCluster('own', clusters);
  let changes = 0;
  const end = local?.watch(() => changes++);
  expect(local?.sets()).toBe(NO_HOST_SETS);
  const [first, second] = [stub(1), stub(2)];
  put(first);
  expect([changes, local?.sets() === first.sets, first.watchers.size]).toEqual([1, true, 1]);
  put(second);
  for (const changed of second.watchers) changed();
  for (const changed of watchers) changed('another');
  expect([changes, local?.sets() === second.sets, first.watchers.size]).toEqual([3, true, 0]);
  end?.();
  expect([second.watchers.size, watchers.size]).toEqual([0, 0]);
});
