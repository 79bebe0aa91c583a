/** Reads RE2 syntax, without Unicode classes, into a small tree. One character is one byte of the text on the wire. */

/** What stands before a position; with the next character it decides `^`, `$` and `\b`. */
export type Before = 'start' | 'newline' | 'word' | 'other';

/** Whether an assertion holds between `before` and the code `next`, which is -1 at the end of the text. */
export type Assertion = (before: Before, next: number) => boolean;

/** Whether a character code fits. */
export type CharTest = (code: number) => boolean;

/** A parsed pattern. */
export type SyntaxNode =
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'assert'; readonly holds: Assertion }
  | { readonly kind: 'sequence'; readonly items: readonly SyntaxNode[] }
  | { readonly kind: 'choice'; readonly items: readonly SyntaxNode[] }
  | { readonly kind: 'group'; readonly item: SyntaxNode; readonly index: number }
  | {
      readonly kind: 'repeat';
      readonly item: SyntaxNode;
      readonly min: number;
      readonly max: number;
      /** Fewer repetitions are tried first. */
      readonly lazy: boolean;
    };

/** A whole pattern. Groups are numbered from 1, by their opening parentheses. */
export interface ParsedPattern {
  readonly node: SyntaxNode;
  readonly groups: number;
}

const MAX_REPEAT = 1000;
const MAX_DEPTH = 100;

/** Parses a pattern. @throws SyntaxError in RE2's words. */
export function parsePattern(pattern: string): ParsedPattern {
  const parser = new Parser(pattern);
  const node = parser.choice(0);
  if (!parser.done) throw new SyntaxError(`unexpected ): ${pattern}`);
  return { node, groups: parser.groups };
}

class Parser {
  groups = 0;
  private readonly pattern: string;
  private at = 0;
  private ignoreCase = false;
  private dotAll = false;
  private multiline = false;
  private ungreedy = false;

  constructor(pattern: string) {
    this.pattern = pattern;
  }

  get done(): boolean {
    return this.at === this.pattern.length;
  }

  choice(depth: number): SyntaxNode {
    if (depth > MAX_DEPTH) throw new SyntaxError('expression nests too deeply');
    const items = [this.sequence(depth)];
    while (this.take('|')) items.push(this.sequence(depth));
    return items.length === 1 ? (items[0] as SyntaxNode) : { kind: 'choice', items };
  }

  private sequence(depth: number): SyntaxNode {
    const items: SyntaxNode[] = [];
    while (!this.done && !this.sees('|') && !this.sees(')')) items.push(this.repeated(this.atom(depth)));
    return { kind: 'sequence', items };
  }

  private repeated(item: SyntaxNode): SyntaxNode {
    const start = this.at;
    const range = this.quantifier();
    if (range === undefined) return item;
    const lazy = this.take('?') !== this.ungreedy;
    if (this.quantifier() !== undefined) {
      throw new SyntaxError(`bad repetition operator: ${this.pattern.slice(start, this.at)}`);
    }
    return { kind: 'repeat', item, min: range[0], max: range[1], lazy };
  }

