import { createServer, type Server, type Socket } from 'node:net';
import { cluster, createProxy } from '@mesh/core';
import { router } from '@mesh/filters-http';
import { type LiveProxy, startProxy, until } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { dogStatsd, graphiteStatsd, statsd } from '../index.ts';
import { Receiver } from '../shared/fixture.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const TYPE = 'type.googleapis.com/envoy.config.metrics.v3';
const at = (port: number, address = '127.0.0.1') => ({ socket_address: { address, port_value: port } });

/** A proxy that answers by itself, and the sinks of its YAML. */
function config(sinks: readonly object[], clusters: readonly object[] = [], more: object = {}) {
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'ing',
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 201 } }] },
      ],
    },
    http_filters: [{ name: 'envoy.filters.http.router' }],
  };
  return {
    node: { id: 'me', cluster: 'here' },
    stats_flush_interval: '0.02s',
    stats_sinks: sinks,
    static_resources: {
      listeners: [
        {
          address: at(0),
          filter_chains: [{ filters: [{ name: 'envoy.http_connection_manager', typed_config: manager }] }],
        },
      ],
      clusters,
    },
    ...more,
  };
}

const extensions = [statsd, dogStatsd, graphiteStatsd, router];

async function start(sinks: readonly object[], clusters: readonly object[] = []): Promise<LiveProxy> {
  const proxy = await startProxy({ config: config(sinks, clusters), extensions });
  closing.push(() => proxy.close());
  return proxy;
}

async function receiver(): Promise<Receiver> {
  const made = await Receiver.open();
  closing.push(() => made.close());
  return made;
}

describe('statsd by UDP', () => {
  it('sends counters, gauges and samples, one per datagram', async () => {
    const to = await receiver();
    const proxy = await start([
      { name: 'envoy.stat_sinks.statsd', typed_config: { '@type': `${TYPE}.StatsdSink`, address: at(to.port) } },
    ]);
    await (await fetch(proxy.url)).text();
    await until(() => to.received.includes('envoy.http.ing.downstream_rq_total:1|c'), 'the counter');
    await until(() => to.received.includes('envoy.http.ing.downstream_rq_total:0|c'), 'the unchanged counter');
    expect(to.received).toContain('envoy.http.ing.downstream_cx_active:1|g');
    expect(to.received.filter((line) => /^envoy\.http\.ing\.downstream_rq_time:\d+\|ms$/.test(line))).toHaveLength(1);
    expect(to.received.filter((line) => line.includes('\n'))).toEqual([]);
    for (const line of to.received) expect(line).toMatch(/^envoy\.[^:|]+:\d+(\.\d+)?\|(c|g|ms)$/);
  });

  it('sends what was counted since the last flush when the proxy ends', async () => {
    const to = await receiver();
    const proxy = await start([
      {
        name: '',
        typed_config: {
          '@type': `${TYPE}.StatsdSink`,
          prefix: 'p',
          address: { socket_address: { ...at(to.port).socket_address, protocol: 'UDP' } },
        },
      },
    ]);
    await (await fetch(proxy.url)).text();
    await proxy.close();
    await until(() => to.received.includes('p.http.ing.downstream_rq_total:1|c'), 'the counter');
  });

  it('costs counts and nothing else when nobody listens', async () => {
    const to = await Receiver.open();
    const { port } = to;
    await to.close();
    const proxy = await start([
      { name: 'envoy.statsd', typed_config: { '@type': `${TYPE}.StatsdSink`, address: at(port) } },
    ]);
    await until(() => proxy.stats('statsd.send_errors') > 3, 'refusals');
    expect((await fetch(proxy.url)).status).toBe(201);
    expect(proxy.stats('statsd.lines_dropped')).toBe(0);
  });
});

