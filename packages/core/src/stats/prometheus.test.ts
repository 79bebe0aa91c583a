import { AggregatorRegistry, Gauge as PromGauge, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { bindToRegistry } from './prometheus.ts';
import { StatsStore } from './store.ts';

/** A store with one metric of each kind, all of cluster `a`. */
function sample(requests = 1): StatsStore {
  const store = new StatsStore();
  const scope = store.scope('cluster.a');
  scope.counter('upstream_rq_total').add(requests);
  scope.counter('upstream_cx_total');
  scope.gauge('upstream_cx_active').set(2);
  scope.histogram('upstream_rq_time').record(7);
  scope.textReadout('version_text').set('v "1"');
  store.flush();
  return store;
}

/** Lines about cluster `a`. */
async function lines(registry: Registry): Promise<string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line.includes('envoy_cluster_name="a"'));
}

describe('bindToRegistry', () => {
  it('shows every kind of metric with its tags as labels', async () => {
    const registry = new Registry();
    bindToRegistry(sample(), registry, { textReadouts: true });
    const shown = await lines(registry);
    expect(shown).toContain('envoy_cluster_upstream_rq_total{envoy_cluster_name="a"} 1');
    expect(shown).toContain('envoy_cluster_upstream_cx_active{envoy_cluster_name="a"} 2');
    expect(shown).toContain('envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="a",le="10"} 1');
    expect(shown).toContain('envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="a",le="+Inf"} 1');
    expect(shown).toContain('envoy_cluster_upstream_rq_time_count{envoy_cluster_name="a"} 1');
    expect(shown).toContain('envoy_cluster_version_text{envoy_cluster_name="a",text_value="v \\"1\\""} 0');
  });

  it('leaves text readouts and, when asked to, unused metrics out', async () => {
    const registry = new Registry();
    const store = sample();
    bindToRegistry(store, registry, { usedOnly: true });
    expect((await lines(registry)).filter((line) => /version_text|cx_total/.test(line))).toEqual([]);
    store.scope('cluster.a').counter('upstream_cx_total').inc();
    expect(await lines(registry)).toContain('envoy_cluster_upstream_cx_total{envoy_cluster_name="a"} 1');
  });

  it('tells two proxies apart by the labels they are given', async () => {
    const registry = new Registry();
    const unbind = bindToRegistry(sample(1), registry, { labels: { proxy: 'x' } });
    bindToRegistry(sample(5), registry, { labels: { proxy: 'y' } });
    expect((await lines(registry)).filter((line) => line.includes('rq_total'))).toEqual([
      'envoy_cluster_upstream_rq_total{envoy_cluster_name="a",proxy="x"} 1',
      'envoy_cluster_upstream_rq_total{envoy_cluster_name="a",proxy="y"} 5',
    ]);
    unbind();
    expect((await lines(registry)).filter((line) => line.includes('rq_total'))).toHaveLength(1);
  });

  it('adds two proxies up that nothing tells apart', async () => {
    const registry = new Registry();
    const [first, second] = [sample(1), sample(5)];
    const unbind = bindToRegistry(first, registry);
    bindToRegistry(second, registry);
    const shown = await lines(registry);
    expect(shown).toContain('envoy_cluster_upstream_rq_total{envoy_cluster_name="a"} 6');
    expect(shown).toContain('envoy_cluster_upstream_cx_active{envoy_cluster_name="a"} 4');
    expect(shown).toContain('envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="a",le="10"} 2');
    expect(shown).toContain('envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="a",le="5"} 0');
    expect(new Set(shown.map((line) => line.replace(/ \S+$/, ''))).size).toBe(shown.length);
    unbind();
    expect(await lines(registry)).toContain('envoy_cluster_upstream_rq_total{envoy_cluster_name="a"} 5');
  });

  it('shows names that differ in forbidden characters only as one family', async () => {
    const store = new StatsStore();
    store.scope('x-y').counter('z').inc();
    store.scope('x_y').counter('z').add(2);
    store.scope('x.y').gauge('z').set(3);
    const registry = new Registry();
    bindToRegistry(store, registry);
    const shown = await registry.metrics();
    expect(shown).toContain('# TYPE envoy_x_y_z counter\nenvoy_x_y_z 3\n');
    expect(shown).toContain('# TYPE envoy_x_y_z_gauge gauge\nenvoy_x_y_z_gauge 3\n');
    expect(shown.match(/# TYPE envoy_x_y_z /g)).toHaveLength(1);
  });

  it('finds another name when those it would have are taken', async () => {
    const registry = new Registry();
    for (const name of ['envoy_cluster_upstream_rq_total', 'envoy_cluster_upstream_rq_total_counter']) {
      new PromGauge({ name, help: 'x', registers: [registry] }).set(9);
    }
    const unbind = bindToRegistry(sample(), registry);
    const text = await registry.metrics();
    expect(text).toContain('envoy_cluster_upstream_rq_total 9\n');
    expect(text).toContain('envoy_cluster_upstream_rq_total_counter_2{envoy_cluster_name="a"} 1\n');
    unbind();
    expect((await registry.getMetricsAsJSON()).map(({ name }) => name)).toEqual([
      'envoy_cluster_upstream_rq_total',
      'envoy_cluster_upstream_rq_total_counter',
    ]);
  });

  it('stands beside metrics that are collected asynchronously', async () => {
    const registry = new Registry();
    new PromGauge({
      name: 'app_slow',
      help: 'x',
      registers: [registry],
      async collect() {
        await new Promise((resolve) => setImmediate(resolve));
        this.set(4);
      },
    });
    bindToRegistry(sample(), registry);
    const text = await registry.metrics();
    expect(text).toContain('app_slow 4\n');
    expect(text).toContain('envoy_cluster_upstream_rq_total{envoy_cluster_name="a"} 1\n');
  });

  it('takes default labels, merging, and aggregation of workers', async () => {
    const registry = new Registry();
    registry.setDefaultLabels({ app: 'mine' });
    bindToRegistry(sample(), registry);
    const labelled = 'envoy_cluster_upstream_rq_total{envoy_cluster_name="a",app="mine"} 1';
    expect(await lines(registry)).toContain(labelled);
    expect(await lines(Registry.merge([registry, new Registry()]))).toHaveLength((await lines(registry)).length);
    const json = await registry.getMetricsAsJSON();
    const all = await AggregatorRegistry.aggregate([json, json]).metrics();
    expect(all).toContain('envoy_cluster_upstream_rq_total{envoy_cluster_name="a",app="mine"} 2');
  });

  it('writes OpenMetrics, and still goes away afterwards', async () => {
    const registry = new Registry();
    (registry as Registry<never>).setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    const unbind = bindToRegistry(sample(), registry);
    const text = await registry.metrics();
    expect(text).toContain('# TYPE envoy_cluster_upstream_rq counter\n');
    expect(text).toContain('envoy_cluster_upstream_rq_total{envoy_cluster_name="a"} 1\n');
    unbind();
    expect(await registry.getMetricsAsJSON()).toEqual([]);
  });

  it('comes back after the application has cleared its registry', async () => {
    const registry = new Registry();
    const store = sample();
    const unbind = bindToRegistry(store, registry);
    registry.clear();
    store.scope('cluster.b').counter('upstream_rq_total').inc();
    expect(await registry.metrics()).toContain('envoy_cluster_upstream_rq_total{envoy_cluster_name="b"} 1\n');
    unbind();
    expect(await registry.getMetricsAsJSON()).toEqual([]);
  });
});