  private quantifier(): readonly [min: number, max: number] | undefined {
    if (this.take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.take('?')) return [0, 1];
    const match = this.takeMatch(/\{(\d+)(,(\d*))?\}/y);
    if (match === undefined) return undefined;
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3]);
    const finite = max === Number.POSITIVE_INFINITY ? min : max;
    if (min > max || finite > MAX_REPEAT) throw new SyntaxError(`invalid repetition size: ${match[0]}`);
    return [min, max];
  }

  private atom(depth: number): SyntaxNode {
    const character = this.pattern[this.at++] as string;
    switch (character) {
      case '(':
        return this.group(depth);
      case '[':
        return { kind: 'char', test: this.characterClass() };
      case '.':
        return { kind: 'char', test: this.dotAll ? () => true : (code) => code !== 10 };
      case '^':
        return { kind: 'assert', holds: this.multiline ? atLineStart : atStart };
      case '$':
        return { kind: 'assert', holds: this.multiline ? atLineEnd : atEnd };
      case '\\':
        return this.escape();
      case '*':
      case '+':
      case '?':
        throw new SyntaxError(`no argument for repetition operator: ${character}`);
      default:
        return this.literal(character.charCodeAt(0));
    }
  }

  private group(depth: number): SyntaxNode {
    const start = this.at - 1;
    const flags = [this.ignoreCase, this.dotAll, this.multiline, this.ungreedy] as const;
    const special = this.take('?');
    const captures = !special || this.takeMatch(/P?<[A-Za-z_]\w*>/y) !== undefined;
    const index = captures ? ++this.groups : 0;
    if (special && !captures) {
      const match = this.takeMatch(/([imsU]*)(?:-([imsU]+))?([:)])/y);
      if (match === undefined) throw new SyntaxError(`invalid perl operator: ${this.pattern.slice(start, start + 3)}`);
      this.setFlags(match[1] ?? '', true);
      this.setFlags(match[2] ?? '', false);
      if (match[3] === ')') return { kind: 'sequence', items: [] };
    }
    const node = this.choice(depth + 1);
    if (!this.take(')')) throw new SyntaxError(`missing ): ${this.pattern}`);
    [this.ignoreCase, this.dotAll, this.multiline, this.ungreedy] = flags;
    return captures ? { kind: 'group', item: node, index } : node;
  }

  private setFlags(letters: string, on: boolean): void {
    if (letters.includes('i')) this.ignoreCase = on;
    if (letters.includes('s')) this.dotAll = on;
    if (letters.includes('m')) this.multiline = on;
    if (letters.includes('U')) this.ungreedy = on;
  }

  private escape(): SyntaxNode {
    const assertion = ASSERTIONS.get(this.pattern[this.at] ?? '');
    if (assertion !== undefined) {
      this.at++;
      return { kind: 'assert', holds: assertion };
    }
    if (this.takeMatch(/C/y)) return { kind: 'char', test: () => true };
    const quoted = this.takeMatch(/Q(.*?)(?:\\E|$)/sy);
    if (quoted !== undefined) {
      const items = Array.from(quoted[1] ?? '', (character) => this.literal(character.charCodeAt(0)));
      return { kind: 'sequence', items };
    }
    const set = this.escapedSet();
    return set === undefined ? this.literal(this.escapedCode()) : { kind: 'char', test: set };
  }

  /** `\d` and its kin, after the backslash. */
  private escapedSet(): CharTest | undefined {
    const letter = this.pattern[this.at] ?? '';
    const set = SETS.get(letter.toLowerCase());
    if (set === undefined) return undefined;
    this.at++;
    return letter === letter.toLowerCase() ? set : (code) => !set(code);
  }

  /** A single escaped character, after the backslash. */
  private escapedCode(): number {
    const hex = this.takeMatch(/x(?:([0-9a-fA-F]{2})|\{0*([0-9a-fA-F]{1,2})\})/y);
    if (hex !== undefined) return Number.parseInt((hex[1] ?? hex[2]) as string, 16);
    const octal = this.takeMatch(/0[0-7]{0,2}/y);
    if (octal !== undefined) return Number.parseInt(octal[0], 8);
    const letter = this.pattern[this.at++];
    if (letter === undefined) throw new SyntaxError('trailing \\ at end of regexp');
    const control = CONTROLS.get(letter);
    if (control !== undefined) return control;
    if (/[A-Za-z0-9]/.test(letter)) throw new SyntaxError(`invalid escape sequence: \\${letter}`);
    return letter.charCodeAt(0);
  }

  private characterClass(): CharTest {
    const start = this.at - 1;
    const negated = this.take('^');
    const tests: CharTest[] = [];
    for (let first = true; first || !this.sees(']'); first = false) {
      if (this.done) throw new SyntaxError(`missing ]: ${this.pattern.slice(start)}`);
      tests.push(this.classItem());
    }
    this.at++;
    const fold = this.ignoreCase;
    const any: CharTest = (code) => tests.some((test) => test(code) || (fold && test(swapCase(code))));
    return negated ? (code) => !any(code) : any;
  }

  private classItem(): CharTest {
    const posix = this.takeMatch(/\[:(\^?)(\w+):\]/y);
    if (posix !== undefined) {
      const set = POSIX.get(posix[2] ?? '');
      if (set === undefined) throw new SyntaxError(`invalid character class range: ${posix[0]}`);
      return posix[1] === '^' ? (code) => !set(code) : set;
    }
    const start = this.at;
    if (this.take('\\')) {
      const set = this.escapedSet();
      if (set !== undefined) return set;
      this.at = start;
    }
    const low = this.classCode();
    if (!this.sees('-') || this.pattern[this.at + 1] === ']') return (code) => code === low;
    this.at++;
    const high = this.classCode();
    if (high < low) throw new SyntaxError(`invalid character class range: ${this.pattern.slice(start, this.at)}`);
    return (code) => code >= low && code <= high;
  }

  private classCode(): number {
    if (this.take('\\')) return this.escapedCode();
    if (this.done) throw new SyntaxError(`missing ]: ${this.pattern}`);
    const code = this.pattern.charCodeAt(this.at++);
    // More than one byte, of which a class could only take one.
    if (code > 127) throw new SyntaxError('characters beyond ASCII are not supported in []');
    return code;
  }

  private literal(expected: number): SyntaxNode {
    const other = this.ignoreCase ? swapCase(expected) : expected;
    return { kind: 'char', test: (code) => code === expected || code === other };
  }

  private sees(character: string): boolean {
    return this.pattern[this.at] === character;
  }

  private take(character: string): boolean {
    if (!this.sees(character)) return false;
    this.at++;
    return true;
  }

  private takeMatch(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.at;
    const match = sticky.exec(this.pattern);
    if (match === null) return undefined;
    this.at += match[0].length;
    return match;
  }
}

