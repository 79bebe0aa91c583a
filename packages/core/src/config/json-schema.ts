/** The JSON Schema of the whole configuration, for completion and checking in editors. */
import { z } from 'zod';
import { bootstrapSchema } from './bootstrap.ts';
import type { Extensions } from './extension.ts';
import { type Field, type Fields, fieldSchema, type MessageInfo, type MessageSchema } from './message.ts';
import { camelCase, snakeCase } from './naming.ts';
import { definitionsOf, nodeOf } from './schema-walk.ts';

/** A JSON Schema document or a part of one. */
export type JsonSchema = { readonly [key: string]: unknown };

/**
 * Draft 2020-12. Both spellings of a field are accepted, snake_case comes with completion; `typed_config` knows the
 * configuration of every registered extension.
 */
export function configJsonSchema(extensions: Extensions): JsonSchema {
  const writer = new Writer(extensions);
  const root = writer.of(bootstrapSchema);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Mesh configuration (Envoy bootstrap, v3)',
    ...(writer.defs[refName(root)] as JsonSchema),
    $defs: writer.defs,
  };
}

function refName(schema: JsonSchema): string {
  return String(schema.$ref).replace('#/$defs/', '');
}

class Writer {
  readonly defs: Record<string, JsonSchema> = {};
  private readonly extensions: Extensions;

  constructor(extensions: Extensions) {
    this.extensions = extensions;
  }

  of(schema: z.ZodType): JsonSchema {
    const node = nodeOf(schema);
    switch (node.kind) {
      case 'leaf':
        return node.info.json;
      case 'list':
        return { type: 'array', items: this.of(node.item) };
      case 'map':
        return { type: 'object', additionalProperties: this.of(node.value) };
      case 'message':
        return this.message(node.info);
      case 'typed':
        return this.typed(node.info.typeUrl, node.info.schema);
      case 'extension':
        return this.extension(node.info.entry as unknown as z.ZodType, node.info.extensionKind);
      case 'any':
        return node.info.choices === undefined ? this.any(node.info.entry?.info) : this.oneOf(node.info.choices);
      default:
        return this.plain(schema);
    }
  }

  /** Messages are shared definitions: they recur, and some hold themselves. */
  private message(info: MessageInfo): JsonSchema {
    return this.shared(info.name, () => this.object(info));
  }

  /** What stands in several places is written once. `make` may come back to it. */
  private shared(name: string, make: () => JsonSchema): JsonSchema {
    if (this.defs[name] === undefined) {
      this.defs[name] = {};
      this.defs[name] = make();
    }
    return { $ref: `#/$defs/${name}` };
  }

  private object(info: MessageInfo, replaced: Readonly<Record<string, JsonSchema>> = {}): JsonSchema {
    const properties: Record<string, JsonSchema> = {};
    const required: JsonSchema[] = [];
    for (const [name, field] of Object.entries(info.fields)) {
      const schema = replaced[name] ?? this.of(fieldSchema(field));
      properties[name] = schema;
      const camel = camelCase(name);
      if (camel !== name) properties[camel] = schema;
      if (isRequired(field)) required.push(camel === name ? { required: [name] } : either(name, camel));
    }
    return {
      type: 'object',
      properties,
      additionalProperties: false,
      ...(required.length === 0 ? {} : { allOf: required }),
    };
  }

  private extension(entry: z.ZodType, kind: string): JsonSchema {
    const node = nodeOf(entry);
    if (node.kind !== 'message') return { type: 'object' };
    return this.shared(`${kind}.${node.info.name}`, () => this.entry(node.info, kind));
  }

  private entry(info: MessageInfo, kind: string): JsonSchema {
    const definitions = definitionsOf(this.extensions, kind);
    const configs = definitions.flatMap(({ typeUrl, config }) =>
      typeUrl === undefined ? [] : [this.typed(typeUrl, config as unknown as z.ZodType)],
    );
    const name = { type: 'string', examples: definitions.map((definition) => definition.name) };
    return this.object(info, { name, typed_config: { anyOf: [...configs, this.wrapped()] } });
  }

  /** Extensions without a type of their own, and any extension in a TypedStruct. */
  private wrapped(): JsonSchema {
    const known = definitionsOf(this.extensions, 'http-filter').concat(
      definitionsOf(this.extensions, 'network-filter'),
      definitionsOf(this.extensions, 'listener-filter'),
    );
    const urls = known.flatMap(({ typeUrl }) => typeUrl ?? []);
    return { type: 'object', properties: { '@type': { type: 'string', not: { enum: urls } } } };
  }

  /** One of the messages of a fixed place; others (in wrappers, or refused) are for the loader to judge. */
  private oneOf(choices: readonly MessageSchema<Fields>[]): JsonSchema {
    const urls = choices.map(({ info }) => `type.googleapis.com/${info.name}`);
    const other = { type: 'object', properties: { '@type': { type: 'string', not: { enum: urls } } } };
    return { anyOf: [...choices.map((schema, index) => this.typed(urls[index] ?? '', schema)), other] };
  }

  /** Whatever is not the message that is known to be possible here belongs to an extension. */
  private any(known: MessageInfo | undefined): JsonSchema {
    if (known === undefined) return { type: 'object', properties: { '@type': { type: 'string' } } };
    const typeUrl = `type.googleapis.com/${known.name}`;
    const other = { type: 'object', properties: { '@type': { type: 'string', not: { const: typeUrl } } } };
    const object = this.object(known);
    const properties = { '@type': { const: typeUrl }, ...(object.properties as object) };
    return { anyOf: [{ ...object, properties, required: ['@type'] }, other] };
  }

  private typed(typeUrl: string, config: z.ZodType): JsonSchema {
    return this.shared(`any.${typeUrl.slice(typeUrl.lastIndexOf('/') + 1)}`, () => this.withType(typeUrl, config));
  }

  private withType(typeUrl: string, config: z.ZodType): JsonSchema {
    const schema = this.of(config);
    const object = (typeof schema.$ref === 'string' ? this.defs[refName(schema)] : schema) as JsonSchema;
    const properties = { '@type': { const: typeUrl }, ...(object.properties as object | undefined) };
    return { ...object, properties, required: ['@type'] };
  }

  /** An extension's plain zod object: its keys are camelCase in code, and snake_case is understood as well. */
  private plain(schema: z.ZodType): JsonSchema {
    if (!(schema instanceof z.ZodType)) return { type: 'object' };
    return withSnakeCase(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema);
  }
}

function either(name: string, camel: string): JsonSchema {
  return { anyOf: [{ required: [name] }, { required: [camel] }] };
}

function isRequired(field: Field): boolean {
  return 'presence' in field && field.presence === 'required';
}

function withSnakeCase(schema: JsonSchema): JsonSchema {
  const { $schema: _, required: _required, ...rest } = schema;
  if (rest.properties === undefined) return rest;
  const properties: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest.properties as Record<string, JsonSchema>)) {
    const inner = withSnakeCase(value);
    properties[key] = inner;
    properties[snakeCase(key)] = inner;
  }
  return { ...rest, properties, additionalProperties: false };
}
