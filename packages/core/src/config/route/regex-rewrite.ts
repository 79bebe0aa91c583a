/** Small messages that several route actions share. */

import { Replacement } from '../../regex/replace.ts';
import { regexMatcher } from '../common.ts';
import { message, required, withDefault } from '../message.ts';
import { string } from '../proto-json.ts';

/** A header value of Envoy's lenient kind, which may be empty. */
function looseText() {
  return string({ pattern: /^[^\0\r\n]*$/, expected: 'text without line breaks' });
}

/** Envoy `RegexMatchAndSubstitute`: every match is replaced; `\1` in the substitution is the first group. */
export const regexMatchAndSubstitute = message(
  { pattern: required(regexMatcher), substitution: withDefault(looseText(), '') },
  {
    name: 'envoy.type.matcher.v3.RegexMatchAndSubstitute',
    check({ pattern, substitution = '' }, report) {
      if (pattern?.regex === undefined) return;
      const problem = replacementProblem(pattern.regex, substitution);
      if (problem !== undefined) report({ path: ['substitution'], message: problem });
    },
  },
);

/** What is wrong with the substitution; a bad pattern has been told by the pattern itself. */
function replacementProblem(pattern: string, substitution: string): string | undefined {
  try {
    new Replacement(pattern, '');
  } catch {
    return undefined;
  }
  try {
    new Replacement(pattern, substitution);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
