import { describe, expect, it } from 'vitest';
import { StatsStore } from '../stats/index.ts';
import { headerMatcher, host, request, route, settings } from './fixtures/settings.ts';
import { STREAM } from './fixtures/stream.ts';
import { compileRoutes } from './route-table.ts';
import type { VirtualClusterSettings } from './settings.ts';

const clusters: readonly VirtualClusterSettings[] = [
  { name: 'a', headers: [headerMatcher({ name: ':path', prefixMatch: '/a' }), headerMatcher({ name: 'x' })] },
  { name: 'get', headers: [headerMatcher({ name: ':method', exactMatch: 'GET' })] },
];

function table(virtualClusters: readonly VirtualClusterSettings[]) {
  const stats = new StatsStore();
  const whole = settings([host('vc', ['*'], [route('r', { prefix: '/' })], { virtualClusters })]);
  const options = { filterSlots: new Map(), directBody: () => '', stats: stats.scope('') };
  return { stats, routes: compileRoutes(whole, options) };
}

const own = ['retry', 'retry_limit_exceeded', 'retry_overflow', 'retry_success', 'timeout', 'total'];
const inVhost = (store: StatsStore) => store.counters().flatMap(({ name }) => (name.startsWith('vhost.') ? name : []));

describe('VirtualClusters', () => {
  // The names and which are there from the start were compared with Envoy 1.40.
  it('VirtualClusters registers its counters, and those of `other`, at zero', () => {
    const { stats } = table(clusters.slice(0, 1));
    const expected = ['a', 'other'].flatMap((name) =>
      own.map((each) => `vhost.vc.vcluster.${name}.upstream_rq_${each}`),
    );
    expect(inVhost(stats)).toEqual(expected);
    expect(stats.histograms()).toEqual([]);
  });

  it('VirtualClusters registers nothing for a virtual host without them', () => {
    const { stats, routes } = table([]);
    expect(routes.route(request(), STREAM)?.virtualCluster?.(request())).toBeUndefined();
    expect(inVhost(stats)).toEqual([]);
  });

  it.each([
    ['GET', '/a', ['x', '1'], 'a', 'the first that fits'],
    ['GET', '/a', [], 'get', 'all headers of one must match'],
    ['POST', '/z', [], 'other', 'the rest'],
  ])('VirtualClusters.find %s %s %j → %s: %s', (method, path, fields, expected) => {
    const { stats, routes } = table(clusters);
    const head = request(path, 'h', fields);
    head.method = method;
    const cluster = routes.route(head, STREAM)?.virtualCluster?.(head);
    expect(cluster?.name).toBe(expected);
    cluster?.upstream_rq_total.inc();
    cluster?.chargeStatus(404);
    cluster?.chargeTime(7);
    const counted = stats.counters().filter(({ name, value }) => value > 0 && name.startsWith('vhost.'));
    expect(counted.map(({ name }) => name.replace(`vhost.vc.vcluster.${expected}.upstream_rq_`, ''))).toEqual([
      '404',
      '4xx',
      'completed',
      'total',
    ]);
    expect(stats.histograms().map(({ name }) => name)).toEqual([`vhost.vc.vcluster.${expected}.upstream_rq_time`]);
  });
});
