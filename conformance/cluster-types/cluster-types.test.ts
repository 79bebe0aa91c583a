/**
 * Clusters of the further types as files have them, with every extension that comes with Mesh. What is expected is what
 * Envoy 1.40 did with the same files.
 */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { standard } from '@mesh/standard';
import { type LiveProxy, startProxy, startUpstream } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const CERTS = new URL('../../examples/certs/', import.meta.url);
const pem = (name: string) => readFileSync(new URL(name, CERTS), 'utf8');
const TYPES = 'type.googleapis.com/envoy.extensions';
const FILTERS = `${TYPES}.filters`;

interface Sketch {
  readonly clusters: readonly object[];
  readonly routes?: readonly object[];
  readonly httpFilters?: readonly object[];
  readonly listener?: object;
}

async function start({ clusters, httpFilters = [], listener = {}, routes }: Sketch): Promise<LiveProxy> {
  const [first] = clusters as readonly { readonly name: string }[];
  const manager = {
    '@type': `${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'in',
    route_config: {
      virtual_hosts: [
        {
          name: 'v',
          domains: ['*'],
          routes: routes ?? [{ match: { prefix: '/' }, route: { cluster: first?.name } }],
        },
      ],
    },
    http_filters: [...httpFilters, { name: 'router', typed_config: { '@type': `${FILTERS}.http.router.v3.Router` } }],
  };
  const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
  const filter_chains = [{ filters: [{ name: 'hcm', typed_config: manager }] }];
  const config = {
    static_resources: { listeners: [{ name: 'l', address, filter_chains, ...listener }], clusters },
  };
  const proxy = await startProxy({ config, extensions: standard });
  cleanups.push(() => proxy.close());
  return proxy;
}

async function upstream(body: string) {
  const server = await startUpstream({ body });
  cleanups.push(() => server.close());
  return server;
}

function ask(proxy: LiveProxy, path: string, headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: proxy.port, path, headers, agent: false };
    const request = http.get(options, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += chunk)).on('end', () => resolve(`${response.statusCode} ${body}`));
    });
    request.on('error', reject);
  });
}

function fixed(name: string, ...ports: readonly { readonly port: number; readonly health?: string }[]): object {
  const lb_endpoints = ports.map(({ port, health }) => ({
    endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
    ...(health && { health_status: health }),
  }));
  return { name, load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints }] } };
}

describe('envoy.clusters.aggregate', () => {
  const aggregate = (name: string, clusters: readonly string[], rest: object = {}) => {
    const typed_config = { '@type': `${TYPES}.clusters.aggregate.v3.ClusterConfig`, clusters };
    const cluster_type = { name: 'envoy.clusters.aggregate', typed_config };
    return { name, lb_policy: 'CLUSTER_PROVIDED', cluster_type, ...rest };
  };
  const UNHEALTHY = 'UNHEALTHY';

  it('spreads the load over its clusters by their health', async () => {
    const [a, b] = [await upstream('a'), await upstream('b')];
    const near = fixed('near', a, { port: 1, health: UNHEALTHY });
    const proxy = await start({ clusters: [aggregate('all', ['missing', 'near', 'far']), near, fixed('far', b)] });
    const count = 120;
    for (let i = 0; i < count; i++) await ask(proxy, '/');
    const took = proxy.stats('cluster.near.upstream_rq_total');
    expect(took + proxy.stats('cluster.far.upstream_rq_total')).toBe(count);
    // 70 % of the load; four standard deviations.
    expect(Math.abs(took - 0.7 * count)).toBeLessThan(4 * Math.sqrt(count * 0.7 * 0.3));
    expect(proxy.stats('cluster.all.upstream_rq_200')).toBe(count);
    expect(proxy.stats('cluster.all.upstream_rq_total')).toBe(0);
  });

  it('panics when no host of any cluster is well, unless its threshold is 0; one of another has no hosts', async () => {
    const [a, b] = [await upstream('a'), await upstream('b')];
    const proxy = await start({
      routes: [{ match: { prefix: '/' }, route: { cluster_header: 'x-cluster' } }],
      clusters: [
        aggregate('all', ['near', 'far']),
        aggregate('calm', ['near', 'far'], { common_lb_config: { healthy_panic_threshold: { value: 0 } } }),
        aggregate('nested', ['all']),
        fixed('near', { ...a, port: a.port, health: UNHEALTHY }),
        fixed('far', { ...b, port: b.port, health: UNHEALTHY }),
      ],
    });
    const to = (cluster: string) => ask(proxy, '/', { 'x-cluster': cluster });
    const panics = (cluster: string) => proxy.stats(`cluster.${cluster}.lb_healthy_panic`);
    for (let i = 0; i < 40; i++) expect(await to('all')).toMatch(/^200/);
    expect(panics('near')).toBeGreaterThan(0);
    expect(panics('near') + panics('far')).toBe(40);
    const before = panics('far');
    for (let i = 0; i < 5; i++) expect(await to('calm')).toBe('200 a');
    expect(panics('far')).toBe(before);
    expect(await to('nested')).toBe('503 no healthy upstream');
  });
});

describe('ORIGINAL_DST', () => {
  const there = (allow: readonly string[]) => ({
    name: 'there',
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    original_dst_lb_config: { use_http_header: true },
    metadata: { filter_metadata: { 'mesh.original_dst': { allow } } },
  });

  it('goes where a field says, within the allowed ranges', async () => {
    const a = await upstream('a');
    const proxy = await start({ clusters: [there(['127.0.0.1'])] });
    const to = (address: string) => ask(proxy, '/', { 'x-envoy-original-dst-host': address });
    expect(await to(a.address)).toBe('200 a');
    expect(await to(`[::ffff:127.0.0.1]:${a.port}`)).toBe('200 a');
    expect(await to(`127.0.0.2:${a.port}`)).toBe('503 no healthy upstream');
    expect(await to('nonsense')).toBe('503 no healthy upstream');
    expect(proxy.stats('cluster.there.original_dst_host_invalid')).toBe(2);
  });

  it.each(['http', 'tcp'])('goes where a PROXY protocol header says that the client was going (%s)', async (kind) => {
    const a = await upstream('a');
    const filter = `${FILTERS}.listener.proxy_protocol.v3.ProxyProtocol`;
    const tcp = { '@type': `${FILTERS}.network.tcp_proxy.v3.TcpProxy`, stat_prefix: 't', cluster: 'there' };
    const listener = {
      listener_filters: [{ name: 'proxy_protocol', typed_config: { '@type': filter } }],
      ...(kind === 'tcp' && { filter_chains: [{ filters: [{ name: 'tcp', typed_config: tcp }] }] }),
    };
    const proxy = await start({ clusters: [there(['127.0.0.1'])], listener });
    const through = (ip: string) =>
      new Promise<string>((resolve) => {
        let text = '';
        const socket = net.connect(proxy.port, '127.0.0.1');
        socket.write(`PROXY TCP4 192.0.2.1 ${ip} 5 ${a.port}\r\n`);
        socket.write('GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n');
        socket.on('data', (bytes) => {
          text += bytes;
          if (text.endsWith('\r\n\r\na')) socket.destroy();
        });
        socket.on('error', () => {}).on('close', () => resolve(text));
        cleanups.push(() => socket.destroy());
      });
    expect(await through('127.0.0.1')).toMatch(/^HTTP\/1.1 200/);
    expect(await through('127.0.0.2')).not.toMatch(/^HTTP\/1.1 200/);
    expect(a.requests).toHaveLength(1);
    expect(proxy.stats('cluster.there.original_dst_host_invalid')).toBe(1);
  });
});

/** A cache that knows the names of this machine only. */
const cache = { name: 'cache', dns_lookup_family: 'V4_ONLY', max_hosts: 6 };

function dynamic(name: string, dns_cache_config: object = cache, rest: object = {}): object {
  const type = `${TYPES}.clusters.dynamic_forward_proxy.v3.ClusterConfig`;
  const cluster_type = {
    name: 'envoy.clusters.dynamic_forward_proxy',
    typed_config: { '@type': type, dns_cache_config },
  };
  return { name, lb_policy: 'CLUSTER_PROVIDED', cluster_type, ...rest };
}

describe('envoy.filters.http.dynamic_forward_proxy', () => {
  const type = `${FILTERS}.http.dynamic_forward_proxy.v3`;
  const filter = (dns_cache_config: object = cache) => ({
    name: 'dfp',
    typed_config: { '@type': `${type}.FilterConfig`, dns_cache_config },
  });
  const perRoute = (config: object) => ({
    typed_per_filter_config: { dfp: { '@type': `${type}.PerRouteConfig`, ...config } },
  });

  it('sends requests where they ask to go', async () => {
    const [a, b] = [await upstream('a'), await upstream('b')];
    const to = (prefix: string, cluster: string, rest: object = {}) => ({
      match: { prefix },
      route: { cluster },
      ...rest,
    });
    const proxy = await start({
      httpFilters: [filter()],
      routes: [
        to('/lit', 'out', perRoute({ host_rewrite_literal: `localhost:${b.port}` })),
        to('/field', 'out', perRoute({ host_rewrite_header: 'x-to' })),
        to('/other', 'other'),
        to('/', 'out'),
      ],
      clusters: [dynamic('out'), dynamic('other', { name: 'another', dns_lookup_family: 'V4_ONLY' })],
    });
    const here = { host: `localhost:${a.port}` };
    expect(await ask(proxy, '/a', here)).toBe('200 a');
    expect(await ask(proxy, '/a', { host: `127.0.0.1:${b.port}` })).toBe('200 b');
    expect(await ask(proxy, '/lit', here)).toBe('200 b');
    expect(await ask(proxy, '/field', { ...here, 'x-to': `localhost:${b.port}` })).toBe('200 b');
    expect(await ask(proxy, '/field', here)).toBe('200 a');
    expect(await ask(proxy, '/other', here)).toBe('200 a');
    for (const host of ['nosuch.invalid', 'a..b', '127.1', '[::1]']) {
      expect(await ask(proxy, '/a', { host }), host).toBe('503 DNS resolution failure');
    }
    // Three names that were found, and of the others those that were looked up.
    const held = proxy.stats('dns_cache.cache.num_hosts');
    for (let i = held; i < 6; i++) await ask(proxy, '/a', { host: `127.0.0.1:${i + 1}` });
    expect(await ask(proxy, '/a', { host: '127.0.0.9' })).toBe('503 DNS cache overflow');
    expect(proxy.stats('dns_cache.cache.host_overflow')).toBe(1);
    expect(proxy.stats('dns_cache.another.num_hosts')).toBe(1);
    expect(b.requests[1]?.headers.host).toBe(`localhost:${b.port}`);
  });

  it('must mean the same cache as the cluster', async () => {
    await expect(start({ httpFilters: [filter({ name: 'cache' })], clusters: [dynamic('out')] })).rejects.toThrow(
      "config specified DNS cache 'cache' with different settings",
    );
  });
});

describe('envoy.filters.network.sni_dynamic_forward_proxy', () => {
  it('connects to the server name that the client asks for', async () => {
    const server = tls.createServer({ cert: pem('public.crt'), key: pem('public.key') }, (socket) => {
      socket.end(`hello ${String(socket.servername)}`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const sni = `${FILTERS}.network.sni_dynamic_forward_proxy.v3.FilterConfig`;
    const tcp = `${FILTERS}.network.tcp_proxy.v3.TcpProxy`;
    const filters = [
      { name: 'sni', typed_config: { '@type': sni, port_value: port, dns_cache_config: cache } },
      { name: 'tcp', typed_config: { '@type': tcp, stat_prefix: 't', cluster: 'out' } },
    ];
    const inspector = { '@type': `${FILTERS}.listener.tls_inspector.v3.TlsInspector` };
    const listener = {
      listener_filters: [{ name: 'tls_inspector', typed_config: inspector }],
      filter_chains: [{ filters }],
    };
    const proxy = await start({ clusters: [dynamic('out')], listener });
    const through = (servername: string) =>
      new Promise<string>((resolve) => {
        let text = '';
        const socket = tls.connect({ port: proxy.port, host: '127.0.0.1', servername, rejectUnauthorized: false });
        socket.on('data', (bytes) => (text += bytes)).on('error', () => {});
        socket.on('close', () => resolve(text));
      });
    expect(await through('localhost')).toBe('hello localhost');
    expect(await through('nosuch.invalid')).toBe('');
    expect(proxy.stats('dns_cache.cache.dns_query_attempt')).toBe(2);
    expect(proxy.stats('cluster.out.upstream_cx_none_healthy')).toBe(1);
  });
});
