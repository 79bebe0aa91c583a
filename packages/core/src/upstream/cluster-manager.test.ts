import { describe, expect, it } from 'vitest';
import { TimerWheel } from '../runtime/timer-wheel.ts';
import { StatsStore } from '../stats/index.ts';
import { Cluster } from './cluster.ts';
import { ClusterManager, type ManagedCluster } from './cluster-manager.ts';
import { DEFAULT_THRESHOLDS } from './settings.ts';

/** Time that goes on when it is told to. */
class Time {
  ms = 0;
  private pending: { at: number; run: () => void }[] = [];
  readonly nowMs = () => this.ms;
  readonly wallMs = () => this.ms;
  readonly schedule = (run: () => void, delayMs: number) => {
    const entry = { at: this.ms + delayMs, run };
    this.pending.push(entry);
    return () => {
      this.pending = this.pending.filter((one) => one !== entry);
    };
  };

  advance(ms: number): void {
    const end = this.ms + ms;
    for (;;) {
      const next = this.pending.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.pending = this.pending.filter((one) => one !== next);
      this.ms = next.at;
      next.run();
    }
    this.ms = end;
  }

  get timers(): number {
    return this.pending.length;
  }
}

function rig() {
  const time = new Time();
  const store = new StatsStore();
  const wheel = new TimerWheel(time, (error) => {
    throw error;
  });
  const manager = new ClusterManager(store.scope(''), wheel, 60_000);
  const changes: string[] = [];
  manager.watch((name) => changes.push(`${name} ${manager.get(name) === undefined ? 'gone' : 'there'}`));
  const log: string[] = [];

  /** A cluster whose first answer comes with `ready`. */
  const member = (name: string, mark: string, ports: readonly number[] = []) => {
    const scope = store.scope('');
    const settings = {
      name,
      statName: name,
      connectTimeoutMs: 1000,
      maxStreamDurationMs: 0,
      thresholds: { default: DEFAULT_THRESHOLDS, high: DEFAULT_THRESHOLDS },
    };
    const cluster = new Cluster(settings as never, 'test', { scope, wheel, random: () => 0 });
    let ready = () => {};
    let fail = (_error: Error) => {};
    const started = new Promise<void>((resolve, reject) => {
      ready = () => {
        cluster.update(ports.map((port) => ({ ...HOST, port })));
        resolve();
      };
      fail = reject;
    });
    const managed: ManagedCluster = {
      cluster,
      discovery: { start: () => started, close: () => void log.push(`${mark} closed`) },
      release: () => {
        log.push(`${mark} released`);
        scope.close();
      },
    };
    return { managed, cluster, ready, fail };
  };
  const stat = (name: string) => [...store.gauges(), ...store.counters()].find((one) => one.name === name)?.value;
  const totals = () => ['active_clusters', 'warming_clusters'].map((name) => stat(`cluster_manager.${name}`));
  const counts = () =>
    ['cluster_added', 'cluster_modified', 'cluster_removed'].map((name) => stat(`cluster_manager.${name}`));
  return { time, manager, member, changes, log, stat, totals, counts };
}

const HOST = {
  ip: '127.0.0.1',
  hostname: '',
  weight: 1,
  priority: 0,
  locality: { region: '', zone: '', subZone: '' },
};

