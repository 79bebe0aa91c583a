/**
 * Replaces every match of a pattern, as RE2's `GlobalReplace` does (leftmost match, earlier alternatives first), in time
 * that only grows with the text. A search that had to look beyond the end of each match could take the square of it, so
 * the text is read backwards first: that tells at each position which instructions can still lead to a match, and the
 * match is then followed forwards without ever having to turn back.
 */
import { compileCapturing, type Instruction } from './program.ts';
import { type Before, isWordCode } from './syntax.ts';
import { wireText } from './wire-text.ts';

/** States kept at a time; when it is reached they are all forgotten and built anew. */
const MAX_STATES = 256;

/** What can still lead to a match at some position. */
interface Living {
  /** By instruction: 1 when it can. */
  readonly alive: Uint8Array;
  /** The same one character earlier, by its code and what stands before it. */
  readonly earlier: Map<number, Living>;
}

const BEFORE: readonly Before[] = ['start', 'newline', 'word', 'other'];

/** A pattern and what its matches become. Texts hold one byte per character. */
export class Replacement {
  private readonly program: readonly Instruction[];
  /** Instructions that lead to each instruction without reading a character. */
  private readonly leadingTo: readonly (readonly number[])[];
  /** Literal text and numbers of groups, in turn. */
  private readonly parts: readonly (string | number)[];
  private readonly states = new Map<string, Living>();
  private readonly ends: (Living | undefined)[] = [];
  private readonly slots: Int32Array;
  private readonly seenIn: Float64Array;
  private round = 0;
  private readonly pending: number[] = [];

  /**
   * @param substitution `\0` is the whole match, `\1` to `\9` are its groups, `\\` is a backslash
   * @throws SyntaxError for a pattern that is not RE2 syntax, not supported or too large, and for a bad substitution.
   */
  constructor(pattern: string, substitution: string) {
    const { program, groups } = compileCapturing(wireText(pattern));
    this.program = program;
    this.leadingTo = emptyMovesTo(program);
    this.parts = substitutionParts(wireText(substitution), groups);
    this.slots = new Int32Array(2 * groups + 2);
    this.seenIn = new Float64Array(program.length);
  }

  /** `text` with every match replaced; `text` itself when there is none. */
  apply(text: string): string {
    const living = this.readBackwards(text);
    let output = '';
    let copied = 0;
    let lastEnd = -1;
    let replaced = false;
    for (let at = 0; at <= text.length; ) {
      const start = firstAlive(living, at);
      if (start < 0) break;
      const end = this.follow(living, start);
      if (end === start && start === lastEnd) {
        // An empty match right behind another is none; the next search begins one character later.
        at = nextCharacter(text, start);
        continue;
      }
      output += text.slice(copied, start) + this.substitute(text);
      replaced = true;
      copied = at = lastEnd = end;
    }
    return replaced ? output + text.slice(copied) : text;
  }

  /** What can lead to a match, by position. */
  private readBackwards(text: string): Living[] {
    const living = new Array<Living>(text.length + 1);
    let before = beforeAt(text, text.length);
    let state: Living = this.ends[before] ?? this.state(-1, before, undefined);
    this.ends[before] = state;
    living[text.length] = state;
    for (let i = text.length - 1; i >= 0; i--) {
      before = beforeAt(text, i);
      const code = text.charCodeAt(i);
      const key = code * BEFORE.length + before;
      let earlier: Living | undefined = state.earlier.get(key);
      if (earlier === undefined) {
        earlier = this.state(code, before, state);
        state.earlier.set(key, earlier);
      }
      living[i] = state = earlier;
    }
    return living;
  }

  private state(next: number, before: number, after: Living | undefined): Living {
    const alive = this.lead(next, BEFORE[before] as Before, after);
    const key = alive.join('');
    const known = this.states.get(key);
    if (known !== undefined) return known;
    if (this.states.size >= MAX_STATES) {
      this.states.clear();
      this.ends.length = 0;
    }
    const state: Living = { alive, earlier: new Map() };
    this.states.set(key, state);
    return state;
  }

