/** `typed_per_filter_config` of all levels, resolved to filter slots at config time: the most specific entry wins. */
import type { FilterSettings } from './settings.ts';

/** What one route says to the HTTP filters of the chain, by slot. */
export class FilterConfigs {
  readonly #configs: unknown[] = [];
  readonly #disabled: (boolean | undefined)[] = [];

  /** @param levels most specific first. Filters that are not in the chain are left out. */
  constructor(levels: readonly FilterSettings[], slots: ReadonlyMap<string, number>) {
    for (const [name, slot] of slots) {
      const entries = levels.filter((level) => Object.hasOwn(level, name)).map((level) => level[name]);
      if (entries.length === 0) continue;
      this.#configs[slot] = entries.find((entry) => entry?.config !== undefined)?.config;
      // A plain configuration enables a filter that is disabled in the chain.
      this.#disabled[slot] = entries[0]?.disabled ?? false;
    }
  }

  /** The configuration for the filter in this slot. */
  config(slot: number): unknown {
    return this.#configs[slot];
  }

  /** Whether the filter is switched off (true) or on (false) here; `undefined` leaves it as the chain has it. */
  disabled(slot: number): boolean | undefined {
    return this.#disabled[slot];
  }
}
