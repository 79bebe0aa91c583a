import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Clock } from '../api/clock.ts';
import type { MetricsSnapshot, StatsSink } from '../api/stats-sink.ts';
import { createProxy } from '../create-proxy.ts';
import { defineStatsSink } from '../define/index.ts';
import { StatsStore } from '../stats/index.ts';
import { StatsFlush } from './stats-flush.ts';

const START_WALL_MS = 1_000_000;

class ManualClock implements Clock {
  private now = 0;
  private waiting: { readonly dueMs: number; readonly callback: () => void }[] = [];

  nowMs(): number {
    return this.now;
  }

  wallMs(): number {
    return START_WALL_MS + this.now;
  }

  schedule(callback: () => void, delayMs: number): () => void {
    const entry = { dueMs: this.now + delayMs, callback };
    this.waiting.push(entry);
    return () => {
      this.waiting = this.waiting.filter((other) => other !== entry);
    };
  }

  /** Callbacks must not be due within `ms` of one another. */
  advance(ms: number): void {
    this.now += ms;
    for (const entry of this.waiting.filter(({ dueMs }) => dueMs <= this.now)) {
      this.waiting = this.waiting.filter((other) => other !== entry);
      entry.callback();
    }
  }
}

interface Copy {
  readonly timeMs: number;
  readonly counters: Record<string, [delta: number, value: number]>;
  readonly gauges: Record<string, number>;
  readonly histograms: Record<string, number>;
  readonly texts: Record<string, string>;
}

/** Snapshots are valid during the call only. */
function copyOf(snapshot: MetricsSnapshot): Copy {
  const own = <T>(list: readonly { name: string }[], value: (metric: never) => T) =>
    Object.fromEntries(list.filter(({ name }) => !name.startsWith('server.')).map((m) => [m.name, value(m as never)]));
  return {
    timeMs: snapshot.timeMs,
    counters: own(snapshot.counters, (m: { delta: number; value: number }) => [m.delta, m.value]),
    gauges: own(snapshot.gauges, (m: { value: number }) => m.value),
    histograms: own(snapshot.histograms, (m: { interval: { count: number } }) => m.interval.count),
    texts: own(snapshot.textReadouts, (m: { value: string }) => m.value),
  };
}

function harness(sinks: readonly StatsSink[], store = new StatsStore()) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const flush = new StatsFlush({
    store,
    sinks: sinks.map((sink, index) => ({ name: `sink${index}`, sink })),
    clock,
    before: () => {},
    log: (message) => lines.push(message),
  });
  return { store, clock, lines, flush };
}

function recording() {
  const seen: Copy[] = [];
  return { seen, sink: { flush: (snapshot: MetricsSnapshot) => void seen.push(copyOf(snapshot)) } };
}

