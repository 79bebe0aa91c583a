import { Gauge as PromGauge, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { renderJson } from './json.ts';
import { formatG, formatJsonNumber } from './numbers.ts';
import { bindToRegistry, promRegistry, renderPrometheus } from './prometheus.ts';
import { mergeSnapshots, takeSnapshot } from './snapshot.ts';
import { StatsStore } from './store.ts';
import { TagExtractor } from './tags.ts';
import { renderText } from './text.ts';

const matches = (name: string): boolean => /^(cluster|listener)/.test(name);

function sample(): StatsStore {
  const store = new StatsStore();
  const cluster = store.scope('cluster.a');
  cluster.counter('upstream_rq_200').add(2);
  cluster.counter('upstream_rq_503').add(1);
  cluster.counter('upstream_rq_2xx').add(2);
  store.scope('cluster.b').counter('upstream_rq_200').add(5);
  cluster.gauge('upstream_cx_active').set(1);
  store.scope('cluster_manager').gauge('active_clusters').set(2);
  const histogram = cluster.histogram('upstream_rq_time');
  for (const value of [0, 0, 0, 0, 0, 3, 3, 6]) histogram.record(value);
  cluster.histogram('upstream_cx_length_ms');
  store.flush();
  return store;
}

describe('renderText', () => {
  it('prints each histogram mode as Envoy does', () => {
    const store = sample();
    const time = (mode: 'summary' | 'cumulative' | 'disjoint' | 'detailed'): string =>
      renderText(store, { histogramMode: mode, type: 'Histograms', usedOnly: true });
    const summary =
      'P0(0,0) P25(0,0) P50(0,0) P75(3.033333333333333,3.033333333333333) P90(6.05,6.05) P95(6.05,6.05) ' +
      'P99(6.05,6.05) P99.5(6.05,6.05) P99.9(6.05,6.05) P100(6.05,6.05)\n';
    expect(time('summary')).toBe(`cluster.a.upstream_rq_time: ${summary}`);
    expect(time('cumulative')).toMatch(
      /^cluster\.a\.upstream_rq_time: B0\.5\(5,5\) B1\(5,5\) B5\(7,7\) B10\(8,8\) B25/,
    );
    expect(time('cumulative')).toContain(' B1.8e+06(8,8) B3.6e+06(8,8)\n');
    expect(time('disjoint')).toContain('B0.5(5,5) B1(0,0) B5(2,2) B10(1,1) B25(0,0)');
    expect(time('detailed')).toBe(
      'cluster.a.upstream_rq_time:\n  totals=0,0:5, 3,0.1:2, 6,0.1:1\n' +
        `  intervals=0,0:5, 3,0.1:2, 6,0.1:1\n  summary=${summary}`,
    );
    store.flush();
    expect(time('summary')).toContain('P0(nan,0) ');
    expect(renderText(store, { type: 'Histograms', matches: (name) => name.endsWith('length_ms') })).toBe(
      'cluster.a.upstream_cx_length_ms: No recorded values\n',
    );
  });
});

describe('renderJson', () => {
  it('prints quantiles and buckets in the shape of Envoy', () => {
    const store = sample();
    const summary = renderJson(store, { matches, type: 'Histograms' });
    expect(summary).toMatch(
      /^\{"stats":\[\{"histograms":\{"supported_quantiles":\[0,25,50,75,90,95,99,99\.5,99\.9,100\],"computed_quantiles":\[\{"name":"cluster\.a\.upstream_cx_length_ms","values":\[\{"cumulative":null,"interval":null\},/,
    );
    const buckets = renderJson(store, { matches, type: 'Histograms', histogramMode: 'cumulative' });
    expect(buckets).toContain('{"upper_bound":3e+05,"interval":8,"cumulative":8}');
    expect(JSON.parse(buckets).stats[0].histograms[1].buckets[2]).toEqual({
      upper_bound: 5,
      interval: 7,
      cumulative: 7,
    });
    const detailed = JSON.parse(renderJson(store, { matches, histogramMode: 'detailed', usedOnly: true }));
    expect(detailed.stats.at(-1).histograms.details[0].totals).toEqual([
      { lower_bound: 0, width: 0, count: 5 },
      { lower_bound: 3, width: 0.1, count: 2 },
      { lower_bound: 6, width: 0.1, count: 1 },
    ]);
  });
});

describe('renderPrometheus', () => {
  it('groups families and orders samples as Envoy does', () => {
    const text = renderPrometheus(sample(), { matches });
    expect(text.slice(0, text.indexOf('# TYPE envoy_cluster_upstream_cx_length_ms'))).toBe(
      [
        '# TYPE envoy_cluster_upstream_rq counter',
        'envoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="a"} 2',
        'envoy_cluster_upstream_rq{envoy_response_code="503",envoy_cluster_name="a"} 1',
        'envoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="b"} 5',
        '# TYPE envoy_cluster_upstream_rq_xx counter',
        'envoy_cluster_upstream_rq_xx{envoy_response_code_class="2",envoy_cluster_name="a"} 2',
        '# TYPE envoy_cluster_upstream_cx_active gauge',
        'envoy_cluster_upstream_cx_active{envoy_cluster_name="a"} 1',
        '# TYPE envoy_cluster_manager_active_clusters gauge',
        'envoy_cluster_manager_active_clusters{} 2',
        '',
      ].join('\n'),
    );
    expect(text).toContain('envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="a",le="5"} 7\n');
    expect(text).toContain('envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="a",le="+Inf"} 8\n');
    expect(text).toContain(
      'envoy_cluster_upstream_rq_time_sum{envoy_cluster_name="a"} 12.147947432597209882487732102163\n' +
        'envoy_cluster_upstream_rq_time_count{envoy_cluster_name="a"} 8\n',
    );
  });

  it('escapes label values and prints text readouts on request', () => {
    const store = new StatsStore();
    store.scope('cluster.a').textReadout('version_text').set('x"\\\n');
    expect(renderPrometheus(store, { matches, textReadouts: true })).toBe(
      '# TYPE envoy_cluster_version_text gauge\n' +
        'envoy_cluster_version_text{envoy_cluster_name="a",text_value="x\\"\\\\\\n"} 0\n',
    );
  });
});

describe('TagExtractor', () => {
  // Names and tags as Envoy 1.40 prints them.
  it.each([
    [
      'listener.127.0.0.1_18000.worker_0.downstream_cx_total',
      'listener.worker_downstream_cx_total',
      'worker_id=0 listener_address=127.0.0.1_18000',
    ],
    ['listener.[__1]_18022.downstream_cx_total', 'listener.downstream_cx_total', 'listener_address=[__1]_18022'],
    [
      'listener.custom.http.ingress.downstream_rq_5xx',
      'listener.http.downstream_rq_xx',
      'response_code_class=5 http_conn_manager_prefix=ingress listener_address=custom',
    ],
    [
      'listener.admin.http.admin.downstream_rq_2xx',
      'listener.admin.http.downstream_rq_xx',
      'response_code_class=2 http_conn_manager_prefix=admin',
    ],
    ['server.worker_3.watchdog_miss', 'server.worker_watchdog_miss', 'worker_id=3'],
    [
      'vhost.backend.vcluster.vc1.upstream_rq_200',
      'vhost.vcluster.upstream_rq',
      'response_code=200 virtual_cluster=vc1 virtual_host=backend',
    ],
    ['vhost.backend.route.rsp.upstream_rq_total', 'vhost.route.upstream_rq_total', 'virtual_host=backend route=rsp'],
    [
      'http.ingress.user_agent.ios.downstream_cx_total',
      'http.user_agent.downstream_cx_total',
      'http_user_agent=ios http_conn_manager_prefix=ingress',
    ],
    ['cluster.a.ext_authz.eap.error', 'cluster.ext_authz.error', 'cluster_name=a ext_authz_prefix=eap'],
    ['hlr.http_local_rate_limit.enabled', 'http_local_rate_limit.enabled', 'local_http_ratelimit_prefix=hlr'],
    ['tcp.t.cp.idle_timeout', 'tcp.cp.idle_timeout', 'tcp_prefix=t'],
    ['cluster_manager.active_clusters', 'cluster_manager.active_clusters', ''],
  ])('splits %s', (name, rest, tags) => {
    const tagged = new TagExtractor().extract(name);
    expect(tagged.name).toBe(rest);
    expect(tagged.tags.map((tag) => `${tag.name.replace('envoy.', '')}=${tag.value}`).join(' ')).toBe(tags);
  });

  it('adds configured tags', () => {
    const specifiers = [
      { tagName: 'shard', regex: /^cluster\.((\w+)-)/ },
      { tagName: 'zone', fixedValue: 'z1' },
    ];
    expect(new TagExtractor({ specifiers, useDefaults: false }).extract('cluster.s1-a.x')).toEqual({
      name: 'cluster.a.x',
      tags: [
        { name: 'zone', value: 'z1' },
        { name: 'shard', value: 's1' },
      ],
    });
  });
});

describe('bindToRegistry', () => {
  it('shows the same values in an application’s own registry and follows changes', async () => {
    const store = sample();
    const registry = new Registry();
    new PromGauge({ name: 'app_metric', help: 'x', registers: [registry] }).set(7);
    const unbind = bindToRegistry(store, registry);
    const text = await registry.metrics();
    expect(text).toContain('app_metric 7\n');
    expect(text).toContain('# TYPE envoy_cluster_upstream_rq counter\n');
    expect(text).toContain('envoy_cluster_upstream_rq{envoy_response_code="503",envoy_cluster_name="a"} 1\n');
    expect(text).toContain('envoy_cluster_upstream_rq_time_bucket{envoy_cluster_name="a",le="5"} 7\n');
    expect(text).toContain('envoy_cluster_upstream_rq_time_count{envoy_cluster_name="a"} 8\n');
    const scope = store.scope('cluster.c');
    scope.counter('brand_new').inc();
    expect(await registry.metrics()).toContain('envoy_cluster_brand_new{envoy_cluster_name="c"} 1\n');
    scope.close();
    expect(await registry.metrics()).not.toContain('brand_new');
    registry.resetMetrics();
    expect(store.counters().find(({ name }) => name === 'cluster.a.upstream_rq_503')?.value).toBe(1);
    unbind();
    expect(await registry.metrics()).not.toContain('envoy_');
  });

  it('keeps clear of names that are taken', async () => {
    const registry = new Registry();
    new PromGauge({ name: 'envoy_cluster_upstream_rq', help: 'x', registers: [registry] });
    bindToRegistry(sample(), registry);
    expect(await registry.metrics()).toContain('envoy_cluster_upstream_rq_counter{envoy_response_code="503"');
    const own = await promRegistry(sample()).getMetricsAsJSON();
    expect(own.map(({ name }) => name)).toContain('envoy_cluster_upstream_cx_active');
  });
});

describe('mergeSnapshots', () => {
  it('adds the metrics of workers up', () => {
    const snapshots = [sample(), sample()].map((store) => JSON.parse(JSON.stringify(takeSnapshot(store))));
    const merged = mergeSnapshots(snapshots);
    const text = renderText(merged, { matches });
    expect(text).toContain('cluster.a.upstream_rq_200: 4\n');
    expect(text).toContain('cluster.a.upstream_cx_active: 2\n');
    expect(text).toContain('cluster.a.upstream_cx_length_ms: No recorded values\n');
    const time = merged.histograms().find(({ name }) => name === 'cluster.a.upstream_rq_time');
    expect([time?.interval.count, time?.cumulative.count]).toEqual([16, 16]);
  });
});

describe('numbers', () => {
  it('formatG writes what %g does', () => {
    const cases: [number, string][] = [
      [0, '0'],
      [0.5, '0.5'],
      [100_000, '100000'],
      [1_800_000, '1.8e+06'],
      [-1, '-1'],
      [0.00001, '1e-05'],
      [Number.NaN, 'nan'],
      [99.5, '99.5'],
    ];
    for (const [value, text] of cases) expect(formatG(value)).toBe(text);
    expect(formatG(3_600_000, 32)).toBe('3600000');
    expect(formatG(6049.5867768595044, 32)).toBe('6049.5867768595044253743253648281');
  });

  it('formatJsonNumber takes the shorter form', () => {
    expect([300_000, 1_800_000, 60_000, 0.5, Number.NaN].map(formatJsonNumber)).toEqual([
      '3e+05',
      '1800000',
      '60000',
      '0.5',
      'null',
    ]);
  });
});
