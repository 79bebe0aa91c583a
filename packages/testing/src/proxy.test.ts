import { cluster, defineNetworkFilter, route } from '@mesh/core';
import { router } from '@mesh/filters-http';
import { afterEach, expect, it } from 'vitest';
import { rawClient } from './client/raw-client.ts';
import { VirtualClock } from './clock.ts';
import { type LiveProxy, type StartProxyOptions, startProxy } from './proxy.ts';
import { startUpstream } from './upstream/upstream.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function live(options: StartProxyOptions): Promise<LiveProxy> {
  const proxy = await startProxy(options);
  cleanups.push(() => proxy.close());
  return proxy;
}

async function service(body: string) {
  const upstream = await startUpstream({ body });
  cleanups.push(() => upstream.close());
  return upstream;
}

it('startProxy forwards to its upstream and counts', async () => {
  const upstream = await service('hello');
  const proxy = await live({ upstream });
  const response = await fetch(`${proxy.url}/x`);
  expect([response.status, await response.text()]).toEqual([200, 'hello']);
  expect(proxy.stats('http.ingress_http.downstream_rq_total')).toBe(1);
  expect(proxy.stats('cluster.upstream.upstream_rq_200')).toBe(1);
  expect(upstream.requests[0]).toMatchObject({ method: 'GET', path: '/x' });
});

it('startProxy takes routes, clusters and settings of the connection manager', async () => {
  const [a, b] = [await service('a'), await service('b')];
  const proxy = await live({
    upstream: a,
    clusters: [cluster('other', { endpoints: [b.address] })],
    routes: [route('/b', 'other'), route('/', 'upstream')],
    serverName: 'mesh-test',
  });
  const response = await fetch(`${proxy.url}/b`);
  expect([await response.text(), response.headers.get('server')]).toEqual(['b', 'mesh-test']);
  expect(await (await fetch(proxy.url)).text()).toBe('a');
});

it('startProxy runs network filters without HTTP when the last one is terminal', async () => {
  const schema = { '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) => ({ value }) } };
  const upper = defineNetworkFilter({
    name: 'upper',
    config: schema,
    terminal: true,
    create: () => ({
      onData: (chunk, connection, _state, end) =>
        void connection.write(Buffer.from(chunk).toString().toUpperCase(), end),
    }),
  });
  const proxy = await live({ networkFilters: [upper({})] });
  const client = await rawClient(proxy.port);
  await client.send('abc');
  client.end();
  expect((await client.readToEnd()).toString()).toBe('ABC');
});

it('startProxy takes a whole bootstrap', async () => {
  const { port } = await service('from config');
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'in',
    route_config: {
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'c' } }] }],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
  };
  const at = (port_value: number) => ({ address: { socket_address: { address: '127.0.0.1', port_value } } });
  const proxy = await live({
    extensions: [router],
    config: {
      static_resources: {
        listeners: [
          {
            name: 'in',
            ...at(0),
            filter_chains: [
              { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
            ],
          },
        ],
        clusters: [
          {
            name: 'c',
            load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: [{ endpoint: at(port) }] }] },
          },
        ],
      },
    },
  });
  expect(await (await fetch(proxy.url)).text()).toBe('from config');
  expect(proxy.stats('http.in.downstream_rq_2xx')).toBe(1);
});

it('startProxy runs on a virtual clock', async () => {
  const clock = new VirtualClock();
  const proxy = await live({
    upstream: await service(''),
    clock,
    commonHttpProtocolOptions: { idleTimeoutMs: 5000 } as never,
  });
  const client = await rawClient(proxy.port);
  await proxy.untilStat('http.ingress_http.downstream_cx_active', 1);
  clock.advance(5010);
  expect((await client.readToEnd()).length).toBe(0);
  client.end();
  await proxy.untilStat('http.ingress_http.downstream_cx_active', 0);
  expect(proxy.stats('http.ingress_http.downstream_cx_idle_timeout')).toBe(1);
});
