/** What `/stats/prometheus` of a busy proxy says is read by Prometheus' own parser. */
import { createProxy, type MeshProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { startUpstream, type Upstream } from '@mesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { check, checkerOrReason } from './checker.ts';
import { problemsOf } from './exposition.ts';

const HTTP = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

/** Names that are hard on labels. */
const CLUSTERS = ['plain', 'with "quotes"', 'back\\slash', 'Grüße', 'a-b', 'a_b', 'line\nfeed', '0'];

function config(upstream: number) {
  const virtualCluster = { name: 'api', headers: [{ name: ':path', string_match: { prefix: '/api' } }] };
  const routes = CLUSTERS.map((cluster, index) => ({ match: { prefix: `/${index}` }, route: { cluster } }));
  const manager = (stat_prefix: string) => ({
    '@type': HTTP,
    stat_prefix,
    route_config: {
      virtual_hosts: [{ name: 'all', domains: ['*'], virtual_clusters: [virtualCluster], routes }],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  });
  const listener = (stat_prefix: string) => ({
    address: address(0),
    filter_chains: [{ filters: [{ name: 'http', typed_config: manager(stat_prefix) }] }],
  });
  const clusters = CLUSTERS.map((name) => ({
    name,
    circuit_breakers: { thresholds: [{ track_remaining: true }] },
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(upstream) } }] }],
    },
  }));
  return {
    admin: { address: address(0) },
    stats_flush_on_admin: true,
    static_resources: { listeners: ['ingress', 'in-gress', 'a.b.c'].map(listener), clusters },
  };
}

/** What the linter says of Envoy's names as well: they are kept as they are. */
const ENVOYS_OWN: ReadonlySet<string> = new Set([
  'counter metrics should have "_total" suffix',
  'metric names should not contain abbreviated units',
  'no help text',
  'non-counter metrics should not have "_total" suffix',
  'non-histogram and non-summary metrics should not have "_count" suffix',
  'use base unit "seconds" instead of "days"',
]);

let upstream: Upstream;
let proxy: MeshProxy;

beforeAll(async () => {
  upstream = await startUpstream({ body: 'hello' });
  proxy = await createProxy({ config: config(upstream.port), extensions: standard });
  await proxy.start();
  const { port } = proxy.address();
  for (const path of [...CLUSTERS.keys(), 'nowhere', '0/api'].flatMap((at) => [`/${at}`, `/${at}?again`])) {
    await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  }
});

afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

async function scrape(query: string): Promise<string> {
  const admin = proxy.adminAddress;
  if (admin === undefined || !('port' in admin)) throw new Error('no admin server');
  const response = await fetch(`http://127.0.0.1:${admin.port}/stats${query}`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; charset=UTF-8');
  return response.text();
}

const QUERIES = [
  '/prometheus',
  '?format=prometheus',
  '/prometheus?usedonly',
  '/prometheus?text_readouts',
  '/prometheus?histogram_buckets=summary',
  '/prometheus?filter=upstream_rq',
];

describe('a busy proxy', () => {
  const checker = checkerOrReason();
  if ('reason' in checker) console.log(`Prometheus' own parser is left out: ${checker.reason}`);

  it.each(QUERIES)('serves %s in good order', async (query) => {
    expect(problemsOf(await scrape(query))).toEqual([]);
  });

  it.skipIf('reason' in checker).each(QUERIES)("serves %s so that Prometheus' parser takes it", async (query) => {
    if ('reason' in checker) return;
    const { errors, series, lint } = check(checker.program, await scrape(query));
    expect(errors).toEqual([]);
    expect(series).toBeGreaterThan(20);
    expect(Object.keys(lint).filter((problem) => !ENVOYS_OWN.has(problem))).toEqual([]);
  });

  it.skipIf('reason' in checker)('serves every kind of metric', async () => {
    if ('reason' in checker) return;
    const { families } = check(checker.program, await scrape('/prometheus?text_readouts'));
    expect(families).toMatchObject({
      envoy_cluster_upstream_rq_total: 'COUNTER',
      envoy_cluster_upstream_rq: 'COUNTER',
      envoy_http_downstream_cx_active: 'GAUGE',
      envoy_http_downstream_rq_time: 'HISTOGRAM',
      envoy_server_version: 'GAUGE',
    });
  });
});

describe('problemsOf', () => {
  it.each([
    ['a{x="1"} 1', 'the last line has no end'],
    ['# TYPE a counter\n# TYPE a counter\na 1\n', 'second TYPE line for a'],
    ['a{x="1"} 1\na{x="1"} 2\n', 'duplicate series: a{x=1}'],
    ['a 1\nb 1\na{x="1"} 2\n', 'samples of a stand apart'],
    ['a{x="1",x="2"} 1\n', 'label x twice: a{x="1",x="2"} 1'],
    ['a{x="\\q"} 1\n', 'bad labels: a{x="\\q"} 1'],
    ['a{x="1"} one\n', 'bad sample: a{x="1"} one'],
    ['# TYPE a thing\na 1\n', 'bad type: a thing'],
  ])('finds what is wrong in %j', (text, problem) => {
    expect(problemsOf(text)).toContain(problem);
  });
});
