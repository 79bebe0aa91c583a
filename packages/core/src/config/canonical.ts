/** The form in which Envoy itself would print a configuration, for `/config_dump`: proto names, canonical scalars. */
import type { z } from 'zod';
import type { Extensions } from './extension.ts';
import { fieldSchema, type MessageInfo } from './message.ts';
import { camelCase } from './naming.ts';
import type { LeafInfo } from './proto-json.ts';
import { nodeOf } from './schema-walk.ts';
import { isMap, type RawMap, rawMap } from './source-map.ts';

/**
 * Rewrites data that `schema` has accepted: fields under their proto names, enums by name, durations as text, `null`
 * left out. What extensions with schemas of their own were given stays as it was written.
 */
export function canonicalForm(schema: z.ZodType, value: unknown, extensions: Extensions): unknown {
  const node = nodeOf(schema);
  switch (node.kind) {
    case 'leaf':
      return (node.info as LeafInfo).canonical?.(value) ?? value;
    case 'list':
      return Array.isArray(value) ? value.map((item) => canonicalForm(node.item, item, extensions)) : value;
    case 'map':
      return isMap(value) ? eachValue(value, (part) => canonicalForm(node.value, part, extensions)) : value;
    case 'message':
      return isMap(value) ? canonicalMessage(node.info, value, extensions) : value;
    case 'typed':
      return isMap(value) ? canonicalAny(node.info.schema, value, extensions) : value;
    case 'extension':
      return isMap(value) ? canonicalEntry(node.info, value, extensions) : value;
    default:
      return value;
  }
}

function eachValue(map: RawMap, change: (value: unknown) => unknown): RawMap {
  return rawMap(Object.keys(map).map((key) => [key, change(map[key])]));
}

function canonicalMessage(info: MessageInfo, value: RawMap, extensions: Extensions): RawMap {
  const names = new Map(Object.keys(info.fields).map((name) => [camelCase(name), name]));
  const result = rawMap();
  for (const key of Object.keys(value)) {
    const name = names.get(camelCase(key));
    const field = name === undefined ? undefined : info.fields[name];
    if (value[key] === null) continue;
    result[name ?? key] = field === undefined ? value[key] : canonicalForm(fieldSchema(field), value[key], extensions);
  }
  return result;
}

/** Wrapped messages (TypedStruct) stay as they were written. */
function canonicalAny(schema: z.ZodType, value: RawMap, extensions: Extensions): RawMap {
  const { info, kind } = nodeOf(schema) as { info: MessageInfo; kind: string };
  if (kind !== 'message' || !String(value['@type']).endsWith(`/${info.name}`)) return value;
  return canonicalMessage(info, value, extensions);
}

function canonicalEntry(
  info: { readonly extensionKind: string; readonly entry?: { readonly info: MessageInfo } },
  value: RawMap,
  extensions: Extensions,
): RawMap {
  const entry = info.entry === undefined ? value : canonicalMessage(info.entry.info, value, extensions);
  const config = entry.typed_config;
  const typeUrl = isMap(config) ? config['@type'] : undefined;
  if (!isMap(config) || typeof typeUrl !== 'string' || typeof entry.name !== 'string') return entry;
  const definition = extensions.find(info.extensionKind, { name: entry.name, typeUrl });
  if (definition !== undefined) {
    entry.typed_config = canonicalAny(definition.config as unknown as z.ZodType, config, extensions);
  }
  return entry;
}
