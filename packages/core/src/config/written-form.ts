/** Typed config → the JSON that Envoy would print of it, for `/config_dump` of what was made in code. */
import type { z } from 'zod';
import { fieldSchema, type MessageInfo, outputName } from './message.ts';
import { nodeOf } from './schema-walk.ts';

/** A JSON value. */
export type WrittenJson =
  | string
  | number
  | boolean
  | null
  | readonly WrittenJson[]
  | { readonly [key: string]: WrittenJson };

interface Entry {
  readonly name: string;
  readonly typeUrl?: string | undefined;
  readonly definition: { readonly config: unknown };
  readonly config: unknown;
}

/** What `schema` has made, or would have made, `value` from: proto names, durations as text. */
export function writtenForm(schema: z.ZodType, value: unknown): WrittenJson {
  const node = nodeOf(schema);
  if (value === undefined || value === null) return null;
  if (isEntry(value)) return writtenEntry(value);
  if (node.kind === 'list' && Array.isArray(value)) return value.map((item) => writtenForm(node.item, item));
  if (node.kind === 'map') return eachValue(value, (part) => writtenForm(node.value, part));
  if (node.kind === 'message') return writtenMessage(node.info, value as Record<string, unknown>);
  if (node.kind === 'leaf' && (node.info as { unit?: string }).unit === 'ms') return `${(value as number) / 1000}s`;
  return plainForm(value);
}

function writtenMessage(info: MessageInfo, value: Record<string, unknown>): WrittenJson {
  const written: Record<string, WrittenJson> = {};
  for (const [name, field] of Object.entries(info.fields)) {
    const part = value[outputName(name, field)];
    if (part === undefined || isEmpty(part) || isDefault(field, part)) continue;
    written[name] = writtenForm(fieldSchema(field), part);
  }
  return written;
}

function isDefault(field: object, value: unknown): boolean {
  const given = field as { readonly presence?: string; readonly value?: () => unknown };
  return given.presence === 'default' && given.value?.() === value;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** An extension stands in config as what was found in the registry. */
function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && 'definition' in value && 'config' in value && 'name' in value;
}

function writtenEntry({ name, typeUrl, definition, config }: Entry): WrittenJson {
  const form = isMessage(definition.config) ? writtenForm(definition.config, config) : plainForm(config);
  const type = typeUrl === undefined ? {} : { '@type': typeUrl };
  const own = typeof form === 'object' && form !== null && !Array.isArray(form) ? form : {};
  return { name, typed_config: { ...type, ...own } };
}

function isMessage(schema: unknown): schema is z.ZodType {
  return typeof schema === 'object' && schema !== null && '_zod' in schema;
}

/** What no schema describes, without what is no JSON. */
function plainForm(value: unknown): WrittenJson {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return String(value);
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  }
  if (Array.isArray(value)) return value.map(plainForm);
  if (typeof value !== 'object') return null;
  return isEntry(value) ? writtenEntry(value) : eachValue(value, plainForm);
}

function eachValue(value: unknown, change: (part: unknown) => WrittenJson): WrittenJson {
  const parts = Object.entries(value as object).filter(([, part]) => part !== undefined && typeof part !== 'function');
  return Object.fromEntries(parts.map(([key, part]) => [key, change(part)]));
}
