/** Walks every message that a configuration can hold, for what is generated from the schemas: JSON Schema and documents. */
import { z } from 'zod';
import type { ExtensionDefinition, ExtensionInfo, Extensions } from './extension.ts';
import { fieldSchema, type MessageInfo } from './message.ts';
import { infoOf, type ProtoInfo } from './schema-type.ts';
import type { TypedInfo } from './typed-config.ts';

/** A part of a schema, told apart by kind. */
export type SchemaNode =
  | { readonly kind: 'message'; readonly info: MessageInfo }
  | { readonly kind: 'leaf'; readonly info: ProtoInfo & { readonly json: Readonly<Record<string, unknown>> } }
  | { readonly kind: 'list'; readonly item: z.ZodType }
  | { readonly kind: 'map'; readonly value: z.ZodType }
  | { readonly kind: 'extension'; readonly info: ExtensionInfo }
  | { readonly kind: 'any'; readonly info: ExtensionInfo }
  | { readonly kind: 'typed'; readonly info: TypedInfo }
  | { readonly kind: 'zod'; readonly schema: z.ZodType };

/** What stands behind a schema. */
export function nodeOf(schema: z.ZodType): SchemaNode {
  const info = infoOf(schema);
  if (info !== undefined) return { kind: info.kind, info } as unknown as SchemaNode;
  if (schema instanceof z.ZodArray) return { kind: 'list', item: schema.element as z.ZodType };
  if (schema instanceof z.ZodRecord) return { kind: 'map', value: schema.valueType as z.ZodType };
  return { kind: 'zod', schema };
}

/** The definitions of a kind of extension. */
export function definitionsOf(extensions: Extensions, kind: string): ExtensionDefinition[] {
  return extensions.names(kind).flatMap((name) => extensions.find(kind, { name }) ?? []);
}

/** The messages that an Any is known to be able to hold. */
function anyMessages({ entry, choices = [] }: ExtensionInfo): readonly z.ZodType[] {
  return entry === undefined ? choices : [entry, ...choices];
}

/** Every message below `root`, each once, in the order in which they are met. */
export function messagesBelow(root: z.ZodType, extensions: Extensions): MessageInfo[] {
  const found = new Map<string, MessageInfo>();
  const visit = (schema: z.ZodType): void => {
    const node = nodeOf(schema);
    if (node.kind === 'list') visit(node.item);
    else if (node.kind === 'map') visit(node.value);
    else if (node.kind === 'typed') visit(node.info.schema);
    else if (node.kind === 'any') for (const held of anyMessages(node.info)) visit(held);
    else if (node.kind === 'extension') {
      if (node.info.entry !== undefined) visit(node.info.entry);
      for (const { config } of definitionsOf(extensions, node.info.extensionKind))
        visit(config as unknown as z.ZodType);
    } else if (node.kind === 'message' && !found.has(node.info.name)) {
      found.set(node.info.name, node.info);
      for (const field of Object.values(node.info.fields)) visit(fieldSchema(field));
    }
  };
  visit(root);
  return [...found.values()];
}
