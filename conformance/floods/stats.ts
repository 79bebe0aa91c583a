/** Counters and gauges of a proxy, from its admin page. */
import type { MeshProcess } from '../mesh-process/index.ts';

export type Stats = ReadonlyMap<string, number>;

export async function readStats(mesh: MeshProcess): Promise<Stats> {
  const lines = (await mesh.page('/stats')).matchAll(/^(\S+): (\d+)$/gm);
  return new Map([...lines].map(([, name = '', value]) => [name, Number(value)]));
}

/** Waits until every stat of `names` is 0; answers those that are not after `limitMs`. */
export async function untilZero(mesh: MeshProcess, names: readonly string[], limitMs: number): Promise<object> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const stats = await readStats(mesh);
    const left = names.map((name) => [name, stats.get(name)] as const).filter(([, value]) => value !== 0);
    if (left.length === 0 || performance.now() > endMs) return Object.fromEntries(left);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
