/** The literal beginning of a regular expression: by it a route can be found without running the expression. */

/** Characters that stand for themselves in every place of a pattern. */
const PLAIN = /[A-Za-z0-9/_\-~%&=:@!,;'"<> #]/;

/** A pattern in two parts: the text that every full match begins with, and the pattern of what follows it. */
export interface SplitPattern {
  readonly prefix: string;
  readonly rest: string;
}

/** Splits a valid pattern. Where it is not obvious the prefix is shorter than it could be, perhaps ''. */
export function splitPattern(pattern: string): SplitPattern {
  if (hasTopLevelChoice(pattern)) return { prefix: '', rest: pattern };
  let prefix = '';
  let at = pattern.startsWith('^') ? 1 : 0;
  while (at < pattern.length) {
    const escaped = pattern[at] === '\\';
    const character = pattern[escaped ? at + 1 : at] ?? '';
    // An escaped letter or digit is a class or a position; an escaped anything else stands for itself.
    if (escaped ? !/[^A-Za-z0-9\x80-\uffff]/.test(character) : !PLAIN.test(character)) break;
    const next = at + (escaped ? 2 : 1);
    if (/[*?+{]/.test(pattern[next] ?? '')) break;
    prefix += character;
    at = next;
  }
  const rest = pattern.slice(at);
  // What is repeated must not be parted from its operator.
  const parted = /^[*?+{]/.test(rest);
  return parted || looksBack(rest) ? { prefix: '', rest: pattern } : { prefix, rest };
}

/** Whether what stands before the rest may matter to it: `^`, `\A`, `\b` and `\B`; wrong guesses say yes. */
function looksBack(rest: string): boolean {
  return /\\[AbBQ]/.test(rest) || rest.replaceAll('[^', '').includes('^');
}

/** Whether a `|` may stand outside of groups; wrong guesses say yes. */
function hasTopLevelChoice(pattern: string): boolean {
  if (!pattern.includes('|')) return false;
  let depth = 0;
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i];
    // Inside of `[…]` and `\Q…\E` the other characters mean something else.
    if (character === '[' || (character === '\\' && pattern[i + 1] === 'Q')) return true;
    if (character === '\\') i++;
    else if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === '|' && depth === 0) return true;
  }
  return false;
}
