/** Live proxies; bodies and counters as a running Envoy 1.40 has them, but for the list of allowed addresses. */
import { type ClusterOptions, cluster, defineHttpFilter, route } from '@mesh/core';
import { message } from '@mesh/core/proto';
import { VirtualClock } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { ask, closeAfterEach, proxyFor, upstream } from '../fixture.ts';
import { originalDstCluster } from './index.ts';

closeAfterEach();

const routes = [route('/', 'there')];
const extensions = [originalDstCluster];
const HEADER = 'x-envoy-original-dst-host';

function there(allow: unknown = ['127.0.0.0/8'], options: ClusterOptions = {}, more: object = {}) {
  return cluster('there', {
    type: 'ORIGINAL_DST',
    originalDstLbConfig: { useHttpHeader: true } as never,
    metadata: { filterMetadata: { 'mesh.original_dst': { allow, ...more } } },
    ...options,
  });
}

describe('originalDstCluster', () => {
  it('goes where the field says, with one host for each address', async () => {
    const [a, b] = [await upstream('a'), await upstream('b')];
    const proxy = await proxyFor({ routes, clusters: [there()], extensions });
    expect(await ask(proxy, { [HEADER]: a.address })).toBe('200 a');
    expect(await ask(proxy, { [HEADER]: b.address })).toBe('200 b');
    expect(await ask(proxy, { [HEADER]: a.address.replace(':', ':0') })).toBe('200 a');
    expect(proxy.stats('cluster.there.membership_total')).toBe(2);
    expect(proxy.stats('cluster.there.upstream_cx_total')).toBe(2);
    expect(proxy.stats('cluster.there.original_dst_host_invalid')).toBe(0);
  });

  it.each(['127.0.0.1', 'localhost:80', '10.0.0.1:80', '[::1]:80', '[::ffff:10.0.0.1]:80', '127.0.0.1:99999'])(
    'has no host for %s',
    async (address) => {
      const proxy = await proxyFor({ routes, clusters: [there()], extensions });
      expect(await ask(proxy, { [HEADER]: address })).toBe('503 no healthy upstream');
      expect(proxy.stats('cluster.there.original_dst_host_invalid')).toBe(1);
      expect(proxy.stats('cluster.there.membership_total')).toBe(0);
    },
  );

  it('has no host for a request that names none, which is not invalid', async () => {
    const proxy = await proxyFor({ routes, clusters: [there()], extensions });
    expect(await ask(proxy)).toBe('503 no healthy upstream');
    expect(proxy.stats('cluster.there.original_dst_host_invalid')).toBe(0);
    expect(proxy.stats('cluster.there.upstream_cx_none_healthy')).toBe(1);
  });

  it('has as many hosts as it may', async () => {
    const [a, b] = [await upstream('a'), await upstream('b')];
    const clusters = [there(undefined, {}, { max_hosts: 1 })];
    const proxy = await proxyFor({ routes, clusters, extensions });
    expect(await ask(proxy, { [HEADER]: a.address })).toBe('200 a');
    expect(await ask(proxy, { [HEADER]: b.address })).toBe('503 no healthy upstream');
    expect(await ask(proxy, { [HEADER]: a.address })).toBe('200 a');
  });

  it('takes another field, and another port', async () => {
    const a = await upstream('a');
    const options = { useHttpHeader: true, httpHeaderName: 'X-To', upstreamPortOverride: a.port };
    const clusters = [there(undefined, { originalDstLbConfig: options as never })];
    const proxy = await proxyFor({ routes, clusters, extensions });
    expect(await ask(proxy, { 'x-to': '127.0.0.1:1' })).toBe('200 a');
    expect(await ask(proxy, { 'x-to': '127.0.0.1:2' })).toBe('200 a');
    expect(proxy.stats('cluster.there.membership_total')).toBe(1);
  });

  it('prefers filter state and dynamic metadata', async () => {
    const [a, b, c] = [await upstream('a'), await upstream('b'), await upstream('c')];
    const say = defineHttpFilter({
      name: 'say',
      config: message({}, { name: 'Say' }),
      create: () => ({
        onRequestHeaders(headers, { info }) {
          const [state, metadata] = [headers.get('x-state'), headers.get('x-metadata')];
          if (state) info.filterState.set('envoy.network.transport_socket.original_dst_address', state);
          if (metadata) info.metadata.set('acme', { to: [metadata] });
        },
      }),
    });
    const metadataKey = { key: 'acme', path: [{ key: 'to' }] };
    const clusters = [there(undefined, { originalDstLbConfig: { useHttpHeader: true, metadataKey } as never })];
    const proxy = await proxyFor({ routes, clusters, extensions, filters: [say({})] });
    const named = { [HEADER]: a.address };
    expect(await ask(proxy, { ...named, 'x-metadata': b.address })).toBe('200 b');
    expect(await ask(proxy, { ...named, 'x-metadata': b.address, 'x-state': c.address })).toBe('200 c');
    expect(await ask(proxy, { ...named, 'x-metadata': 'nonsense' })).toBe('200 a');
  });

  it('forgets hosts that were not picked for a cleanup interval and have no connection', async () => {
    const clock = new VirtualClock();
    const [a, b] = [await upstream('a'), await upstream('b')];
    const options = { cleanupIntervalMs: 1000, commonHttpProtocolOptions: { idleTimeoutMs: 2500 } };
    const proxy = await proxyFor({ routes, clusters: [there(undefined, options as never)], extensions, clock });
    const hosts = () => proxy.stats('cluster.there.membership_total');
    await ask(proxy, { [HEADER]: a.address });
    clock.advance(1100);
    await ask(proxy, { [HEADER]: b.address });
    clock.advance(1100);
    expect(hosts()).toBe(2);
    clock.advance(1100);
    await proxy.untilStat('cluster.there.upstream_cx_active', 1);
    clock.advance(1100);
    expect(hosts()).toBe(1);
    clock.advance(3300);
    await proxy.untilStat('cluster.there.upstream_cx_active', 0);
    clock.advance(1100);
    expect(hosts()).toBe(0);
    expect(await ask(proxy, { [HEADER]: a.address })).toBe('200 a');
  });
});

describe('originalDstCluster config', () => {
  it.each([
    [cluster('there', { type: 'ORIGINAL_DST' }), /type ORIGINAL_DST connects to whatever address a client names/],
    [there([]), /allow must be a list of ranges/],
    [there('10.0.0.0/8'), /allow must be a list of ranges/],
    [there(['x']), /"x" is not a range of IP addresses/],
    [there(undefined, {}, { alow: [] }), /unknown field "alow" of mesh.original_dst/],
    [there(undefined, {}, { max_hosts: 0 }), /max_hosts must be a whole number of at least 1/],
  ])('%# is refused', async (config, message) => {
    await expect(proxyFor({ routes, clusters: [config], extensions })).rejects.toThrow(message);
  });
});
