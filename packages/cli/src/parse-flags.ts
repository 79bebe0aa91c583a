/** Command-line arguments → flags and their values. */
import { FLAGS, type Flag, findFlag } from './flags.ts';
import { nearest } from './nearest.ts';

/** What was written on the command line. */
export interface ParsedFlags {
  /** By flag name; `''` for a flag without value. */
  readonly values: ReadonlyMap<string, string>;
  /** Every value of the flags that may be repeated, by flag name. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
  /** Words that are not flags. */
  readonly words: readonly string[];
  /** Flags that were given and do nothing. */
  readonly ignored: readonly Flag[];
  /** Everything that is wrong, one sentence each; when there is any, nothing may be started. */
  readonly problems: readonly string[];
}

/**
 * Reads arguments as `--flag value` or `--flag=value`. Every problem is found, not only the first. `flags` are those of
 * the command; without one, Envoy's.
 */
export function parseFlags(argv: readonly string[], flags: readonly Flag[] = FLAGS): ParsedFlags {
  const values = new Map<string, string>();
  const lists = new Map<string, string[]>();
  const words: string[] = [];
  const ignored: Flag[] = [];
  const problems: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] as string;
    if (!argument.startsWith('-') || argument === '-') {
      words.push(argument);
      continue;
    }
    const equals = argument.indexOf('=');
    const written = equals === -1 ? argument : argument.slice(0, equals);
    const flag = findFlag(written, flags);
    if (flag === undefined) {
      problems.push(unknown(written, flags));
      continue;
    }
    let value = equals === -1 ? undefined : argument.slice(equals + 1);
    if (flag.value !== 'none' && value === undefined) value = argv[++at];
    const twice = values.has(flag.name) && flag.repeated !== true;
    const problem = problemOf(flag, written, value) ?? (twice ? `${written} is given twice` : undefined);
    if (problem !== undefined) problems.push(problem);
    values.set(flag.name, value ?? '');
    if (flag.repeated) lists.set(flag.name, [...(lists.get(flag.name) ?? []), value ?? '']);
    if (flag.use === 'ignored') ignored.push(flag);
  }
  return { values, lists, words, ignored, problems };
}

function problemOf(flag: Flag, written: string, value: string | undefined): string | undefined {
  if (flag.use === 'refused') return `${written} cannot be used: ${flag.help}`;
  if (flag.value === 'none') return value === undefined ? undefined : `${written} takes no value`;
  if (value === undefined) return `${written} needs a value`;
  if (flag.value === 'count' && !(/^\d{1,10}$/.test(value) && Number(value) < 2 ** 32)) {
    return `${written} needs a whole number, not "${value}"`;
  }
  if (flag.only === undefined || value === flag.only) return undefined;
  return `${written} can only be ${flag.only}: ${flag.help}`;
}

function unknown(written: string, flags: readonly Flag[]): string {
  const near = nearest(
    written.replace(/^-+/, ''),
    flags.map(({ name }) => name),
  );
  return `unknown flag ${written}${near === undefined ? '' : `; did you mean --${near}?`}`;
}
