/** What the faults are played against. */
import { createProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { bootstrap, type Placed } from '../envoy/bootstrap.ts';
import { envoyVersion, launchEnvoy } from '../envoy/envoy-target.ts';
import type { Target } from '../envoy/target.ts';
import { faults } from './flags.ts';

/** Lines are in the file soon. */
const FLUSH_MS = '50';

export { envoyVersion };

/** A real Envoy. */
export async function startEnvoy(placed: readonly Placed[]): Promise<Target> {
  const more = ['--file-flush-interval-msec', FLUSH_MS];
  const { admin, ports, close } = await launchEnvoy(bootstrap(placed), placed.length, more);
  return {
    version: envoyVersion() ?? 'unknown',
    refused: new Map(),
    port: (scenario) => ports.get(scenario) as number,
    stats: async () => {
      const text = await (await fetch(`http://${admin}/stats?type=Counters`)).text();
      return new Map(
        text.split('\n').flatMap((line) => {
          const match = /^(.*): (\d+)$/.exec(line);
          return match === null ? [] : [[match[1] as string, Number(match[2])] as const];
        }),
      );
    },
    close,
  };
}

/** This proxy, in this process. */
export async function startMesh(placed: readonly Placed[]): Promise<Target> {
  const proxy = await createProxy({
    config: bootstrap(placed),
    extensions: [...standard, ...faults.flatMap(({ extensions = [] }) => extensions)],
    logger: { log: () => {} },
  });
  await proxy.start();
  return {
    version: 'mesh',
    refused: new Map(),
    port: (scenario) => proxy.address(scenario).port,
    stats: async () => new Map(proxy.stats.counters().map(({ name, value }) => [name, value])),
    close: async () => {
      await proxy.close();
    },
  };
}