describe('ClusterManager', () => {
  it('has the clusters of the first config in force while they start', async () => {
    const { manager, member, totals, counts, changes } = rig();
    const a = member('a', 'a');
    const beginning = manager.begin([a.managed]);
    expect([manager.get('a') === a.cluster, totals(), counts()]).toEqual([true, [1, 1], [1, 0, 0]]);
    a.ready();
    await beginning;
    expect([totals(), changes]).toEqual([[1, 0], ['a there']]);
  });

  it('starts what is made of other clusters when the others have answered', async () => {
    const { manager, member } = rig();
    const order: string[] = [];
    const first = member('first', '1');
    const second = member('second', '2');
    const starts = (name: string, { managed }: typeof first, phase?: 'secondary') => ({
      ...managed,
      discovery: {
        ...managed.discovery,
        ...(phase && { phase }),
        start: () => {
          order.push(name);
          return managed.discovery.start();
        },
      },
    });
    const beginning = manager.begin([starts('second', second, 'secondary'), starts('first', first)]);
    expect(order).toEqual(['first']);
    first.ready();
    second.ready();
    await beginning;
    expect(order).toEqual(['first', 'second']);
  });

  it('keeps a cluster until the one that replaces it is warm, and lets it go when it is idle', async () => {
    const { manager, member, time, totals, counts, log, stat } = rig();
    const before = member('a', 'before', [1]);
    before.ready();
    await manager.begin([before.managed]);
    before.cluster.stats.upstream_cx_total.add(7);
    const after = member('a', 'after', [1, 2]);
    const putting = manager.put(after.managed);
    expect([manager.get('a') === before.cluster, totals(), counts()]).toEqual([true, [1, 1], [1, 1, 0]]);
    after.ready();
    expect(await putting).toBe('in force');
    expect([manager.get('a') === after.cluster, totals(), log]).toEqual([true, [1, 0], ['before closed']]);
    before.cluster.breaker.addRequest();
    time.advance(10_000);
    expect([manager.retiring, log.includes('before released')]).toEqual([1, false]);
    before.cluster.breaker.removeRequest();
    time.advance(2000);
    expect([manager.retiring, log.includes('before released'), time.timers]).toEqual([0, true, 0]);
    expect([stat('cluster.a.upstream_cx_total'), stat('cluster.a.membership_total')]).toEqual([7, 2]);
  });

  it('cuts what is still under way on a replaced cluster when the drain time is over', async () => {
    const { manager, member, time, log } = rig();
    const before = member('a', 'before');
    before.ready();
    await manager.begin([before.managed]);
    before.cluster.breaker.addConnection();
    manager.remove('a');
    time.advance(59_000);
    expect(log).not.toContain('before released');
    time.advance(2000);
    expect(log).toContain('before released');
  });

  it('gives up a cluster on its way for a later one, whose gauges hold', async () => {
    const { manager, member, totals, log, stat } = rig();
    const active = member('a', 'active', [1]);
    active.ready();
    await manager.begin([active.managed]);
    const first = member('a', 'first', [1, 2, 3]);
    const putting = manager.put(first.managed);
    const second = member('a', 'second', [1, 2]);
    const puttingSecond = manager.put(second.managed);
    expect([await putting, log]).toEqual(['superseded', ['first closed', 'first released']]);
    first.ready();
    second.ready();
    expect([await puttingSecond, manager.get('a') === second.cluster, totals()]).toEqual(['in force', true, [1, 0]]);
    expect(stat('cluster.a.membership_total')).toBe(2);
  });

  it('stays as it was when a cluster cannot be started', async () => {
    const { manager, member, totals, log, stat } = rig();
    const active = member('a', 'active', [1]);
    active.ready();
    await manager.begin([active.managed]);
    const broken = member('a', 'broken');
    const putting = manager.put(broken.managed);
    broken.fail(new Error('no'));
    await expect(putting).rejects.toThrow('no');
    expect([manager.get('a') === active.cluster, totals(), log]).toEqual([
      true,
      [1, 0],
      ['broken closed', 'broken released'],
    ]);
    expect(stat('cluster.a.membership_total')).toBe(1);
  });

  it('removes active and warming clusters, and their statistics with them', async () => {
    const { manager, member, time, counts, changes, stat } = rig();
    const a = member('a', 'a', [1]);
    a.ready();
    await manager.begin([a.managed]);
    const warming = manager.put(member('b', 'b').managed);
    expect([manager.remove('b'), manager.remove('a'), manager.remove('a')]).toEqual([true, true, false]);
    expect(await warming).toBe('superseded');
    expect([manager.get('a'), counts(), changes]).toEqual([undefined, [2, 0, 2], ['a there', 'a gone']]);
    time.advance(5000);
    expect(stat('cluster.a.membership_total')).toBeUndefined();
  });
});
