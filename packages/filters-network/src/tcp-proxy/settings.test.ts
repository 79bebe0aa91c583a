import type { Clusters, NetworkConnection, NetworkFilterContext } from '@mesh/core';
import { xxHash64 } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { tcpProxySchema } from './config.ts';
import { TcpProxySettings } from './settings.ts';

const metric = () => ({ name: '', value: 0, inc() {}, add() {}, set() {}, dec() {}, record() {} });
const scope = { counter: metric, gauge: metric, histogram: metric, scope: () => scope };

function settings(config: object, random = 0): TcpProxySettings {
  const context = {
    stats: scope,
    random: () => random,
    clusters: { get: () => undefined } as Clusters,
    accessLogs: () => undefined,
  } as unknown as NetworkFilterContext;
  return new TcpProxySettings(tcpProxySchema.parse({ stat_prefix: 't', cluster: 'c', ...config }), context);
}

function connection(filterState: [string, unknown][] = [], metadata: [string, unknown][] = []): NetworkConnection {
  const info = { filterState: new Map(filterState), metadata: new Map(metadata) };
  const addresses = { remoteIp: '192.0.2.7', remotePort: 1, localIp: '192.0.2.8', localPort: 2 };
  return { ...addresses, info } as unknown as NetworkConnection;
}

const match = (filter: object) => ({ filter_metadata: { 'envoy.lb': filter } });

describe('TcpProxySettings destination', () => {
  it('filter state names the cluster, but not of weighted ones', () => {
    const named = connection([['envoy.tcp_proxy.cluster', 'other']]);
    expect(settings({}).destination(named).cluster).toBe('other');
    const weighted_clusters = { clusters: [{ name: 'w', weight: 1 }] };
    expect(settings({ cluster: undefined, weighted_clusters }).destination(named).cluster).toBe('w');
  });

  it('the criteria of a weighted cluster are merged over the common ones', () => {
    const weighted_clusters = { clusters: [{ name: 'w', weight: 1, metadata_match: match({ b: 2, c: 3 }) }] };
    const made = settings({ cluster: undefined, weighted_clusters, metadata_match: match({ a: 1, b: 1 }) });
    expect(made.destination(connection()).criteria).toEqual({ a: 1, b: 2, c: 3 });
  });
});

describe('TcpProxySettings pickContext', () => {
  it('is one and the same when there is nothing to tell', () => {
    expect(settings({}).pickContext(connection(), undefined)).toBe(settings({}).pickContext(connection(), undefined));
  });

  it("dynamic metadata of the connection is merged over the config's", () => {
    const dynamic = connection([], [['envoy.lb', { b: 2 }]]);
    expect(settings({}).pickContext(dynamic, { a: 1, b: 1 }).metadataMatch).toEqual({ a: 1, b: 2 });
  });

  it.each([
    ['source_ip', { source_ip: {} }, xxHash64('192.0.2.7')],
    ['filter_state', { filter_state: { key: 'k' } }, xxHash64('v')],
    ['filter_state that is not there', { filter_state: { key: 'x' } }, undefined],
  ])('%s', (_title, policy, hash) => {
    const context = settings({ hash_policy: [policy] }).pickContext(connection([['k', 'v']]), undefined);
    expect(context.hash?.()).toBe(hash);
  });
});

describe('TcpProxySettings times', () => {
  it('back-off doubles up to its maximum, with full jitter', () => {
    const made = settings({ backoff_options: { base_interval: '1s', max_interval: '3s' } }, 0.5);
    expect([2, 3, 4, 5].map((attempt) => made.backoffMs(attempt))).toEqual([500, 1000, 1500, 1500]);
    expect(settings({}, 0.5).backoffMs(2)).toBe(0);
  });

  it('filter state sets another idle timeout', () => {
    const own = connection([['envoy.tcp_proxy.per_connection_idle_timeout_ms', 5]]);
    expect([settings({}).idleTimeoutMs(own), settings({}).idleTimeoutMs(connection())]).toEqual([5, 3_600_000]);
  });
});

describe('tcpProxySchema', () => {
  const base = { stat_prefix: 't', cluster: 'c' };
  it.each<[object, string]>([
    [{ cluster: 'c' }, 'stat_prefix'],
    [{ stat_prefix: 't' }, 'needs one of'],
    [{ ...base, weighted_clusters: { clusters: [{ name: 'w', weight: 1 }] } }, 'only one of'],
    [{ stat_prefix: 't', weighted_clusters: { clusters: [] } }, 'needs at least 1 item'],
    [{ stat_prefix: 't', weighted_clusters: { clusters: [{ name: 'w', weight: 0 }] } }, 'weight'],
    [{ ...base, max_connect_attempts: 0 }, 'max_connect_attempts'],
    [{ ...base, hash_policy: [{ source_ip: {} }, { source_ip: {} }] }, 'at most 1'],
    [{ ...base, on_demand: {} }, 'known to Envoy'],
    [{ ...base, deprecated_v1: { routes: [] } }, 'known to Envoy'],
    [{ ...base, access_log: 1 }, 'expected array'],
    [{ ...base, downstream_idle_timeout: '1s' }, 'use idle_timeout'],
    [{ ...base, max_downstream_connection_duration: '0s' }, 'max_downstream_connection_duration'],
    [{ ...base, backoff_options: { base_interval: '2s', max_interval: '1s' } }, 'greater or equal'],
    [{ ...base, tunneling_config: { hostname: '' } }, 'hostname'],
    [{ ...base, tunneling_config: { hostname: '%NOPE%' } }, 'NOPE'],
    [{ ...base, tunneling_config: { hostname: 'a', post_path: '/x' } }, "Can't set a post path"],
    [{ ...base, upstream_connect_mode: 'IMMEDIATE' }, 'known to Envoy'],
  ])('%j: %s', (config, message) => {
    expect(JSON.stringify(tcpProxySchema.safeParse(config).error?.issues)).toContain(message);
  });
});
