/** Live proxies with a filter that does the least: it has the host looked up and waits. */
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { type ClusterOptions, cluster, defineHttpFilter, type HostNames, route, STOP } from '@mesh/core';
import { message } from '@mesh/core/proto';
import { type LiveProxy, VirtualClock } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, closeAfterEach, proxyFor, upstream } from '../fixture.ts';
import type { DnsLookup } from '../resolver/index.ts';
import { dynamicForwardProxyClusterWith } from './index.ts';

closeAfterEach();

const CERTS = new URL('../../../../examples/certs/', import.meta.url);
const TYPE = 'type.googleapis.com/envoy.extensions';
const pem = (name: string) => readFileSync(new URL(name, CERTS), 'utf8');

const wait = defineHttpFilter({
  name: 'wait',
  config: message({}, { name: 'Wait' }),
  create: () => ({
    onRequestHeaders(headers, stream) {
      const { action } = stream.route ?? {};
      if (action?.kind !== 'forward') return undefined;
      const name = action.clusterHeader === undefined ? action.cluster : (headers.get(action.clusterHeader) ?? '');
      const names: HostNames | undefined = stream.clusters.get(name)?.names;
      const answer = names?.load(headers.authority, { onNamed: () => stream.resumeRequest() });
      return typeof answer === 'object' && 'cancel' in answer ? STOP : undefined;
    },
  }),
});

/** Names of the test, and the times at which they were asked for. */
function resolver() {
  const addresses = new Map<string, readonly string[]>();
  const asked: string[] = [];
  const lookup: DnsLookup = async (name) => {
    asked.push(name);
    return (addresses.get(name) ?? []).map((address) => ({ address }));
  };
  return { addresses, asked, lookup };
}

function setting(names: ReturnType<typeof resolver>) {
  const type = dynamicForwardProxyClusterWith(names.lookup);
  const out = (name: string, cache: object = {}, options: ClusterOptions = {}, more: object = {}) =>
    cluster(name, { clusterType: type({ dnsCacheConfig: { name: 'c', ...cache }, ...more } as never), ...options });
  return {
    type,
    out,
    base: { routes: [route('/', 'out')], filters: [wait({})], extensions: [type] },
  };
}

const to = (proxy: LiveProxy, host: string, path = '/') => ask(proxy, { host }, path);

