/** An entry `{ name, typed_config }` whose configuration is one of a few messages that are fixed by the place it stands at. */
import { type AnyConfig, anyConfig, type ExtensionInfo } from './extension.ts';
import { didYouMean } from './issues.ts';
import { type Fields, fields, type MessageSchema, message, notSupported, required } from './message.ts';
import { nonEmpty } from './proto-json.ts';
import { type ProtoType, protoType } from './schema-type.ts';
import { isMap, type RawMap, rawMap } from './source-map.ts';

/** One of the messages, and the name under which Envoy registers it. */
export interface TypedChoice {
  readonly name: string;
  /** `undefined` when Envoy has it and this version has not: `reason` is told. */
  readonly schema: MessageSchema<Fields> | undefined;
  /** Full name of the message when there is no schema. */
  readonly type?: string;
  readonly reason?: string;
}

/** What such an entry becomes. */
export interface TypedExtension {
  /** Envoy's registered name, whatever name the entry was given. */
  readonly name: string;
  readonly config: unknown;
}

interface Chosen {
  readonly typeUrl: string | undefined;
  readonly choice: TypedChoice | undefined;
  readonly config: unknown;
}

/**
 * The entry. As in Envoy its type decides; its name only where no type is written.
 *
 * @param messageName the message around it, e.g. `envoy.config.core.v3.TypedExtensionConfig`
 */
export function typedExtension(
  messageName: string,
  choices: readonly TypedChoice[],
): ProtoType<TypedExtension, ExtensionInfo> {
  const entry = message(
    { name: required(nonEmpty()), typed_config: oneOfTypes(choices) },
    { name: messageName, known: fields('config', 'use typed_config') },
  );
  return protoType({
    ...(entry.info as unknown as ExtensionInfo),
    parse(value, report, child) {
      const { name, typedConfig } = (entry.info.parse(value, report, child) ?? {}) as {
        readonly name?: string;
        readonly typedConfig?: Chosen;
      };
      // What could not be read has been told.
      if (name === undefined || (typedConfig === undefined && hasTypedConfig(value))) return undefined;
      const choice = typedConfig?.choice ?? byName(choices, typedConfig, name);
      const path = typedConfig?.typeUrl === undefined ? ['name'] : ['typed_config', '@type'];
      if (choice === undefined) {
        const hint = didYouMean(
          name,
          choices.map((each) => each.name),
        );
        const message = `Didn't find a registered implementation for '${name}' with type URL: '${typedConfig?.typeUrl ?? ''}'`;
        report({ path, message, ...(hint === undefined || hint === name ? {} : { hint }) });
        return undefined;
      }
      if (choice.schema === undefined) {
        report({ path, message: `${choice.name} is ${notSupported(choice.reason)}` });
        return undefined;
      }
      return { name: choice.name, config: typedConfig?.config ?? choice.schema.info.parse(rawMap(), report, child) };
    },
  });
}

function byName(choices: readonly TypedChoice[], given: Chosen | undefined, name: string): TypedChoice | undefined {
  return given?.typeUrl === undefined ? choices.find((each) => each.name === name) : undefined;
}

function hasTypedConfig(entry: unknown): boolean {
  return isMap(entry) && ((entry as RawMap).typed_config ?? (entry as RawMap).typedConfig ?? null) !== null;
}

function oneOfTypes(choices: readonly TypedChoice[]): ProtoType<Chosen, ExtensionInfo> {
  const any = anyConfig('');
  return protoType({
    kind: 'any',
    extensionKind: '',
    choices: choices.flatMap(({ schema }) => schema ?? []),
    parse(value, report, child) {
      const read = any.info.parse(value, report, child) as AnyConfig | undefined;
      if (read === undefined) return undefined;
      const choice = choices.find((each) => typeUrlOf(each) === read.typeUrl);
      const config = choice?.schema?.info.parse(
        read.config,
        (issue) => report({ ...issue, path: [...read.step, ...(issue.path ?? [])] }),
        child,
      );
      return { typeUrl: read.typeUrl, choice, config };
    },
  });
}

function typeUrlOf({ schema, type }: TypedChoice): string {
  return `type.googleapis.com/${schema?.info.name ?? type}`;
}
