/** Filters of the admin server: patterns come from whoever can reach its port, so their length is bounded as well. */
import { Search } from '../regex/search.ts';

/** Longest pattern that is looked at. */
const MAX_PATTERN_LENGTH = 1000;

/** A compiled pattern. */
export interface SafeRegex {
  /** Whether the pattern matches: anywhere in `text`, or all of it, whichever it was compiled for. */
  test(text: string): boolean;
}

/**
 * Compiles a pattern.
 * @throws SyntaxError with RE2's wording (`missing ]: [`) when it is not valid, or when it is too long or too large.
 */
export function compileSafeRegex(pattern: string): SafeRegex {
  if (pattern.length > MAX_PATTERN_LENGTH)
    throw new SyntaxError(`pattern longer than ${MAX_PATTERN_LENGTH} characters`);
  if (/^[\w :/-]*$/.test(pattern)) return { test: (text) => text.includes(pattern) };
  return new Search(pattern);
}

/**
 * Compiles a pattern that has to match the whole of a text.
 * @throws SyntaxError as {@link compileSafeRegex} does.
 */
export function compileFullMatch(pattern: string): SafeRegex {
  // Compiled as it is first, so that an error shows the pattern as it was written.
  compileSafeRegex(pattern);
  return new Search(`^(?:${pattern})$`);
}
