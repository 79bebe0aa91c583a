/** Envoy's `StringMatcher` and the other conditions on one text, compiled to one call. */
import { FullMatch } from './full-match.ts';
import { lowerAscii, wireText } from './wire-text.ts';

/** Envoy `StringMatcher`: exactly one of the conditions is given. */
export interface StringMatch {
  readonly exact?: string | undefined;
  readonly prefix?: string | undefined;
  readonly suffix?: string | undefined;
  readonly contains?: string | undefined;
  readonly safeRegex?: { readonly regex: string } | undefined;
  readonly ignoreCase?: boolean | undefined;
}

/** A compiled condition on a text. */
export type TextTest = (text: string) => boolean;

/** Compiles a `StringMatcher`. @throws SyntaxError for a bad regular expression. */
export function compileStringMatcher(settings: StringMatch): TextTest {
  const { exact, prefix, suffix, contains, safeRegex, ignoreCase = false } = settings;
  if (safeRegex !== undefined) return regexTest(safeRegex.regex);
  const test = plainTest(exact, prefix, suffix, contains, ignoreCase);
  return ignoreCase ? (text) => test(lowerAscii(text)) : test;
}

function plainTest(
  exact: string | undefined,
  prefix: string | undefined,
  suffix: string | undefined,
  contains: string | undefined,
  ignoreCase: boolean,
): TextTest {
  const wanted = (text: string) => (ignoreCase ? lowerAscii(wireText(text)) : wireText(text));
  if (prefix !== undefined) return prefixTest(wanted(prefix));
  if (suffix !== undefined) return suffixTest(wanted(suffix));
  if (contains !== undefined) return containsTest(wanted(contains));
  return exactTest(wanted(exact ?? ''));
}

/** The whole text is `wanted`. */
export function exactTest(wanted: string): TextTest {
  return (text) => text === wanted;
}

/** The text begins with `wanted`. */
export function prefixTest(wanted: string): TextTest {
  return (text) => text.startsWith(wanted);
}

/** The text ends with `wanted`. */
export function suffixTest(wanted: string): TextTest {
  return (text) => text.endsWith(wanted);
}

/** The text contains `wanted`. */
export function containsTest(wanted: string): TextTest {
  return (text) => text.includes(wanted);
}

/** The whole text matches. @throws SyntaxError */
export function regexTest(pattern: string): TextTest {
  const regex = new FullMatch(pattern);
  return (text) => regex.test(text);
}

/** The text is a decimal int64 in [start, end). */
export function rangeTest(start: number, end: number): TextTest {
  return (text) => {
    if (!/^[-+]?[0-9]+$/.test(text)) return false;
    const value = Number(text);
    return value >= start && value < end;
  };
}
