/** Compiles a pattern into the instructions of a non-deterministic automaton. */
import { type Assertion, type CharTest, parsePattern, type SyntaxNode } from './syntax.ts';

/** Bounds the work per character when no state can be reused. */
const MAX_INSTRUCTIONS = 2000;

/** One step; control falls through to the next unless it is a fork. */
export type Instruction =
  | { readonly op: 'char'; readonly test: CharTest }
  | { readonly op: 'split'; first: number; second: number }
  | { readonly op: 'assert'; readonly holds: Assertion }
  | { readonly op: 'match' };

const anything: SyntaxNode = { kind: 'char', test: () => true };
const anyText: SyntaxNode = { kind: 'repeat', item: anything, min: 0, max: Number.POSITIVE_INFINITY };

/**
 * Compiles a pattern; with `anywhere` it may begin at any character.
 * @throws SyntaxError for what is not RE2 syntax, not supported, or too large.
 */
export function compile(pattern: string, anywhere: boolean): readonly Instruction[] {
  const program: Instruction[] = [];
  const node = parsePattern(pattern);
  if (anywhere) emit(program, anyText);
  emit(program, node);
  push(program, { op: 'match' });
  return program;
}

/** Appends the code of a node; control falls through at its end. */
function emit(program: Instruction[], node: SyntaxNode): void {
  if (node.kind === 'char') push(program, { op: 'char', test: node.test });
  else if (node.kind === 'assert') push(program, { op: 'assert', holds: node.holds });
  else if (node.kind === 'sequence') for (const item of node.items) emit(program, item);
  else if (node.kind === 'choice') emitChoice(program, node.items);
  else emitRepeat(program, node.item, node.min, node.max);
}

function emitChoice(program: Instruction[], items: readonly SyntaxNode[]): void {
  const exits: { first: number; second: number }[] = [];
  for (const item of items.slice(0, -1)) {
    const fork = pushSplit(program);
    emit(program, item);
    exits.push(pushSplit(program));
    fork.second = program.length;
  }
  emit(program, items.at(-1) as SyntaxNode);
  for (const exit of exits) exit.first = exit.second = program.length;
}

function emitRepeat(program: Instruction[], item: SyntaxNode, min: number, max: number): void {
  for (let i = 0; i < min; i++) {
    const before = program.length;
    emit(program, item);
    // Repeating nothing is nothing; `(((){1000}){1000}){1000}` must not take a thousand million steps.
    if (program.length === before) return;
  }
  if (max === Number.POSITIVE_INFINITY) {
    const start = program.length;
    const fork = pushSplit(program);
    emit(program, item);
    const back = pushSplit(program);
    back.first = back.second = start;
    fork.second = program.length;
    return;
  }
  const skips = [];
  for (let i = min; i < max; i++) {
    skips.push(pushSplit(program));
    emit(program, item);
  }
  for (const skip of skips) skip.second = program.length;
}

/** A fork whose first way is the next instruction. */
function pushSplit(program: Instruction[]): { op: 'split'; first: number; second: number } {
  const split = { op: 'split' as const, first: program.length + 1, second: program.length + 1 };
  push(program, split);
  return split;
}

function push(program: Instruction[], instruction: Instruction): void {
  if (program.length >= MAX_INSTRUCTIONS) throw new SyntaxError('pattern too large - compile failed');
  program.push(instruction);
}
