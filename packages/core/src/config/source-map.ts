/** Where every value of a loaded configuration was written. Survives merging and the upgrade from the v2 form. */
import { type ConfigIssue, type ConfigPath, formatPath, type SchemaIssue } from './issues.ts';
import { writtenKey } from './naming.ts';

/** A place in a text, counted from 1. */
export interface LineCol {
  readonly line: number;
  readonly col: number;
}

/** The place of one map entry or list item, and the path under which the user wrote it. */
export interface Origin {
  readonly file: string;
  readonly key: LineCol;
  readonly value: LineCol;
  readonly path: ConfigPath;
}

/** Plain data as read from a file; maps have no prototype. */
export type RawMap = { [key: string]: unknown };

/** True for a map node of raw data. */
export function isMap(value: unknown): value is RawMap {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** A raw map that inherits nothing, so that no key can reach a prototype. */
export function rawMap(entries: Iterable<readonly [string, unknown]> = []): RawMap {
  const map: RawMap = Object.create(null);
  for (const [key, value] of entries) map[key] = value;
  return map;
}

/** Remembers an `Origin` per (container, key); containers are told apart by identity. */
export class SourceMap {
  readonly root: Origin;
  private readonly origins = new WeakMap<object, Map<string | number, Origin>>();

  constructor(file: string, root: LineCol = { line: 1, col: 1 }) {
    this.root = { file, key: root, value: root, path: [] };
  }

  /** Notes where `container[key]` was written. */
  set(container: object, key: string | number, origin: Origin): void {
    const known = this.origins.get(container);
    if (known) known.set(key, origin);
    else this.origins.set(container, new Map([[key, origin]]));
  }

  /** Where `container[key]` was written. */
  get(container: object, key: string | number): Origin | undefined {
    return this.origins.get(container)?.get(key);
  }

  /** Takes over one origin, from this or another source map. */
  copy(from: SourceMap, fromContainer: object, fromKey: string | number, to: object, toKey: string | number): void {
    const origin = from.get(fromContainer, fromKey);
    if (origin) this.set(to, toKey, origin);
  }

  /** The origin of the deepest step of `path` that exists in `data`, and the steps that do not. */
  locate(data: unknown, path: ConfigPath): { readonly origin: Origin; readonly missing: ConfigPath } {
    let origin = this.root;
    let node = data;
    for (const [depth, step] of path.entries()) {
      const key = existingKey(node, step);
      if (key === undefined) return { origin, missing: path.slice(depth) };
      const container = node as Record<string | number, unknown>;
      origin = this.get(container, key) ?? origin;
      node = container[key];
    }
    return { origin, missing: [] };
  }

  /** Ties a problem to its place in the file. */
  toIssue(data: unknown, issue: SchemaIssue): ConfigIssue {
    const { origin, missing } = this.locate(data, issue.path);
    const { line, col } = issue.at === 'key' && missing.length === 0 ? origin.key : origin.value;
    const { message, expected, received, hint } = issue;
    return {
      path: formatPath([...origin.path, ...missing]),
      file: origin.file,
      line,
      col,
      message,
      ...(expected === undefined ? {} : { expected }),
      ...(received === undefined ? {} : { received }),
      ...(hint === undefined ? {} : { hint }),
    };
  }
}

function existingKey(node: unknown, step: string | number): string | number | undefined {
  if (Array.isArray(node)) return typeof step === 'number' && step < node.length ? step : undefined;
  return isMap(node) && typeof step === 'string' ? writtenKey(node, step) : undefined;
}
