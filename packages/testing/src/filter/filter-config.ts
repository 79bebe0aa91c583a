/** The YAML door of filters under test, and their per-route config. */
import type { ConfiguredHttpFilter, ConfiguredListenerFilter, ConfiguredNetworkFilter, Extension } from '@mesh/core';
import { parseExtensionConfig, Registry } from '@mesh/core/engine';

/** An entry of `http_filters`, as YAML has it. */
export interface YamlFilter {
  readonly name: string;
  /** `typed_config`: `@type` and fields in snake_case or camelCase. */
  readonly typedConfig?: Readonly<Record<string, unknown>>;
}

/** The extensions that have a place in a chain, by kind. */
interface FilterDefinitions {
  'http-filter': ConfiguredHttpFilter['definition'];
  'network-filter': ConfiguredNetworkFilter['definition'];
  'listener-filter': ConfiguredListenerFilter['definition'];
}

/** Does what configuration does with an entry. @throws Error naming an unknown extension, or every problem of its config. */
export function fromConfig<Kind extends keyof FilterDefinitions>(
  kind: Kind,
  entry: YamlFilter,
  extensions: readonly Extension[],
): { readonly definition: FilterDefinitions[Kind]; readonly config: unknown } {
  const { '@type': type, ...fields } = entry.typedConfig ?? {};
  const typeUrl = typeof type === 'string' ? type : undefined;
  const definition = new Registry(extensions).find(kind, { name: entry.name, typeUrl });
  if (definition === undefined) throw new Error(`no extension for ${entry.name} ${typeUrl ?? ''}`.trimEnd());
  const { value, issues } = parseExtensionConfig(definition.config, structuredClone(fields));
  if (issues.length > 0) {
    const problems = issues.map(({ path, message }) => `  ${[...path, message].join(': ')}`);
    throw new Error(`invalid config for ${entry.name}:\n${problems.join('\n')}`);
  }
  return { definition: definition as unknown as FilterDefinitions[Kind], config: value };
}

/** Per-route configs by filter index. @throws Error for a name that is not in the chain, or a config that is wrong. */
export function routeConfigs(
  filters: readonly ConfiguredHttpFilter[],
  configs: Readonly<Record<string, unknown>>,
): unknown[] {
  const bySlot: unknown[] = [];
  for (const [name, config] of Object.entries(configs)) {
    const slot = filters.findIndex(({ definition }) => definition.name === name);
    const schema = filters[slot]?.definition.routeConfig;
    if (schema === undefined) throw new Error(`no filter ${name} with per-route config in the chain`);
    const { value, issues } = parseExtensionConfig(schema, config);
    if (issues.length > 0) throw new Error(`invalid per-route config for ${name}: ${issues[0]?.message}`);
    bySlot[slot] = value;
  }
  return bySlot;
}
