/** `typed_per_filter_config` of all levels, resolved to filter slots at config time: the most specific entry wins. */
import type { FilterSettings } from './settings.ts';

const NONE: readonly unknown[] = Object.freeze([]);

/** What one route says to the HTTP filters of the chain, by slot. */
export class FilterConfigs {
  private readonly configs: (readonly unknown[])[] = [];
  private readonly switches: (boolean | undefined)[] = [];

  /** @param levels most specific first. Filters that are not in the chain are left out. */
  constructor(levels: readonly FilterSettings[], slots: ReadonlyMap<string, number>) {
    for (const [name, slot] of slots) {
      const entries = levels.flatMap((level) => (Object.hasOwn(level, name) ? (level[name] ?? []) : []));
      if (entries.length === 0) continue;
      this.configs[slot] = entries.flatMap(({ config }) => (config === undefined ? [] : [config]));
      // A plain configuration enables a filter that is disabled in the chain.
      this.switches[slot] = entries[0]?.disabled ?? false;
    }
  }

  /** The configuration for the filter in this slot. */
  config(slot: number): unknown {
    return this.configs[slot]?.[0];
  }

  /** The configurations of all levels, most specific first. */
  all(slot: number): readonly unknown[] {
    return this.configs[slot] ?? NONE;
  }

  /** Whether the filter is switched off (true) or on (false) here; `undefined` leaves it as the chain has it. */
  disabled(slot: number): boolean | undefined {
    return this.switches[slot];
  }
}
