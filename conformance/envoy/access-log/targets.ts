/** The two that access log scenarios are played against: both write their logs often. */
import { createProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import type { ClusterTarget } from '../clusters/run.ts';
import type { Yaml } from '../scenario.ts';

const FLUSH_MS = 50;

/** This proxy, in this process. */
export async function startMeshLogs(config: Yaml): Promise<ClusterTarget> {
  const proxy = await createProxy({
    config,
    extensions: standard,
    logger: { log: () => {} },
    logFlushIntervalMs: FLUSH_MS,
  });
  await proxy.start();
  const { address, port } = proxy.adminAddress as { readonly address: string; readonly port: number };
  return {
    version: 'mesh',
    admin: `${address}:${port}`,
    logDelayMs: 3 * FLUSH_MS,
    port: (listener) => proxy.address(listener).port,
    close: () => proxy.close(),
  };
}
