/** The two that cluster scenarios are played against. */
import { createProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { envoyVersion, launchEnvoy } from '../envoy-target.ts';
import type { Yaml } from '../scenario.ts';
import type { ClusterTarget } from './run.ts';

/** How often Envoy writes its logs. */
const FLUSH_MS = 100;

/** A real Envoy. */
export async function startEnvoyCluster(config: Yaml, listeners: number): Promise<ClusterTarget> {
  const envoy = await launchEnvoy(config, listeners, ['--file-flush-interval-msec', String(FLUSH_MS)]);
  return {
    version: envoyVersion() ?? 'unknown',
    admin: envoy.admin,
    logDelayMs: 3 * FLUSH_MS,
    port: (listener) => envoy.ports.get(listener) as number,
    close: envoy.close,
  };
}

/** This proxy, in this process. */
export async function startMeshCluster(config: Yaml): Promise<ClusterTarget> {
  const proxy = await createProxy({ config, extensions: standard, logger: { log: () => {} } });
  await proxy.start();
  const { address, port } = proxy.adminAddress as { readonly address: string; readonly port: number };
  return {
    version: 'mesh',
    admin: `${address}:${port}`,
    logDelayMs: FLUSH_MS,
    port: (listener) => proxy.address(listener).port,
    close: async () => {
      await proxy.close();
    },
  };
}