const atStart: Assertion = (before) => before === 'start';
const atEnd: Assertion = (_before, next) => next === -1;
const atLineStart: Assertion = (before) => before === 'start' || before === 'newline';
const atLineEnd: Assertion = (_before, next) => next === -1 || next === 10;
const atWordBoundary: Assertion = (before, next) => (before === 'word') !== isWordCode(next);

const ASSERTIONS: ReadonlyMap<string, Assertion> = new Map([
  ['A', atStart],
  ['z', atEnd],
  ['b', atWordBoundary],
  ['B', (before, next) => !atWordBoundary(before, next)],
]);

/** `\w`, which is ASCII only. */
export function isWordCode(code: number): boolean {
  return isAlnum(code) || code === 95;
}

const isDigit: CharTest = (code) => code >= 48 && code <= 57;
const isLower: CharTest = (code) => code >= 97 && code <= 122;
const isUpper: CharTest = (code) => code >= 65 && code <= 90;
const isAlpha: CharTest = (code) => isLower(code) || isUpper(code);
const isAlnum: CharTest = (code) => isAlpha(code) || isDigit(code);
/** `\s` of RE2 has no vertical tab. */
const isSpace: CharTest = (code) => code === 32 || (code >= 9 && code <= 13 && code !== 11);
const isGraphic: CharTest = (code) => code > 32 && code < 127;

const SETS: ReadonlyMap<string, CharTest> = new Map([
  ['d', isDigit],
  ['w', isWordCode],
  ['s', isSpace],
]);

const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['n', 10],
  ['t', 9],
  ['r', 13],
  ['f', 12],
  ['v', 11],
  ['a', 7],
]);

const POSIX: ReadonlyMap<string, CharTest> = new Map([
  ['alnum', isAlnum],
  ['alpha', isAlpha],
  ['ascii', (code) => code < 128],
  ['blank', (code) => code === 32 || code === 9],
  ['cntrl', (code) => code < 32 || code === 127],
  ['digit', isDigit],
  ['graph', isGraphic],
  ['lower', isLower],
  ['print', (code) => code === 32 || isGraphic(code)],
  ['punct', (code) => isGraphic(code) && !isAlnum(code)],
  ['space', (code) => isSpace(code) || code === 11],
  ['upper', isUpper],
  ['word', isWordCode],
  ['xdigit', (code) => isDigit(code) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102)],
]);

function swapCase(code: number): number {
  if (isLower(code)) return code - 32;
  return isUpper(code) ? code + 32 : code;
}
