import { describe, expect, it } from 'vitest';
import { StatsStore } from './store.ts';

const names = (store: StatsStore): string[] =>
  store
    .counters()
    .map(({ name }) => name)
    .filter((name) => name.startsWith('cluster.') || name.startsWith('listener.'));

describe('StatsStore', () => {
  it('gives the same object for the same full name', () => {
    const store = new StatsStore();
    const cluster = store.scope('cluster').scope('a.');
    expect(cluster.prefix).toBe('cluster.a.');
    expect(cluster.counter('x')).toBe(store.scope('cluster.a').counter('x'));
    expect(cluster.counter('x')).toBe(cluster.counter('x'));
    expect(cluster.gauge('x')).not.toBe(cluster.counter('x'));
  });

  it('replaces colons', () => {
    const store = new StatsStore();
    store.scope('listener.[::1]:80').counter('a:b');
    expect(names(store)).toEqual(['listener.[__1]_80.a_b']);
  });

  it('lists names sorted token by token', () => {
    const store = new StatsStore();
    for (const name of ['cluster.a-b.x', 'cluster.a.y', 'cluster.a.b.x', 'cluster.a', 'cluster.B.x']) {
      store.scope('').counter(name);
    }
    expect(names(store)).toEqual(['cluster.B.x', 'cluster.a', 'cluster.a.b.x', 'cluster.a.y', 'cluster.a-b.x']);
  });

  it('keeps a shared metric until its last scope closes', () => {
    const store = new StatsStore();
    const old = store.scope('cluster.a');
    old.scope('sub').counter('y');
    old.counter('x').add(3);
    const next = store.scope('cluster.a');
    expect(next.counter('x').value).toBe(3);
    old.close();
    old.close();
    expect(names(store)).toEqual(['cluster.a.x']);
    next.close();
    expect(names(store)).toEqual([]);
  });

  it('lets requests in flight count on after close without listing anything', () => {
    const store = new StatsStore();
    const scope = store.scope('cluster.a');
    const counter = scope.counter('x');
    scope.close();
    counter.inc();
    scope.counter('late').inc();
    scope.dynamicCounter('later').inc();
    scope.scope('sub').counter('latest').inc();
    expect(names(store)).toEqual([]);
    store.scope('cluster.a').counter('x');
    expect(store.counters().find(({ name }) => name === 'cluster.a.x')?.value).toBe(0);
  });

  it('sends dynamic names beyond the cap to overflow', () => {
    const store = new StatsStore({ maxDynamicNames: 2 });
    const scope = store.scope('cluster.a');
    scope.dynamicCounter('d1').inc();
    scope.dynamicCounter('d2').inc();
    expect(scope.dynamicCounter('d3')).toBe(store.overflow);
    expect(scope.dynamicCounter('d1')).not.toBe(store.overflow);
    expect(scope.counter('configured')).not.toBe(store.overflow);
    expect(store.droppedDynamicStats.value).toBe(1);
    scope.close();
    expect(store.scope('cluster.b').dynamicCounter('d1').name).toBe('cluster.b.d1');
  });

  it('leaves unwanted names out of the listings but counts them', () => {
    const store = new StatsStore({ accepts: (name) => !name.includes('secret') });
    const counter = store.scope('cluster.a').counter('secret');
    counter.inc();
    expect(counter.value).toBe(1);
    expect(names(store)).toEqual([]);
  });

  it('does not spend the cap on names that are not listed', () => {
    const store = new StatsStore({ accepts: (name) => !name.includes('secret'), maxDynamicNames: 1 });
    const scope = store.scope('cluster.a');
    expect(scope.dynamicCounter('secret1')).not.toBe(store.overflow);
    expect(scope.dynamicCounter('secret2')).not.toBe(store.overflow);
    expect(scope.dynamicCounter('d')).not.toBe(store.overflow);
  });

  it('uses the configured buckets', () => {
    const store = new StatsStore({ histogramBuckets: (name) => (name.endsWith('_bytes') ? [10, 20] : undefined) });
    expect(store.scope('a').histogram('x_bytes').buckets).toEqual([10, 20]);
    expect(store.scope('a').histogram('x_ms').buckets).toHaveLength(19);
  });

  it('flushes histograms that have something to flush, and no others', () => {
    const store = new StatsStore();
    const scope = store.scope('a');
    const flushed: string[] = [];
    const made = ['h1', 'h2', 'h3'].map((name) => {
      const histogram = scope.histogram(name);
      const flush = histogram.flush.bind(histogram);
      histogram.flush = () => {
        flushed.push(name);
        return flush();
      };
      return histogram;
    });
    const [first, second] = made;
    const rounds = [[first, second], [second], [], [], [first]].map((recorded) => {
      for (const histogram of recorded) histogram?.record(1);
      flushed.length = 0;
      store.flush();
      return [flushed.join(' '), first?.interval.count, second?.cumulative.count];
    });
    // An idle interval is emptied once.
    expect(rounds).toEqual([
      ['h1 h2', 1, 1],
      ['h1 h2', 0, 2],
      ['h2', 0, 2],
      ['', 0, 2],
      ['h1', 1, 2],
    ]);
  });

  it('forgets what a closed scope has not flushed', () => {
    const store = new StatsStore();
    const scope = store.scope('b');
    const histogram = scope.histogram('h');
    histogram.record(1);
    scope.close();
    histogram.record(1);
    store.flush();
    expect(histogram.cumulative.count).toBe(0);
  });

  it('flushes a few histograms at a time', () => {
    const store = new StatsStore();
    const scope = store.scope('a');
    for (let n = 0; n < 1000; n++) scope.histogram(`h${n}`).record(1);
    expect([...store.flushing()].length).toBeGreaterThan(10);
    expect(store.histograms().every(({ used }) => used)).toBe(true);
  });

  it('knows what was used, also after a reset', () => {
    const store = new StatsStore();
    const scope = store.scope('cluster.a');
    const counter = scope.counter('c');
    const gauge = scope.gauge('g');
    expect([counter.used, gauge.used]).toEqual([false, false]);
    counter.value++;
    gauge.set(0);
    store.resetCounters();
    expect([counter.value, counter.used, gauge.used]).toEqual([0, true, true]);
  });

  it('tells observers what comes and goes', () => {
    const store = new StatsStore();
    const seen: string[] = [];
    const stop = store.observe((change, kind, { name }) => seen.push(`${change} ${kind} ${name}`));
    const scope = store.scope('a');
    scope.gauge('g');
    scope.gauge('g');
    scope.close();
    stop();
    store.scope('b').counter('c');
    expect(seen).toEqual(['added gauge a.g', 'removed gauge a.g']);
  });
});
