/** Plays the cases against a proxy, one after the other. */
import type { ListenerName } from './bootstrap.ts';
import { LISTENERS } from './bootstrap.ts';
import { CASES } from './cases.ts';
import type { Collector, Json } from './collector.ts';
import { normalized } from './normalize.ts';

/** Entries by the names of cases. */
export type Observations = Readonly<Record<string, readonly Json[]>>;

export async function observe(
  portOf: (listener: ListenerName) => number,
  collector: Collector,
  servers: Readonly<Record<string, number>>,
): Promise<Observations> {
  const names = new Map(Object.entries(servers).map(([name, port]) => [port, name]));
  for (const name of LISTENERS) names.set(portOf(name), name);
  const seen: Record<string, Json[]> = {};
  for (const { entries = 1, listener, name, run } of CASES) {
    await run(portOf(listener));
    seen[name] = (await collector.take(entries, name)).map((entry) => normalized(entry, names));
  }
  return seen;
}