  /** Marks what leads to a match when `next` is the character to come (-1 at the end). */
  private lead(next: number, before: Before, after: Living | undefined): Uint8Array {
    const { program } = this;
    const alive = new Uint8Array(program.length);
    const pending: number[] = [];
    for (const [index, instruction] of program.entries()) {
      const fits = instruction.op === 'char' && after?.alive[index + 1] === 1 && instruction.test(next);
      if (!fits && instruction.op !== 'match') continue;
      alive[index] = 1;
      pending.push(index);
    }
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      for (const origin of this.leadingTo[index] as readonly number[]) {
        const instruction = program[origin] as Instruction;
        if (alive[origin] === 1 || (instruction.op === 'assert' && !instruction.holds(before, next))) continue;
        alive[origin] = 1;
        pending.push(origin);
      }
    }
    return alive;
  }

  /** The end of the match that begins at `start`; its groups are in `slots`. */
  private follow(living: readonly Living[], start: number): number {
    this.slots.fill(-1);
    let position = start;
    let index = this.nextRead(0, position, living);
    while (index >= 0) {
      position++;
      index = this.nextRead(index + 1, position, living);
    }
    return position;
  }

  /** The first instruction in order of preference that reads a character here; -1 when the match is complete. */
  private nextRead(from: number, position: number, living: readonly Living[]): number {
    const { alive } = living[position] as Living;
    const { pending, slots } = this;
    this.round++;
    pending.length = 0;
    pending.push(from);
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      if (index < 0) {
        slots[-index - 1] = pending.pop() as number;
        continue;
      }
      if (alive[index] !== 1 || this.seenIn[index] === this.round) continue;
      this.seenIn[index] = this.round;
      const instruction = this.program[index] as Instruction;
      if (instruction.op === 'char') return index;
      if (instruction.op === 'match') return -1;
      if (instruction.op === 'split') {
        pending.push(instruction.second, instruction.first);
      } else {
        if (instruction.op === 'save') {
          // Taken back when this way turns out to be a circle.
          pending.push(slots[instruction.slot] as number, -instruction.slot - 1);
          slots[instruction.slot] = position;
        }
        pending.push(index + 1);
      }
    }
    return -1;
  }

  private substitute(text: string): string {
    let result = '';
    for (const part of this.parts) {
      if (typeof part === 'string') {
        result += part;
        continue;
      }
      const start = this.slots[2 * part] as number;
      const end = this.slots[2 * part + 1] as number;
      if (start >= 0 && end >= start) result += text.slice(start, end);
    }
    return result;
  }
}

function emptyMovesTo(program: readonly Instruction[]): number[][] {
  const leadingTo: number[][] = program.map(() => []);
  for (const [index, instruction] of program.entries()) {
    if (instruction.op === 'split') {
      leadingTo[instruction.first]?.push(index);
      leadingTo[instruction.second]?.push(index);
    } else if (instruction.op === 'assert' || instruction.op === 'save') {
      leadingTo[index + 1]?.push(index);
    }
  }
  return leadingTo;
}

function substitutionParts(substitution: string, groups: number): (string | number)[] {
  const parts: (string | number)[] = [];
  let literal = '';
  for (let i = 0; i < substitution.length; i++) {
    const character = substitution[i] as string;
    const escaped = character === '\\' ? substitution[++i] : undefined;
    if (character !== '\\' || escaped === '\\') {
      literal += character;
      continue;
    }
    if (escaped === undefined || !/\d/.test(escaped)) throw new SyntaxError(`Invalid rewrite pattern: ${substitution}`);
    if (Number(escaped) > groups) {
      throw new SyntaxError(
        `Rewrite schema requests ${escaped} matches, but the regexp only has ${groups} parenthesized subexpressions.`,
      );
    }
    if (literal !== '') parts.push(literal);
    parts.push(Number(escaped));
    literal = '';
  }
  return literal === '' ? parts : [...parts, literal];
}

function firstAlive(living: readonly Living[], from: number): number {
  for (let i = from; i < living.length; i++) if (living[i]?.alive[0] === 1) return i;
  return -1;
}

/** Index into {@link BEFORE}. */
function beforeAt(text: string, position: number): number {
  if (position === 0) return 0;
  const code = text.charCodeAt(position - 1);
  if (code === 10) return 1;
  return isWordCode(code) ? 2 : 3;
}

/** The next position that does not stand within a UTF-8 character. */
function nextCharacter(text: string, position: number): number {
  let next = position + 1;
  if (text.charCodeAt(position) < 0xc0) return next;
  while (next < text.length && (text.charCodeAt(next) & 0xc0) === 0x80) next++;
  return next;
}