describe('dynamicForwardProxyCluster', () => {
  it('has a host for each name and port that is asked for', async () => {
    const names = resolver();
    const [a, b] = [await upstream('a'), await upstream('b')];
    names.addresses.set('a.example', ['127.0.0.1']);
    const { base, out } = setting(names);
    const proxy = await proxyFor({ ...base, clusters: [out('out')] });
    for (let i = 0; i < 2; i++) expect(await to(proxy, `a.example:${a.port}`)).toBe('200 a');
    expect(await to(proxy, `A.example:${b.port}`)).toBe('200 b');
    expect(await to(proxy, `127.0.0.1:${b.port}`)).toBe('200 b');
    expect(a.requests[0]?.headers.host).toBe(`a.example:${a.port}`);
    expect(b.requests[0]?.headers.host).toBe(`A.example:${b.port}`);
    expect(names.asked).toEqual(['a.example', 'a.example']);
    expect(proxy.stats('cluster.out.membership_total')).toBe(3);
    expect(proxy.stats('dns_cache.c.num_hosts')).toBe(3);
    expect(proxy.stats('cluster.out.upstream_cx_total')).toBe(3);
  });

  it('has no host for a name that is not found, or that nobody has looked up', async () => {
    const names = resolver();
    const { base, out } = setting(names);
    const proxy = await proxyFor({ ...base, clusters: [out('out')] });
    expect(await to(proxy, 'a.example')).toBe('503 no healthy upstream');
    const blind = await proxyFor({ ...base, filters: [], clusters: [out('out')] });
    expect(await to(blind, '127.0.0.1')).toBe('503 no healthy upstream');
  });

  it('goes on with its connections when a name moves, and uses the new address for new ones', async () => {
    const clock = new VirtualClock();
    const names = resolver();
    const a = await upstream('a');
    names.addresses.set('a.example', ['127.0.0.1']);
    const { base, out } = setting(names);
    const proxy = await proxyFor({ ...base, clock, clusters: [out('out')] });
    const host = `a.example:${a.port}`;
    expect(await to(proxy, host)).toBe('200 a');
    // Where nobody listens.
    names.addresses.set('a.example', ['127.0.0.2']);
    await clock.advanceAsync(60_000);
    await proxy.untilStat('dns_cache.c.host_address_changed', 2);
    expect(await to(proxy, host)).toBe('200 a');
    expect(proxy.stats('cluster.out.membership_change')).toBe(1);
    a.peers[0]?.destroy();
    await proxy.untilStat('cluster.out.upstream_cx_active', 0);
    expect(await to(proxy, host)).toMatch(/^503 upstream connect error/);
  });

  it('drops hosts that nobody has asked for in host_ttl', async () => {
    const clock = new VirtualClock();
    const names = resolver();
    const a = await upstream('a');
    names.addresses.set('a.example', ['127.0.0.1']);
    const { base, out } = setting(names);
    const cache = { dnsRefreshRate: '10s', hostTtl: '15s' };
    const proxy = await proxyFor({ ...base, clock, clusters: [out('out', cache)] });
    await to(proxy, `a.example:${a.port}`);
    await clock.advanceAsync(10_000);
    expect(proxy.stats('cluster.out.membership_total')).toBe(1);
    await clock.advanceAsync(10_000);
    expect(proxy.stats('cluster.out.membership_total')).toBe(0);
    expect(proxy.stats('dns_cache.c.host_removed')).toBe(1);
  });

  it('shares what is known with clusters that name the same cache', async () => {
    const names = resolver();
    const a = await upstream('a');
    names.addresses.set('a.example', ['127.0.0.1']);
    const { base, out } = setting(names);
    const proxy = await proxyFor({
      ...base,
      routes: [route('/two', 'two'), route('/', 'out')],
      clusters: [out('out'), out('two')],
    });
    expect(await to(proxy, `a.example:${a.port}`)).toBe('200 a');
    expect(await to(proxy, `a.example:${a.port}`, '/two')).toBe('200 a');
    expect(names.asked).toEqual(['a.example']);
    expect(proxy.stats('cluster.two.membership_total')).toBe(1);
    // A cluster that comes later finds them there.
    await proxy.proxy.clusters.set(out('three'));
    expect(proxy.stats('cluster.three.membership_total')).toBe(1);
  });

  it('looks up preresolve_hostnames at once', async () => {
    const names = resolver();
    names.addresses.set('a.example', ['127.0.0.1']);
    const { base, out } = setting(names);
    const preresolveHostnames = [{ address: 'a.example', portValue: 80, protocol: 'TCP', ipv4Compat: false }];
    const proxy = await proxyFor({ ...base, clusters: [out('out', { preresolveHostnames })] });
    await proxy.untilStat('cluster.out.membership_total', 1);
    expect(names.asked).toEqual(['a.example']);
  });

  it.each([
    ['the same cache otherwise', { maxHosts: 5 }, {}, "config specified DNS cache 'c' with different settings"],
    [
      'names that are not verified',
      {},
      { upstreamHttpProtocolOptions: { autoSni: true, autoSanValidation: false, overrideAutoSniHeader: '' } },
      'dynamic_forward_proxy cluster must have auto_sni and auto_san_validation true unless allow_insecure_cluster_options is set.',
    ],
    [
      'another policy',
      {},
      { lbPolicy: 'ROUND_ROBIN' },
      "cluster manager: cluster provided LB not specified but cluster 'out' provided one. Check cluster documentation.",
    ],
  ])('refuses %s', async (_, cache, options, problem) => {
    const { base, out } = setting(resolver());
    const clusters = [out('two'), out('out', cache, options as ClusterOptions)];
    await expect(proxyFor({ ...base, clusters })).rejects.toThrow(problem);
  });
});

describe('dynamicForwardProxyCluster with TLS', () => {
  const servers: tls.Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function secured(typed: object = {}, more: object = {}) {
    const asked: unknown[] = [];
    const server = tls.createServer({ cert: pem('public.crt'), key: pem('public.key') }, (socket) => {
      asked.push(socket.servername);
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\nt'));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const names = resolver();
    for (const name of ['public.example', 'other.example']) names.addresses.set(name, ['127.0.0.1']);
    const { base } = setting(names);
    const routes = [route('/', undefined, { route: { clusterHeader: 'x-cluster' } })];
    const proxy = await proxyFor({ ...base, routes });
    const type = `${TYPE}.clusters.dynamic_forward_proxy.v3.ClusterConfig`;
    const json = {
      name: 'out',
      lb_policy: 'CLUSTER_PROVIDED',
      cluster_type: { name: 'x', typed_config: { '@type': type, dns_cache_config: { name: 'c' }, ...typed } },
      transport_socket: {
        name: 'envoy.transport_sockets.tls',
        typed_config: {
          '@type': `${TYPE}.transport_sockets.tls.v3.UpstreamTlsContext`,
          common_tls_context: { validation_context: { trusted_ca: { inline_string: pem('ca.crt') } } },
        },
      },
      ...more,
    };
    await proxy.proxy.clusters.set({ json });
    const to = (host: string) => ask(proxy, { host: `${host}:${port}`, 'x-cluster': 'out' });
    return { asked, proxy, to };
  }

  it('asks for the name that the client has asked for, and takes no certificate of another', async () => {
    const { asked, proxy, to } = await secured();
    expect(await to('public.example')).toBe('200 t');
    expect(await to('other.example')).toMatch(/^503 /);
    expect(asked[0]).toBe('public.example');
    expect(proxy.stats('cluster.out.ssl.fail_verify_san')).toBe(1);
  });

  it('takes any with allow_insecure_cluster_options, where the cluster asks for none', async () => {
    const upstream_http_protocol_options = { auto_sni: true };
    const { asked, to } = await secured({ allow_insecure_cluster_options: true }, { upstream_http_protocol_options });
    expect(await to('other.example')).toBe('200 t');
    expect(asked).toEqual(['other.example']);
  });
});
