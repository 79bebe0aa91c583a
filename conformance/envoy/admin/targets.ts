/** The two that are asked. */
import { shownCommandLine } from '@mesh/cli';
import { createLogger, createProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { envoyVersion, launchEnvoy } from '../envoy-target.ts';
import type { Yaml } from '../scenario.ts';
import type { AdminTarget } from './run.ts';

/** A real Envoy. */
export async function startEnvoyAdmin(config: Yaml, listeners: number): Promise<AdminTarget> {
  const envoy = await launchEnvoy(config, listeners, ['--disable-hot-restart']);
  return {
    version: envoyVersion() ?? 'unknown',
    adminPort: Number(envoy.admin.split(':').at(-1)),
    port: (listener) => envoy.ports.get(listener) as number,
    close: envoy.close,
  };
}

/** This proxy, in this process, told of the command line that the other has. */
export async function startMeshAdmin(config: Yaml): Promise<AdminTarget> {
  const commandLineOptions = shownCommandLine(['-c', 'mesh.yaml', '--disable-hot-restart']) ?? {};
  // As a program has them: with levels, and without printing anything.
  const logger = createLogger({ path: '/dev/null' });
  const proxy = await createProxy({
    config,
    extensions: standard,
    logger,
    commandLineOptions,
  });
  await proxy.start();
  return {
    version: 'mesh',
    adminPort: (proxy.adminAddress as { readonly port: number }).port,
    port: (listener) => proxy.address(listener).port,
    close: async () => {
      await proxy.close();
      await logger.close();
    },
  };
}
