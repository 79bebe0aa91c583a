/** `typed_per_filter_config`: what a virtual host or route says to an HTTP filter. */
import { type AnyConfig, anyConfig, type ExtensionDefinition, type ExtensionInfo } from './extension.ts';
import { type Defaulted, type Fields, type MessageSchema, message } from './message.ts';
import { bool, mapOf } from './proto-json.ts';
import { type ProtoType, protoType } from './schema-type.ts';

/** One entry, with its configuration parsed by the filter's `routeConfig` schema. */
export interface RouteFilterConfig {
  /** Instance name of the HTTP filter: the key in the map. */
  readonly name: string;
  readonly definition: ExtensionDefinition;
  /** Switches the filter off, or on where it is `disabled` in the chain; undefined leaves it as it is. */
  readonly disabled: boolean | undefined;
  /** Undefined when the entry only switches the filter. */
  readonly config: unknown;
}

/** An entry that has been read but not yet looked up; lives only between parsing and `resolveExtensions`. */
export class RouteConfigRef {
  readonly any: AnyConfig | undefined;
  readonly disabled: boolean | undefined;
  /** It is left out when the chain has no such filter, or the filter takes no configuration of routes. */
  readonly optional: boolean;
  /** The raw Any; its identity leads to its place in the file. */
  readonly source: object;

  constructor(any: AnyConfig | undefined, disabled: boolean | undefined, optional: boolean, source: object) {
    this.any = any;
    this.disabled = disabled;
    this.optional = optional;
    this.source = source;
  }
}

const filterConfigType = 'type.googleapis.com/envoy.config.route.v3.FilterConfig';

const filterConfig = message(
  { config: anyConfig('http-filter-route'), is_optional: bool(), disabled: bool() },
  { name: 'envoy.config.route.v3.FilterConfig' },
);

const perFilterEntry: ProtoType<RouteFilterConfig, ExtensionInfo> = protoType({
  kind: 'any',
  extensionKind: 'http-filter-route',
  entry: filterConfig as unknown as MessageSchema<Fields>,
  parse(value, report, child) {
    const any = anyConfig('http-filter-route').info.parse(value, report, child) as AnyConfig | undefined;
    if (!any || any.typeUrl !== filterConfigType) return any && new RouteConfigRef(any, undefined, false, any.node);
    const output = filterConfig.info.parse(any.config, report, child) as {
      readonly config?: AnyConfig;
      readonly disabled?: boolean;
      readonly isOptional?: boolean;
    };
    const { config, disabled = false, isOptional = false } = output;
    if (config === undefined && !disabled) {
      report({
        message: 'Empty route/virtual host per filter configuration',
        hint: 'give disabled: true, or config: {}',
      });
      return undefined;
    }
    // As in Envoy, an entry that is not disabled switches a disabled filter on, also when its config is empty.
    const empty = config !== undefined && !config.typed && Object.keys(config.config).length === 0;
    return new RouteConfigRef(empty ? undefined : config, disabled, isOptional, any.node);
  },
});

/** The map field itself. */
export function perFilterConfig(): Defaulted<ProtoType<Readonly<Record<string, RouteFilterConfig>>>> {
  return mapOf(perFilterEntry) as unknown as Defaulted<ProtoType<Readonly<Record<string, RouteFilterConfig>>>>;
}
