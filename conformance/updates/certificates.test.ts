import { fileURLToPath } from 'node:url';
import { createProxy, http as httpManager, listener } from '@mesh/core';
import { router } from '@mesh/filters-http';
import { standard } from '@mesh/standard';
import { afterEach, expect, it } from 'vitest';
import { get1, NamedUpstream, versionHost } from './rig.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const file = (name: string) => ({ filename: fileURLToPath(new URL(`../../examples/certs/${name}`, import.meta.url)) });

/** A listener with a certificate. */
function secured(version: number) {
  return listener({
    name: 'l',
    host: '127.0.0.1',
    tls: {
      commonTlsContext: { tlsCertificates: [{ certificateChain: file('public.crt'), privateKey: file('public.key') }] },
    } as never,
    http: httpManager({ serverName: `v${version}`, virtualHosts: [versionHost(version)], filters: [router()] }),
  });
}

/** A cluster over TLS. */
function securedCluster(port: number, mark: number) {
  const type = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
  const context = { '@type': type, common_tls_context: { validation_context: { trusted_ca: file('ca.crt') } } };
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  return {
    name: 'c',
    connect_timeout: `${1000 + mark}s`,
    transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: context },
    load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
}

it('updates let go of the certificates, and of the watches on their files, of what they replace', async () => {
  const one = await NamedUpstream.start('one');
  const proxy = await createProxy({
    extensions: [...standard],
    admin: { port: 0 },
    config: { static_resources: { clusters: [securedCluster(one.port, 0)] } },
    listeners: [secured(0)],
  });
  cleanups.push(
    () => one.close(),
    () => proxy.close(),
  );
  await proxy.start();
  const { port } = proxy.adminAddress as { port: number };
  const held = async () => {
    const { certificates } = JSON.parse((await get1(port, false, '/certs')).body) as { certificates: unknown[] };
    const watches = process.getActiveResourcesInfo().filter((kind) => /FSEvent|StatWatcher/.test(kind));
    return [certificates.length, watches.length];
  };
  const before = await held();
  expect(before[0]).toBe(2);
  for (let version = 1; version <= 20; version++) {
    await proxy.listeners.set(secured(version), { replaceStatic: true });
    await proxy.clusters.set({ json: securedCluster(one.port, version) }, { replaceStatic: true });
  }
  expect(await held()).toEqual(before);
});
