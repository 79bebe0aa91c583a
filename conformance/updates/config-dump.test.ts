import http from 'node:http';
import type { MeshProxy } from '@mesh/core';
import { createProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { afterEach, describe, expect, it } from 'vitest';
import { clusterAt, get1, listenerOf, NamedUpstream, versionHost } from './rig.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function started(): Promise<{ proxy: MeshProxy; one: NamedUpstream; admin: (path: string) => Promise<string> }> {
  const one = await NamedUpstream.start('one');
  const proxy = await createProxy({
    extensions: [...standard],
    admin: { port: 0 },
    listeners: [listenerOf(0)],
    clusters: [clusterAt([one])],
  });
  cleanups.push(
    () => one.close(),
    () => proxy.close(),
  );
  await proxy.start();
  const address = proxy.adminAddress as { port: number };
  return { proxy, one, admin: async (path) => (await get1(address.port, false, path)).body };
}

interface Dump {
  readonly configs: readonly Record<string, unknown>[];
}

/** The messages of a dump without their times, by type. */
async function dumped(admin: (path: string) => Promise<string>): Promise<Record<string, Record<string, unknown>>> {
  const text = (await admin('/config_dump')).replace(/"last_updated":"[^"]+"/g, '"last_updated":"T"');
  const { configs } = JSON.parse(text.replace(/"last_updated": "[^"]+"/g, '"last_updated":"T"')) as Dump;
  return Object.fromEntries(configs.map((one) => [String(one['@type']).split('.').at(-1), one]));
}

describe('/config_dump', () => {
  it('tells static clusters, listeners and routes from those that came later', async () => {
    const { proxy, one, admin } = await started();
    await proxy.clusters.set(clusterAt([one], 3, 'd'), { version: '7' });
    await proxy.listeners.set({ ...listenerOf(0), name: 'm' }, { version: '8' });
    await proxy.routes.set('table', { virtualHosts: [versionHost(1)] }, { version: '9' });
    const {
      ClustersConfigDump: clusters,
      ListenersConfigDump: listeners,
      RoutesConfigDump: routes,
    } = await dumped(admin);
    const endpoint = {
      address: { socket_address: { address: '127.0.0.1', port_value: one.port } },
    };
    expect(clusters).toMatchObject({
      static_clusters: [{ cluster: { name: 'c', load_assignment: { cluster_name: 'c' } }, last_updated: 'T' }],
      dynamic_active_clusters: [
        {
          version_info: '7',
          cluster: {
            '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
            name: 'd',
            connect_timeout: '5.003s',
            load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint }] }] },
          },
        },
      ],
    });
    expect(listeners).toMatchObject({
      static_listeners: [{ listener: { name: 'l' } }],
      dynamic_listeners: [{ name: 'm', active_state: { version_info: '8', listener: { name: 'm' } } }],
    });
    expect(routes).toMatchObject({
      dynamic_route_configs: [{ version_info: '9', route_config: { name: 'table' } }],
    });
    expect(routes).not.toHaveProperty('static_route_configs');
  });

  it('writes what code has made as a config that can be read again', async () => {
    const { proxy, admin } = await started();
    const { ListenersConfigDump: listeners } = await dumped(admin);
    const [first] = (listeners?.static_listeners ?? []) as { listener: Record<string, unknown> }[];
    const { '@type': _type, ...json } = first?.listener ?? {};
    const read = { json: { ...json, name: 'copy' } };
    expect(await proxy.listeners.set(read)).toBe('added');
    expect((await get1(proxy.address('copy').port)).headers.server).toBe('listener-0');
  });

  it('shows a cluster on its way, and marks in /clusters what came later', async () => {
    const { proxy, admin } = await started();
    const silent = http.createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => {
      silent.closeAllConnections();
      silent.close();
    });
    const { port } = silent.address() as { port: number };
    const setting = proxy.clusters.set(
      {
        json: {
          name: 'w',
          load_assignment: {
            cluster_name: 'w',
            endpoints: [
              {
                lb_endpoints: [
                  { endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } },
                ],
              },
            ],
          },
          health_checks: [
            {
              timeout: '100s',
              interval: '100s',
              unhealthy_threshold: 1,
              healthy_threshold: 1,
              http_health_check: { path: '/' },
            },
          ],
        },
      },
      { version: '1' },
    );
    const { ClustersConfigDump: clusters } = await dumped(admin);
    expect(clusters).toMatchObject({ dynamic_warming_clusters: [{ version_info: '1', cluster: { name: 'w' } }] });
    expect(await proxy.clusters.remove('w')).toBe(true);
    expect(await setting).toBe('superseded');
    await proxy.clusters.set(clusterAt([], 0, 'e'));
    const text = await admin('/clusters');
    expect([text.includes('e::added_via_api::true'), text.includes('c::added_via_api::false')]).toEqual([true, true]);
  });
});
