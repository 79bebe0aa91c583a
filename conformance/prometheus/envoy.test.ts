/** The form of `/stats/prometheus` beside that of a real Envoy: families and series, their order, types, labels, refusals. */
import { startUpstream } from '@mesh/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEnvoyCluster, startMeshCluster } from '../envoy/clusters/targets.ts';
import { envoyVersion } from '../envoy/envoy-target.ts';
import { check, checkerOrReason } from './checker.ts';
import { familiesOf } from './exposition.ts';

const QUERIES = [
  '/prometheus',
  '/prometheus?usedonly',
  '/prometheus?text_readouts',
  '/prometheus?histogram_buckets=summary',
  '/prometheus?filter=upstream_rq',
  '/prometheus?histogram_buckets=detailed',
  '/prometheus?histogram_buckets=disjoint',
  '/prometheus?filter=(',
] as const;

const TYPES = 'type.googleapis.com/envoy.extensions.filters';
const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

function config(upstream: number) {
  const router = { name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPES}.http.router.v3.Router` } };
  const manager = {
    '@type': `${TYPES}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'ingress',
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          virtual_clusters: [{ name: 'api', headers: [{ name: ':path', string_match: { prefix: '/api' } }] }],
          routes: [
            { match: { prefix: '/direct' }, direct_response: { status: 404 } },
            { match: { prefix: '/' }, route: { cluster: 'with "quotes"' } },
          ],
        },
      ],
    },
    http_filters: [router],
  };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(upstream) } }] }];
  const clusters = ['with "quotes"', 'back\\slash'].map((name) => ({
    name,
    load_assignment: { cluster_name: name, endpoints },
  }));
  return {
    admin: { address: address(0) },
    stats_flush_interval: '0.1s',
    static_resources: {
      clusters,
      listeners: [
        { name: 'l', address: address(0), filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }] },
      ],
    },
  };
}

/** The same for the same labels, in whatever order they stand. */
function unordered(series: string): string {
  return series.split(/[{,}]/).sort().join();
}

/** The answers to all queries, after some traffic; the listener's port is left out. */
async function answers(start: typeof startEnvoyCluster): Promise<string[]> {
  const upstream = await startUpstream({ body: 'hello' });
  const target = await start(config(upstream.port) as never, 1);
  try {
    const port = target.port('l');
    for (const path of ['a', 'api/b', 'direct']) await (await fetch(`http://127.0.0.1:${port}/${path}`)).text();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const texts: string[] = [];
    for (const query of QUERIES) {
      const response = await fetch(`http://${target.admin}/stats${query}`);
      const head = `${response.status} ${response.headers.get('content-type')}\n`;
      texts.push(head + (await response.text()).replaceAll(`_${port}`, '_PORT'));
    }
    return texts;
  } finally {
    await target.close();
    await upstream.close();
  }
}

describe.runIf(envoyVersion() !== undefined)('the form of /stats/prometheus', () => {
  let envoys: string[];
  let ours: string[];
  beforeAll(async () => {
    [envoys, ours] = [await answers(startEnvoyCluster), await answers(startMeshCluster as typeof startEnvoyCluster)];
  }, 60_000);

  const pair = (query: string): [string, string] => {
    const index = QUERIES.indexOf(query as (typeof QUERIES)[number]);
    return [envoys[index] ?? '', ours[index] ?? ''];
  };

  it.each(QUERIES.slice(0, 5))('is that of Envoy for %s', (query) => {
    const [theirs, mine] = pair(query).map((text) => {
      expect(text.split('\n')[0]).toBe('200 text/plain; charset=UTF-8');
      return familiesOf(text.slice(text.indexOf('\n') + 1));
    }) as [ReturnType<typeof familiesOf>, ReturnType<typeof familiesOf>];
    const shared = [...theirs.keys()].filter((name) => mine.has(name));
    expect([...mine.keys()].filter((name) => theirs.has(name))).toEqual(shared);
    expect(shared.length).toBeGreaterThan(0.8 * theirs.size);
    for (const name of shared) {
      const [one, other] = [theirs.get(name), mine.get(name)];
      expect([name, other?.type]).toEqual([name, one?.type]);
      const written = new Map(one?.series.map((labels) => [unordered(labels), labels]));
      for (const labels of other?.series ?? []) expect(labels).toBe(written.get(unordered(labels)) ?? labels);
      const both = one?.series.filter((labels) => other?.series.includes(labels)) ?? [];
      expect(other?.series.filter((labels) => one?.series.includes(labels))).toEqual(both);
      expect([name, both.length > 0]).toEqual([name, true]);
    }
  });

  it.each(QUERIES.slice(5))('is refused as Envoy does for %s', (query) => {
    const [theirs, mine] = pair(query);
    expect(mine).toBe(theirs);
  });

  it('is no better liked by the linter than that of Envoy', ({ skip }) => {
    const checker = checkerOrReason();
    if ('reason' in checker) return skip(checker.reason);
    const [theirs, mine] = pair('/prometheus').map((text) =>
      check(checker.program, text.slice(text.indexOf('\n') + 1)),
    );
    expect(theirs?.errors).toEqual([]);
    expect(Object.keys(mine?.lint ?? {}).sort()).toEqual(Object.keys(theirs?.lint ?? {}).sort());
  });
});