describe('dogStatsd and graphiteStatsd', () => {
  it('send names without tags, and the lines of a flush packed', async () => {
    const dog = await receiver();
    const graphite = await receiver();
    const proxy = await start([
      {
        name: 'envoy.dog_statsd',
        typed_config: { '@type': `${TYPE}.DogStatsdSink`, address: at(dog.port), max_bytes_per_datagram: 300 },
      },
      {
        name: 'envoy.stat_sinks.graphite_statsd',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.stat_sinks.graphite_statsd.v3.GraphiteStatsdSink',
          address: at(graphite.port),
          prefix: 'g',
          max_bytes_per_datagram: '300',
        },
      },
    ]);
    await (await fetch(proxy.url)).text();
    const counted = '|#envoy.response_code_class:2,envoy.http_conn_manager_prefix:ing';
    await until(() => dog.lines.includes(`envoy.http.downstream_rq_xx:1|c${counted}`), 'the DogStatsD line');
    const named = ';envoy.response_code_class=2;envoy.http_conn_manager_prefix=ing';
    await until(() => graphite.lines.includes(`g.http.downstream_rq_xx${named}:1|c`), 'the Graphite line');
    const sample = /^envoy\.http\.downstream_rq_time:\d+\|ms\|#envoy\.http_conn_manager_prefix:ing$/;
    await until(() => dog.lines.some((line) => sample.test(line)), 'a sample');
    for (const { received } of [dog, graphite]) {
      expect(Math.max(...received.map((datagram) => datagram.length))).toBeLessThanOrEqual(300);
      expect(received.some((datagram) => datagram.includes('\n'))).toBe(true);
    }
  });
});

/** A TCP server that keeps what it is sent, or reads nothing. */
async function tcpServer(reads = true): Promise<{ port: number; lines: string[]; sockets: Socket[]; server: Server }> {
  const lines: string[] = [];
  const sockets: Socket[] = [];
  let rest = '';
  const server = createServer({ pauseOnConnect: !reads }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      const parts = (rest + chunk.toString()).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as { port: number }).port, lines, sockets, server };
}

function statsCluster(port: number) {
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: at(port) } }] }];
  return { name: 'stats', load_assignment: { cluster_name: 'stats', endpoints } };
}

const overTcp = {
  name: 'envoy.stat_sinks.statsd',
  typed_config: { '@type': `${TYPE}.StatsdSink`, tcp_cluster_name: 'stats' },
};

describe('statsd over TCP', () => {
  it('sends lines through its cluster, and connects again when the connection breaks', async () => {
    const server = await tcpServer();
    const proxy = await start([overTcp], [statsCluster(server.port)]);
    await (await fetch(proxy.url)).text();
    await until(() => server.lines.includes('envoy.http.ing.downstream_rq_total:1|c'), 'the counter');
    expect(server.lines.some((line) => /^envoy\.http\.ing\.downstream_rq_time:\d+\|ms$/.test(line))).toBe(true);
    expect(server.sockets).toHaveLength(1);
    server.sockets[0]?.resetAndDestroy();
    await until(() => server.sockets.length === 2, 'another connection');
    await (await fetch(proxy.url)).text();
    const before = server.lines.length;
    await until(() => server.lines.indexOf('envoy.http.ing.downstream_rq_total:1|c', before - 200) > 0, 'more lines');
    expect(proxy.stats('cluster.stats.upstream_cx_total')).toBe(2);
    expect(proxy.stats('statsd.cx_overflow')).toBe(0);
  });

  it('drops and counts what a host that refuses would have got', async () => {
    const server = await tcpServer();
    const { port } = server;
    await new Promise((resolve) => server.server.close(resolve));
    closing.pop();
    const proxy = await start([overTcp], [statsCluster(port)]);
    await until(() => proxy.stats('statsd.lines_dropped') > 100, 'drops');
    expect((await fetch(proxy.url)).status).toBe(201);
    expect(proxy.stats('cluster.stats.upstream_cx_connect_fail')).toBeGreaterThan(0);
  });

  it('ends in time beside a host that reads nothing', async () => {
    const server = await tcpServer(false);
    const proxy = await start([overTcp], [statsCluster(server.port)]);
    await proxy.untilStat('cluster.stats.upstream_cx_active', 1);
    expect((await fetch(proxy.url)).status).toBe(201);
    const started = performance.now();
    await proxy.close();
    expect(performance.now() - started).toBeLessThan(4000);
  });
});

