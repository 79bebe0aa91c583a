/** What is observed: a real Envoy, and this proxy. */
import { createProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { refusedPort } from '@mesh/testing';
import { envoyVersion, launchEnvoy } from '../envoy-target.ts';
import type { Yaml } from '../scenario.ts';
import { tracingBootstrap } from './bootstrap.ts';
import { observe, type TracingObservation, type TracingTarget } from './observe.ts';
import { tracingScenarios } from './scenarios.ts';
import { startServers } from './upstream.ts';

/** Observations of all scenarios. */
export interface TracingObservations {
  readonly version: string;
  readonly of: ReadonlyMap<string, TracingObservation>;
}

async function startEnvoy(config: Yaml): Promise<TracingTarget> {
  const { admin, close, ports } = await launchEnvoy(config, tracingScenarios.length);
  return {
    version: envoyVersion() ?? 'unknown',
    port: (name) => ports.get(name) as number,
    async stats() {
      const text = await (await fetch(`http://${admin}/stats?filter=tracing`)).text();
      const lines = text.split('\n').map((line) => /^(.*): (\d+)$/.exec(line));
      return new Map(lines.flatMap((match) => (match === null ? [] : [[match[1] as string, Number(match[2])]])));
    },
    close,
  };
}

async function startMesh(config: Yaml): Promise<TracingTarget> {
  const proxy = await createProxy({ config, extensions: standard, logger: { log: () => {} } });
  await proxy.start();
  return {
    version: 'mesh',
    port: (name) => proxy.address(name).port,
    stats: async () => new Map(proxy.stats.counters().map(({ name, value }) => [name, value])),
    close: () => proxy.close(),
  };
}

async function observeTarget(start: (config: Yaml) => Promise<TracingTarget>): Promise<TracingObservations> {
  const servers = await startServers();
  const ports = { upstream: servers.upstreamPort, collector: servers.collectorPort, refused: await refusedPort() };
  const target = await start(tracingBootstrap(tracingScenarios, ports));
  try {
    return { version: target.version, of: await observe(tracingScenarios, target, servers) };
  } finally {
    await target.close();
    await servers.close();
  }
}

/** What a real Envoy does. */
export const observeEnvoy = () => observeTarget(startEnvoy);
/** What this proxy does. */
export const observeMesh = () => observeTarget(startMesh);
