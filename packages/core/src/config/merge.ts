/** Lays one configuration over another, as Envoy does with `--config-yaml` over `-c`. */
import { type LoadedConfig, loaded } from './load.ts';
import { writtenKey } from './naming.ts';
import { isMap, type RawMap, rawMap, SourceMap } from './source-map.ts';

/** Members of a oneof that can meet in a merge: setting one unsets the others. */
const oneofs: readonly (readonly string[])[] = [
  ['socket_address', 'pipe', 'envoy_internal_address'],
  ['port_value', 'named_port'],
  ['stats_flush_on_admin', 'stats_flush_interval'],
];

/** Fields that are map entries by key rather than messages: an entry is replaced, not merged. */
const valueMaps = new Set(['metadata', 'filter_metadata', 'dynamic_parameters']);

/**
 * Protobuf `MergeFrom`: messages merge field by field, lists are appended, everything else is replaced by `override`.
 * Each value keeps the position in the file it came from.
 */
export function mergeConfig(base: LoadedConfig, override: LoadedConfig): LoadedConfig {
  const issues = [...base.issues, ...override.issues];
  if (!base.data || !override.data) return loaded(base.file, undefined, base.sources, issues);
  const merge = new Merge(base.sources, override.sources);
  return loaded(base.file, merge.maps(base.sources, base.data, override.data), merge.sources, issues);
}

class Merge {
  readonly sources: SourceMap;
  private readonly override: SourceMap;

  constructor(base: SourceMap, override: SourceMap) {
    this.override = override;
    this.sources = new SourceMap(base.root.file, base.root.key);
  }

  /** `from` knows the places of `base`; those of the result are noted in `sources`. */
  maps(from: SourceMap, base: RawMap, override: RawMap, replaceEntries = false): RawMap {
    const result = rawMap();
    for (const key of Object.keys(base)) this.take(from, base, key, result);
    for (const key of Object.keys(override)) {
      if (override[key] === null) continue;
      const known = writtenKey(result, key) ?? key;
      const below = result[known];
      this.dropRivals(result, key);
      this.take(this.override, override, key, result, known);
      if (!replaceEntries) result[known] = this.values(below, override[key], result[known], known);
    }
    return result;
  }

  private values(base: unknown, override: unknown, copied: unknown, key: string): unknown {
    if (Array.isArray(base) && Array.isArray(override)) return this.lists(base, override);
    if (isMap(base) && isMap(override)) return this.maps(this.sources, base, override, valueMaps.has(key));
    return copied;
  }

  private lists(base: readonly unknown[], override: readonly unknown[]): unknown[] {
    const result: unknown[] = [];
    for (const [from, list] of [[this.sources, base] as const, [this.override, override] as const]) {
      for (const [index, item] of list.entries()) {
        this.sources.copy(from, list, index, result, result.length);
        result.push(from === this.sources ? item : this.clone(from, item));
      }
    }
    return result;
  }

  private take(from: SourceMap, container: RawMap, key: string, result: RawMap, as = key): void {
    result[as] = this.clone(from, container[key]);
    this.sources.copy(from, container, key, result, as);
  }

  /** Copies a tree and its positions, so that neither input is changed. */
  private clone(from: SourceMap, value: unknown): unknown {
    if (!Array.isArray(value) && !isMap(value)) return value;
    const copy: unknown[] | RawMap = Array.isArray(value) ? [] : rawMap();
    for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
      (copy as RawMap)[key] = this.clone(from, (value as RawMap)[key]);
      this.sources.copy(from, value, key, copy, key);
    }
    return copy;
  }

  private dropRivals(result: RawMap, key: string): void {
    const rivals = oneofs.find((names) => names.some((name) => writtenKey({ [name]: 0 }, key)));
    for (const rival of rivals ?? []) {
      const written = writtenKey(result, rival);
      if (written !== undefined && !writtenKey({ [rival]: 0 }, key)) delete result[written];
    }
  }
}
