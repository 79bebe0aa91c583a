/** Which field of Envoy's configuration is implemented, known or refused: read from the schemas, for documents. */
import { bootstrapSchema } from './bootstrap.ts';
import type { Extensions } from './extension.ts';
import { type Field, fieldSchema } from './message.ts';
import type { LeafInfo } from './proto-json.ts';
import { messagesBelow, nodeOf } from './schema-walk.ts';

/** One field of one message. */
export interface FieldSupport {
  /** Full proto name, e.g. `envoy.config.cluster.v3.Cluster`. */
  readonly message: string;
  readonly field: string;
  readonly status: 'implemented' | 'refused';
  /** Why it is refused; '' when there is no more to say. */
  readonly reason: string;
  /** Values of an implemented field that are refused, each with the reason. */
  readonly refusedValues?: Readonly<Record<string, string>>;
}

/** Every field of every message that a configuration with these extensions can hold. */
export function supportTable(extensions: Extensions): FieldSupport[] {
  return messagesBelow(bootstrapSchema, extensions).flatMap(({ name, fields, known }) => [
    ...Object.entries(fields).map(([field, definition]) => implemented(name, field, definition)),
    ...Object.entries(known).map(([field, reason]) => ({ message: name, field, status: 'refused' as const, reason })),
  ]);
}

function implemented(message: string, field: string, definition: Field): FieldSupport {
  const node = nodeOf(fieldSchema(definition));
  const refusedValues = node.kind === 'leaf' ? (node.info as LeafInfo).knownValues : undefined;
  const some = refusedValues !== undefined && Object.keys(refusedValues).length > 0;
  return { message, field, status: 'implemented', reason: '', ...(some ? { refusedValues } : {}) };
}