describe('StatsFlush', () => {
  it('hands over used metrics every interval, counters with what was added since the last one', () => {
    const { seen, sink } = recording();
    const { store, clock, flush } = harness([sink]);
    const scope = store.scope('cluster.a');
    const requests = scope.counter('upstream_rq_total');
    scope.counter('unused');
    scope.gauge('untouched');
    scope.textReadout('empty');
    scope.gauge('active').set(0);
    scope.textReadout('version').set('v1');
    const time = scope.histogram('upstream_rq_time');
    scope.histogram('silent_ms');
    requests.add(3);
    time.record(7);
    flush.start(5000);
    clock.advance(4999);
    expect(seen).toEqual([]);
    clock.advance(1);
    requests.add(2);
    clock.advance(5000);
    clock.advance(5000);
    expect(seen.map(({ counters }) => counters['cluster.a.upstream_rq_total'])).toEqual([
      [3, 3],
      [2, 5],
      [0, 5],
    ]);
    expect(seen[0]).toEqual({
      timeMs: clock.wallMs() - 10_000,
      counters: { 'cluster.a.upstream_rq_total': [3, 3] },
      gauges: { 'cluster.a.active': 0 },
      histograms: { 'cluster.a.upstream_rq_time': 1 },
      texts: { 'cluster.a.version': 'v1' },
    });
    expect(seen[1]?.histograms).toEqual({ 'cluster.a.upstream_rq_time': 0 });
    void flush.close();
  });

  it('tells names without their tags, worked out once', () => {
    const store = new StatsStore();
    const code = store.scope('cluster.a').counter('upstream_rq_200');
    const found: unknown[] = [];
    const { flush } = harness(
      [
        {
          flush({ counters }) {
            for (const { name, tagExtractedName, tags } of counters) found.push([name, tagExtractedName, tags]);
          },
        },
      ],
      store,
    );
    code.inc();
    flush.flush();
    flush.flush();
    const tags = [
      { name: 'envoy.response_code', value: '200' },
      { name: 'envoy.cluster_name', value: 'a' },
    ];
    expect(found).toEqual([
      [code.name, 'cluster.upstream_rq', tags],
      [code.name, 'cluster.upstream_rq', tags],
    ]);
    expect((found[0] as unknown[])[2]).toBe((found[1] as unknown[])[2]);
  });

  it('follows metrics that come and go, and loses nothing to /reset_counters', () => {
    const { seen, sink } = recording();
    const { store, flush } = harness([sink]);
    const scope = store.scope('cluster.late');
    const counter = scope.counter('c');
    counter.add(4);
    store.resetCounters();
    counter.add(1);
    flush.flush();
    expect(seen[0]?.counters).toEqual({ 'cluster.late.c': [5, 1] });
    scope.close();
    flush.flush();
    expect(seen[1]?.counters).toEqual({});
  });

  it('passes samples on as whole units, also of histograms that come later, until it is closed', async () => {
    const samples: unknown[] = [];
    const { store, flush } = harness([
      { flush: () => {} },
      { flush: () => {}, onSample: ({ name, unit }, value) => samples.push([name, unit, value]) },
    ]);
    const time = store.scope('http.a').histogram('downstream_rq_time');
    time.record(3.9);
    await flush.close();
    time.record(4);
    expect(samples).toEqual([['http.a.downstream_rq_time', 'ms', 3]]);
  });

  it('leaves histograms alone when no sink wants samples', () => {
    const { store } = harness([{ flush: () => {} }]);
    expect(store.scope('a').histogram('h').watcher).toBeUndefined();
  });

  it('a sink that throws costs a counter and a line, and not the other sinks', async () => {
    const { seen, sink } = recording();
    const bad: StatsSink = {
      flush() {
        throw new Error('no');
      },
      onSample() {
        throw new Error('never');
      },
      close: () => Promise.reject(new Error('stuck')),
    };
    const { store, flush, lines } = harness([bad, sink]);
    store.scope('a').histogram('h').record(1);
    flush.flush();
    await flush.close();
    expect(seen).toHaveLength(1);
    expect(store.scope('server').counter('stat_sink_errors').value).toBe(3);
    expect(lines.map((line) => line.split('\n')[0])).toEqual([
      'stats sink sink0 failed: Error: never',
      'stats sink sink0 failed: Error: no',
      'stats sink sink0 failed: Error: stuck',
    ]);
  });

  it('a sink whose methods are async may fail: it is counted, and ends nothing', async () => {
    const later = () => Promise.reject(new Error('later'));
    const { store, flush, lines } = harness([{ flush: later as () => void, onSample: later as () => void }]);
    store.scope('a').histogram('h').record(1);
    flush.flush();
    await new Promise(setImmediate);
    expect(store.scope('server').counter('stat_sink_errors').value).toBe(2);
    expect(lines.map((line) => line.split('\n')[0])).toEqual(Array(2).fill('stats sink sink0 failed: Error: later'));
  });

  it('drops and counts a flush within a flush', () => {
    let again: () => void = () => {};
    const { seen, sink } = recording();
    const { store, flush } = harness([{ flush: () => again() }, sink]);
    again = () => flush.flush();
    flush.flush();
    expect(seen).toHaveLength(1);
    expect(store.scope('server').counter('dropped_stat_flushes').value).toBe(1);
  });

  /** A store whose flush takes many turns by a clock of which every look takes a millisecond. */
  function large(sinks: readonly StatsSink[]) {
    const store = new StatsStore();
    const { clock, flush } = harness(sinks, store);
    const scope = store.scope('cluster.a');
    for (let n = 0; n < 10_000; n++) scope.counter(`c${n}`).add(n + 1);
    for (let n = 0; n < 1000; n++) scope.histogram(`h${n}`).record(n);
    let looks = 0;
    const { nowMs } = clock;
    clock.nowMs = () => nowMs.call(clock) + looks++;
    const turns = (most: number) => {
      let turn = 0;
      for (; turn < most; turn++) {
        const before = looks;
        clock.advance(0);
        if (looks === before) break;
        // No turn works on when its time is used up.
        expect(looks - before).toBeLessThan(10);
      }
      return turn;
    };
    return { store, flush, turns };
  }

  it('makes way for other work when it has much to do, and hands over everything in the end', () => {
    const { seen, sink } = recording();
    const { store, flush, turns } = large([sink]);
    flush.flush();
    expect(seen).toEqual([]);
    flush.flush();
    expect(store.scope('server').counter('dropped_stat_flushes').value).toBe(1);
    expect(turns(100)).toBeGreaterThan(4);
    expect(seen).toHaveLength(1);
    expect(Object.keys(seen[0]?.counters ?? {})).toHaveLength(10_000);
    expect(seen[0]?.counters['cluster.a.c9999']).toEqual([10_000, 10_000]);
    expect(Object.keys(seen[0]?.histograms ?? {})).toHaveLength(1000);
  });

  it('lets a sink flush in steps, and goes on when it throws in the middle', () => {
    const { seen, sink } = recording();
    let steps = 0;
    const stepping: StatsSink = {
      flush: () => {
        throw new Error('not asked for');
      },
      *flushInSteps({ counters }) {
        for (const counter of counters) {
          if (++steps % 100 === 0) yield;
          if (counter.name === 'cluster.a.c5000') throw new Error('enough');
        }
      },
    };
    const { store, flush, turns } = large([stepping, sink]);
    flush.flush();
    expect(turns(200)).toBeGreaterThan(8);
    expect(steps).toBeLessThan(6000);
    expect(seen).toHaveLength(1);
    expect(store.scope('server').counter('stat_sink_errors').value).toBe(1);
  });

  it('ends what is under way, and flushes a last time, when it is closed', async () => {
    const { seen, sink } = recording();
    const { store, flush, turns } = large([sink]);
    flush.start(undefined);
    flush.flush();
    store.scope('cluster.a').counter('c0').add(1);
    await flush.close();
    expect(seen.map(({ counters }) => counters['cluster.a.c0'])).toEqual([
      [2, 2],
      [0, 2],
    ]);
    expect(turns(1)).toBe(0);
  });

  it('flushes a last time at the end, and waits a second for a sink that does not get done', async () => {
    const { seen, sink } = recording();
    const { clock, flush } = harness([sink, { flush: () => {}, close: () => new Promise(() => {}) }]);
    flush.start(5000);
    const closed = flush.close();
    expect(seen).toHaveLength(1);
    clock.advance(1000);
    await closed;
    clock.advance(60_000);
    expect(seen).toHaveLength(1);
  });
});

