/** A text with `%COMMAND%`s, compiled to see that it can be. */
import { compileFormat } from '../format/format.ts';
import { nonEmpty } from './proto-json.ts';
import { protoType } from './schema-type.ts';

/** A text whose commands are known; not empty unless `plain` says otherwise. */
export function formatText(plain = nonEmpty()) {
  return protoType<string, typeof plain.info>({
    ...plain.info,
    parse(value, report, child) {
      const text = plain.info.parse(value, report, child) as string | undefined;
      try {
        if (text !== undefined) compileFormat(text);
      } catch (error) {
        report({ message: (error as Error).message });
      }
      return text;
    },
  });
}
