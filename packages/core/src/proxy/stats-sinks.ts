/** The configured stats sinks of a proxy. */
import type { ObserverContext } from '../api/observer.ts';
import type { StatsSink } from '../api/stats-sink.ts';
import type { StatsSinkConfig } from '../config/stats-config.ts';
import type { StatsSinkDefinition } from '../define/index.ts';
import { MeshError } from '../errors.ts';

/** A sink and the name its errors are told under. */
export interface NamedSink {
  readonly name: string;
  readonly sink: StatsSink;
}

/**
 * Makes every sink, or none.
 * @throws MeshError `CONFIG_INVALID` when one cannot be made.
 */
export function makeSinks(entries: readonly StatsSinkConfig[], context: ObserverContext): NamedSink[] {
  const made: NamedSink[] = [];
  try {
    for (const { name, definition, config } of entries) {
      const sink = (definition as StatsSinkDefinition).create(config, context);
      made.push({ name: name || definition.name, sink });
    }
    return made;
  } catch (error) {
    for (const { sink } of made) void closeQuietly(sink);
    if (error instanceof MeshError) throw error;
    throw new MeshError('CONFIG_INVALID', (error as Error).message, { cause: error });
  }
}

/** The problem with the other sink is what is told. */
async function closeQuietly(sink: StatsSink): Promise<void> {
  try {
    await sink.close?.();
  } catch {}
}
