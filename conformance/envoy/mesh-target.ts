/** This proxy, in this process, with whatever scenarios it accepts. */
import { type ConfigError, createProxy, type MeshProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { bootstrap, type Placed } from './bootstrap.ts';
import type { Target } from './target.ts';

/** Starts it; scenarios that it refuses are left out and told in `refused`. */
export async function startMesh(placed: readonly Placed[]): Promise<Target> {
  const { proxy, refused } = await build(placed);
  await proxy.start();
  return {
    version: 'mesh',
    refused,
    port: (scenario) => proxy.address(scenario).port,
    stats: async () => {
      const all = [...proxy.stats.counters(), ...proxy.stats.gauges()];
      return new Map(all.map(({ name, value }) => [name, value]));
    },
    close: async () => {
      await proxy.close();
    },
  };
}

async function build(placed: readonly Placed[]): Promise<{ proxy: MeshProxy; refused: Map<string, string> }> {
  const whole = await attempt(placed);
  if (typeof whole !== 'string') return { proxy: whole, refused: new Map() };
  const refused = new Map<string, string>();
  const taken: Placed[] = [];
  for (const each of placed) {
    const alone = await attempt([each]);
    if (typeof alone === 'string') refused.set(each.scenario.name, alone);
    else taken.push(each);
  }
  const rest = await attempt(taken);
  if (typeof rest === 'string') throw new Error(`the scenarios do not go together: ${rest}`);
  return { proxy: rest, refused };
}

async function attempt(placed: readonly Placed[]): Promise<MeshProxy | string> {
  try {
    return await createProxy({
      config: bootstrap(placed),
      extensions: standard,
      logger: { log: () => {} },
    });
  } catch (error) {
    const { issues } = error as Partial<ConfigError>;
    if (issues === undefined) return String(error);
    return issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
  }
}
