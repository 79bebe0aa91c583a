/** The seam between configuration and extensions: `{ name, typed_config }` entries, before and after they are resolved. */
import { didYouMean, showValue } from './issues.ts';
import {
  type Fields,
  type MessageOutput,
  type MessageSchema,
  message,
  notSupported,
  required,
  withDefault,
} from './message.ts';
import { nonEmpty, string } from './proto-json.ts';
import { type ProtoInfo, type ProtoType, protoType, type Report } from './schema-type.ts';
import { isMap, type RawMap, rawMap } from './source-map.ts';
import type { StandardSchema } from './standard-schema.ts';
import { unbuiltExtension } from './unbuilt-extensions.ts';

/** What configuration must know about an extension; the registry's definitions have more. */
export interface ExtensionDefinition {
  /** Canonical name, for example `envoy.filters.http.router`. */
  readonly name: string;
  /** Type URL of its configuration message. Without one it is found by name, and `@type` need not be written. */
  readonly typeUrl?: string | undefined;
  readonly config: StandardSchema;
  /** Schema of `typed_per_filter_config` entries, for HTTP filters that have any. */
  readonly routeConfig?: StandardSchema | undefined;
  /** Of filters: whether it ends a chain. Where it is not said, the place of the filter is not checked. */
  readonly terminal?: boolean | undefined;
  /** Of discoveries: the values of a cluster's `type` that it serves. */
  readonly types?: readonly string[] | undefined;
}

/** The registry as configuration sees it. Kinds: `http-filter`, `network-filter`, `discovery`, … */
export interface Extensions<Definition extends ExtensionDefinition = ExtensionDefinition> {
  /** By type URL when one is given, else by canonical name. */
  find(kind: string, by: { readonly name: string; readonly typeUrl?: string | undefined }): Definition | undefined;
  /** Canonical names of a kind, for suggestions and for the JSON Schema. */
  names(kind: string): readonly string[];
}

/** An entry of a list of extensions (filters and the like), with its configuration parsed. */
export interface ResolvedExtension {
  /** The instance name as written. */
  readonly name: string;
  readonly typeUrl: string | undefined;
  readonly definition: ExtensionDefinition;
  /** What the definition's schema made of the configuration. */
  readonly config: unknown;
}

/** The content of an Any, untied from its wrappers (TypedStruct, Struct, Empty). */
export interface AnyConfig {
  /** Undefined when the extension is to be found by name. */
  readonly typeUrl: string | undefined;
  readonly config: RawMap;
  /** Whether `@type` was written. */
  readonly typed: boolean;
  /** Steps from the Any to `config`. */
  readonly step: readonly string[];
  /** The raw node itself; its identity leads to its place in the file. */
  readonly node: RawMap;
}

/** An entry that has been read but not yet looked up; lives only between parsing and `resolveExtensions`. */
export class ExtensionRef {
  readonly kind: string;
  readonly name: string;
  readonly any: AnyConfig | undefined;
  readonly extra: Readonly<Record<string, unknown>>;
  /** The raw `{ name, typed_config }` node; its identity leads to its place in the file. */
  readonly source: RawMap;

  constructor(
    kind: string,
    name: string,
    any: AnyConfig | undefined,
    extra: Readonly<Record<string, unknown>>,
    source: RawMap,
  ) {
    this.kind = kind;
    this.name = name;
    this.any = any;
    this.extra = extra;
    this.source = source;
  }
}

/** The description of an `extension()` or `anyConfig()` type, for introspection. */
export interface ExtensionInfo extends ProtoInfo {
  readonly kind: 'extension' | 'any';
  readonly extensionKind: string;
  /** The message around `typed_config`, or for an Any one that it may hold whatever the extension. */
  readonly entry?: MessageSchema<Fields>;
  /** The messages that an Any at a fixed place may hold. */
  readonly choices?: readonly MessageSchema<Fields>[];
}

/** A google.protobuf.Any. `extensionKind` tells which extensions it may hold, for the JSON Schema. */
export function anyConfig(extensionKind: string): ProtoType<AnyConfig, ExtensionInfo> {
  return protoType({ kind: 'any', extensionKind, parse: (value, report) => parseAny(value, report) });
}

const typedStructs = ['xds.type.v3.TypedStruct', 'udpa.type.v1.TypedStruct'];

function parseAny(node: unknown, report: Report): AnyConfig | undefined {
  if (!isMap(node)) {
    report({ message: `expected a map with "@type", got ${showValue(node)}`, expected: 'a map' });
    return undefined;
  }
  const typeUrl = node['@type'];
  if (typeUrl !== undefined && (typeof typeUrl !== 'string' || !typeUrl.includes('/'))) {
    const message = `expected a type URL such as "type.googleapis.com/<message>", got ${showValue(typeUrl)}`;
    report({ path: ['@type'], message });
    return undefined;
  }
  const config = without(node, '@type');
  const type = typeUrl?.slice(typeUrl.lastIndexOf('/') + 1) ?? '';
  if (typedStructs.includes(type)) return parseWrapper(typedStruct, node, config, report);
  if (type === 'google.protobuf.Struct') return parseWrapper(plainStruct, node, config, report);
  const byName = type === '' || type === 'google.protobuf.Empty';
  return { typeUrl: byName ? undefined : typeUrl, config, typed: typeUrl !== undefined, step: [], node };
}