describe('createProxy stats sinks', () => {
  const made: string[] = [];
  const named = defineStatsSink({
    name: 'test.stat_sinks.named',
    typeUrl: 'type.googleapis.com/test.Named',
    config: z.object({ label: z.string() }),
    create: ({ label }) => ({ flush: ({ counters }) => void made.push(`${label} ${counters.length > 0}`) }),
  });

  it('come from code and from stats_sinks, and flush when the proxy ends', async () => {
    const config = {
      stats_sinks: [{ typed_config: { '@type': 'type.googleapis.com/test.Named', label: 'yaml' } }],
      static_resources: {},
    };
    const proxy = await createProxy({ config, extensions: [named], statsSinks: [named({ label: 'code' })] });
    await proxy.start();
    await proxy.close();
    expect(made).toEqual(['yaml true', 'code true']);
  });

  it('a sink that cannot be made is a problem of the configuration, and those made before it are closed', async () => {
    let closed = 0;
    const broken = defineStatsSink({
      name: 'test.stat_sinks.broken',
      config: z.object({}),
      create: () => {
        throw new Error('no place to go');
      },
    });
    const first = defineStatsSink({
      name: 'test.stat_sinks.first',
      config: z.object({}),
      create: () => ({ flush() {}, close: () => Promise.reject(new Error(`closed ${++closed}`)) }),
    });
    const made = createProxy({ config: { static_resources: {} }, statsSinks: [first({}), broken({})] });
    await expect(made).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: 'no place to go' });
    expect(closed).toBe(1);
  });

  it('with stats_flush_on_admin a listing of the stats is the flush', async () => {
    made.length = 0;
    const proxy = await createProxy({
      config: { stats_flush_on_admin: true, static_resources: {} },
      admin: { port: 0 },
      statsSinks: [named({ label: 'asked' })],
    });
    await proxy.start();
    const address = proxy.adminAddress;
    if (address === undefined || 'path' in address) throw new Error('no admin server');
    await (await fetch(`http://127.0.0.1:${address.port}/stats`)).text();
    await (await fetch(`http://127.0.0.1:${address.port}/stats/prometheus`)).text();
    expect(made).toEqual(['asked true', 'asked true']);
    await proxy.close();
  });

  it('sees the tags of statsTags and stats_config on every metric', async () => {
    const config = { stats_config: { stats_tags: [{ tag_name: 'place', fixed_value: 'here' }] }, static_resources: {} };
    const proxy = await createProxy({ config, statsTags: [{ name: 'who', value: 'me' }] });
    expect(proxy.stats.tags.extract('cluster.a.x').tags.map(({ name }) => name)).toEqual([
      'who',
      'place',
      'envoy.cluster_name',
    ]);
    await proxy.close();
  });

  it('v2 names and types of sinks are those of today', async () => {
    const statsd = defineStatsSink({
      name: 'envoy.stat_sinks.statsd',
      typeUrl: 'type.googleapis.com/envoy.config.metrics.v3.StatsdSink',
      config: z.object({ prefix: z.string() }),
      create: ({ prefix }) => ({ flush: () => void made.push(prefix) }),
    });
    made.length = 0;
    const v2 = [
      { name: 'envoy.statsd', config: { prefix: 'untyped' } },
      {
        name: 'envoy.statsd',
        typed_config: { '@type': 'type.googleapis.com/envoy.config.metrics.v2.StatsdSink', prefix: 'typed' },
      },
    ];
    const proxy = await createProxy({ config: { stats_sinks: v2, static_resources: {} }, extensions: [statsd] });
    await proxy.start();
    await proxy.close();
    expect(made).toEqual(['untyped', 'typed']);
  });
});
