/** An Any whose message is fixed by the place where it stands. */
import { type AnyConfig, anyConfig } from './extension.ts';
import type { Fields, MessageSchema } from './message.ts';
import { type ProtoInfo, type ProtoType, protoType } from './schema-type.ts';

/** The description of a `typedConfig()` type, for introspection. */
export interface TypedInfo extends ProtoInfo {
  readonly kind: 'typed';
  readonly typeUrl: string;
  readonly schema: MessageSchema<Fields>;
}

/** `{ "@type": <type URL of the message>, …fields of the message }`. */
export function typedConfig<F extends Fields>(
  schema: MessageSchema<F>,
): ProtoType<MessageSchema<F>['_zod']['output'], TypedInfo> {
  const typeUrl = `type.googleapis.com/${schema.info.name}`;
  const any = anyConfig('');
  return protoType({
    kind: 'typed',
    typeUrl,
    schema: schema as unknown as MessageSchema<Fields>,
    parse(value, report, child) {
      const read = any.info.parse(value, report, child) as AnyConfig | undefined;
      if (!read) return undefined;
      const { typeUrl: found, config, step } = read;
      if (found === typeUrl) {
        return schema.info.parse(
          config,
          (issue) => report({ ...issue, path: [...step, ...(issue.path ?? [])] }),
          child,
        );
      }
      const message = found === undefined ? `needs "@type": ${typeUrl}` : `expected the type ${typeUrl}, got ${found}`;
      report({ path: found === undefined ? [] : ['@type'], message });
      return undefined;
    },
  });
}