const typedStruct = { fields: ['type_url', 'value'], name: 'TypedStruct' };
const plainStruct = { fields: ['value'], name: 'google.protobuf.Struct' };

function parseWrapper(
  wrapper: { readonly fields: readonly string[]; readonly name: string },
  node: RawMap,
  content: RawMap,
  report: Report,
): AnyConfig | undefined {
  for (const key of Object.keys(content)) {
    const field = key === 'typeUrl' ? 'type_url' : key;
    if (wrapper.fields.includes(field)) continue;
    report({ path: [key], at: 'key', message: `unknown field "${key}" of ${wrapper.name}` });
    return undefined;
  }
  const typeUrl = content.type_url ?? content.typeUrl;
  const value = content.value ?? rawMap();
  if (isMap(value) && (typeUrl === undefined || typeof typeUrl === 'string')) {
    return { typeUrl: typeUrl || undefined, config: value, typed: true, step: ['value'], node };
  }
  report({ message: `${wrapper.name} needs a map "value"${typeUrl === undefined ? '' : ' and a text "type_url"'}` });
  return undefined;
}

/** A copy of a raw map without one key. */
function without(map: RawMap, key: string): RawMap {
  return rawMap(Object.entries(map).filter(([name]) => name !== key));
}

/**
 * An entry `{ name, typed_config, …extra }`. Parsing leaves an `ExtensionRef` in its place; `resolveExtensions` puts
 * what the declared type promises there.
 */
export function extension<E extends Fields>(
  extensionKind: string,
  options: {
    readonly name: string;
    readonly extra: E;
    readonly known: Readonly<Record<string, string>>;
    /** The name is a label that may be empty. Default false. */
    readonly labelled?: boolean;
  },
): ProtoType<ResolvedExtension & MessageOutput<E>, ExtensionInfo> {
  const name = options.labelled ? withDefault(string(), '') : required(nonEmpty());
  const fields = { name, typed_config: anyConfig(extensionKind), ...options.extra };
  const entry = message(fields as Fields, { name: options.name, known: options.known });
  return protoType({
    kind: 'extension',
    extensionKind,
    entry,
    parse(value, report, child) {
      if (isConfigured(value)) return resolvedInCode(value);
      const output = entry.info.parse(value, report, child) as Record<string, unknown> | undefined;
      if (!output || typeof output.name !== 'string') return undefined;
      const { name, typedConfig, ...extra } = output;
      const any = typedConfig as AnyConfig | undefined;
      // A typed_config that could not be read has been reported; looking it up would only say so again.
      if (!any && isMap(value) && hasTypedConfig(value)) return undefined;
      return new ExtensionRef(extensionKind, name as string, any, extra, value as RawMap);
    },
  });
}

/** A definition with its checked config, as the code door gives it. */
interface ConfiguredInCode {
  readonly definition: ExtensionDefinition;
  readonly config: unknown;
}

function isConfigured(value: unknown): value is ConfiguredInCode {
  if (typeof value !== 'object' || value === null || !('definition' in value)) return false;
  return typeof (value.definition as { readonly config?: unknown } | null)?.config === 'object';
}

/** What else stands beside the two, e.g. a filter, is given in its parsed form. */
function resolvedInCode(value: ConfiguredInCode): never {
  const { name, typeUrl } = value.definition;
  return { name, typeUrl, ...value } as never;
}

function hasTypedConfig(entry: RawMap): boolean {
  return (entry.typed_config ?? entry.typedConfig ?? null) !== null;
}

/** The message for an entry that no definition answers to; Envoy's own words. */
export function unregistered(extensions: Extensions, kind: string, name: string, typeUrl: string | undefined) {
  const unbuilt = unbuiltExtension(kind, name, typeUrl);
  if (unbuilt !== undefined) return { message: `${unbuilt.name} is ${notSupported(unbuilt.reason)}` };
  const byName = extensions.find(kind, { name });
  const hint =
    byName?.typeUrl !== undefined && typeUrl !== undefined
      ? `"${name}" has the type ${byName.typeUrl}`
      : didYouMean(name, extensions.names(kind));
  return {
    message: `Didn't find a registered implementation for '${name}' with type URL: '${typeUrl ?? ''}'`,
    ...(hint === undefined ? {} : { hint }),
  };
}

/** Reasons for the parts of an extension entry that are not implemented. */
export const discoveredConfig = { config_discovery: 'extension discovery (ECDS) is not built yet' };
