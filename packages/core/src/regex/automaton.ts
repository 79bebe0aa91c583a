/**
 * A deterministic automaton that is built state by state as texts need it, as RE2 does: time only grows with the text,
 * whatever the pattern. In steady state one table look-up per character and no allocation.
 */
import type { Instruction } from './program.ts';
import { type Before, isWordCode } from './syntax.ts';

/** States kept at a time; at most about 2 KiB each. When it is reached they are all forgotten and built anew. */
const MAX_STATES = 256;

/** Where the automaton can be after some text. */
export interface State {
  /** Instructions at which threads wait, in ascending order, before empty moves. */
  readonly kernel: readonly number[];
  readonly before: Before;
  /** The state after each character code; `null` when no thread survives, `undefined` until it is asked for. */
  readonly next: (State | null | undefined)[];
  /** Whether the pattern matches when the text ends here; `undefined` until it is asked for. */
  accepts: boolean | undefined;
}

/** The state behind a match that needs no more text; see {@link Automaton}. */
export const MATCHED: State = { kernel: [], before: 'other', next: [], accepts: true };

/** Runs a program. With `stopsAtMatch` a match before the end of the text leads to {@link MATCHED}. */
export class Automaton {
  start: State;
  private readonly program: readonly Instruction[];
  private readonly stopsAtMatch: boolean;
  private readonly states = new Map<string, State>();
  /** The round in which each instruction was last visited. */
  private readonly seenIn: Float64Array;
  private round = 0;

  constructor(program: readonly Instruction[], stopsAtMatch: boolean) {
    this.program = program;
    this.stopsAtMatch = stopsAtMatch;
    this.seenIn = new Float64Array(program.length);
    this.start = this.state([0], 'start');
  }

  /** The state after one more character; called once per state and code, its answer is kept in `state.next`. */
  advance(state: State, code: number): State | null {
    // Texts hold one byte per character; anything else can match no byte.
    if (code > 255) return null;
    const next = this.successor(state, code);
    state.next[code] = next;
    return next;
  }

  private successor(state: State, code: number): State | null {
    const kernel: number[] = [];
    for (const index of this.closure(state, code)) {
      const instruction = this.program[index] as Instruction;
      if (instruction.op === 'match' && this.stopsAtMatch) return MATCHED;
      if (instruction.op === 'char' && instruction.test(code)) kernel.push(index + 1);
    }
    kernel.sort((a, b) => a - b);
    return kernel.length === 0 ? null : this.state(kernel, beforeNext(code));
  }

  /** Whether the pattern matches when the text ends in this state. */
  accepts(state: State): boolean {
    state.accepts ??= this.closure(state, -1).some((index) => this.program[index]?.op === 'match');
    return state.accepts;
  }

  private state(kernel: readonly number[], before: Before): State {
    const key = `${before} ${kernel.join(' ')}`;
    const known = this.states.get(key);
    if (known) return known;
    if (this.states.size >= MAX_STATES) this.forget();
    const state: State = { kernel, before, next: [], accepts: undefined };
    this.states.set(key, state);
    return state;
  }

  private forget(): void {
    this.states.clear();
    this.start = this.state([0], 'start');
  }

  /** The `char` and `match` instructions that can be reached before `next` is read; -1 is the end of the text. */
  private closure(state: State, next: number): number[] {
    const reached: number[] = [];
    const pending = [...state.kernel];
    this.round++;
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      if (this.seenIn[index] === this.round) continue;
      this.seenIn[index] = this.round;
      const instruction = this.program[index] as Instruction;
      if (instruction.op === 'split') pending.push(instruction.second, instruction.first);
      else if (instruction.op !== 'assert') reached.push(index);
      else if (instruction.holds(state.before, next)) pending.push(index + 1);
    }
    return reached;
  }
}

function beforeNext(code: number): Before {
  if (code === 10) return 'newline';
  return isWordCode(code) ? 'word' : 'other';
}