describe('statsd config', () => {
  const address = at(8125);
  const sink = (typed: object, name = 'envoy.stat_sinks.statsd', type = 'StatsdSink') => ({
    name,
    typed_config: { '@type': `${TYPE}.${type}`, ...typed },
  });

  it.each([
    ['nothing', sink({}), 'needs one of address, tcp_cluster_name'],
    ['both', sink({ address, tcp_cluster_name: 'a' }), 'only one of address, tcp_cluster_name may be given'],
    ['an unknown cluster', sink({ tcp_cluster_name: 'nix' }), "tcp_cluster_name: tcp statsd: unknown cluster 'nix'"],
    ['an empty cluster', sink({ tcp_cluster_name: '' }), "tcp statsd: unknown cluster ''"],
    ['a name', sink({ address: at(1, 'localhost') }), 'malformed IP address: localhost'],
    ['a unix socket', sink({ address: { pipe: { path: '/x' } } }), 'pipe: known to Envoy, not supported here'],
    ['no config', { name: 'envoy.stat_sinks.statsd' }, 'needs one of address, tcp_cluster_name'],
    ['another sink', sink({}, 'x', 'Sink'), "Didn't find a registered implementation for 'x'"],
    ['Hystrix', sink({}, 'x', 'HystrixSink'), 'envoy.stat_sinks.hystrix is known to Envoy, not supported here: the'],
    ['WebAssembly', { name: 'envoy.stat_sinks.wasm' }, 'envoy.stat_sinks.wasm is known to Envoy, not supported here'],
    [
      'no size',
      sink({ address, max_bytes_per_datagram: 0 }, 'envoy.stat_sinks.dog_statsd', 'DogStatsdSink'),
      'max_bytes_per_datagram',
    ],
    ['no address of DogStatsD', sink({}, 'envoy.stat_sinks.dog_statsd', 'DogStatsdSink'), 'address'],
  ])('is refused with %s', async (_, entry, words) => {
    const made = createProxy({ config: config([entry]), extensions });
    await expect(made).rejects.toThrow(words);
  });

  it('over TCP needs to know who the proxy is', async () => {
    const bare = config([overTcp], [statsCluster(1)], { node: {} });
    const made = createProxy({ config: bare, extensions });
    await expect(made).rejects.toThrow("tcp statsd: node 'id' and 'cluster' are required.");
  });

  it('is taken in the form of 2018', async () => {
    const to = await receiver();
    await start([
      { name: 'envoy.statsd', config: { address: at(to.port), prefix: 'old' } },
      {
        name: 'envoy.dog_statsd',
        typed_config: { '@type': 'type.googleapis.com/envoy.config.metrics.v2.DogStatsdSink', address: at(to.port) },
      },
    ]);
    await until(() => to.received.includes('old.server.live:1|g'), 'a line of statsd');
    await until(() => to.received.includes('envoy.server.live:1|g'), 'a line of DogStatsD');
  });

  it('is taken from code', async () => {
    const server = await tcpServer();
    const to = await receiver();
    const proxy = await createProxy({
      node: { id: 'me', cluster: 'here' },
      clusters: [cluster('stats', { endpoints: [`127.0.0.1:${server.port}`] })],
      statsSinks: [
        statsd({ tcpClusterName: 'stats' }),
        dogStatsd({ address: { socketAddress: { address: '127.0.0.1', portValue: to.port } } }),
      ],
    });
    await proxy.start();
    await proxy.close();
    await until(() => to.received.some((line) => line.startsWith('envoy.cluster.membership_total:1|g|#')), 'a line');
    const unknown = createProxy({ node: { id: 'me', cluster: 'here' }, statsSinks: [statsd({ tcpClusterName: 'x' })] });
    await expect(unknown).rejects.toThrow("unknown cluster 'x'");
  });
});
