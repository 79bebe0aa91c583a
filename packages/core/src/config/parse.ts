/** A loaded file → checked, frozen configuration; every problem is found before anything is reported. */
import { type BootstrapConfig, bootstrapSchema } from './bootstrap.ts';
import { canonicalForm } from './canonical.ts';
import { type CheckContext, checkReferences } from './cross-checks.ts';
import type { Extensions } from './extension.ts';
import { parseZod } from './extension-config.ts';
import { deepFreeze } from './freeze.ts';
import { ConfigError, type ConfigIssue, sortIssues } from './issues.ts';
import type { LoadedConfig } from './load.ts';
import { type ConfigPlaces, configPlaces } from './places.ts';
import { resolveExtensions } from './resolve-extensions.ts';
import { type RawMap, rawMap } from './source-map.ts';
import { upgradeV2 } from './v2.ts';

/** What parsing yields. */
export interface ParsedBootstrap {
  readonly config: BootstrapConfig;
  /** What was written, in the v3 form and under proto names, for `/config_dump`. */
  readonly raw: RawMap;
  /** Where its parts were written. */
  readonly places: ConfigPlaces;
}

/** What parsing is told. */
export interface ParseOptions {
  readonly extensions: Extensions;
  /** Names of clusters that routes may point at besides those of the file. */
  readonly otherClusters?: readonly string[];
}

/** @throws ConfigError with every problem, in file order. */
export function parseBootstrap(loaded: LoadedConfig, options: ParseOptions): ParsedBootstrap {
  const problems: ConfigIssue[] = [...loaded.issues];
  const data = loaded.data ?? rawMap();
  upgradeV2(data, loaded.sources, options.extensions);
  const { value, issues } = parseZod(bootstrapSchema, data);
  const resolution = resolveExtensions(value, data, options.extensions);
  const paths = new Map(resolution.resolved.map(({ extension, path }) => [extension, path]));
  const context: CheckContext = {
    extensions: options.extensions,
    pathOf: (filter) => paths.get(filter),
    otherClusters: options.otherClusters ?? [],
  };
  const found = [...issues, ...resolution.issues, ...checkReferences(value as never, context)];
  problems.push(...found.map((issue) => loaded.sources.toIssue(loaded.data, issue)));
  if (problems.length > 0) throw new ConfigError(sortIssues(problems));
  const raw = canonicalForm(bootstrapSchema, data, options.extensions) as RawMap;
  const config = deepFreeze(value as BootstrapConfig);
  return { config, raw, places: configPlaces(loaded, config, context.pathOf) };
}
