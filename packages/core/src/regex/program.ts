/** Compiles a pattern into the instructions of a non-deterministic automaton. */
import { type Assertion, type CharTest, parsePattern, type SyntaxNode } from './syntax.ts';

/** Bounds the work per character when no state can be reused. */
const MAX_INSTRUCTIONS = 2000;

/** One step; control falls through to the next unless it is a fork. */
export type Instruction =
  | { readonly op: 'char'; readonly test: CharTest }
  | { readonly op: 'split'; first: number; second: number }
  | { readonly op: 'assert'; readonly holds: Assertion }
  /** Notes the position: slot 2n is the start of group n, 2n + 1 its end. */
  | { readonly op: 'save'; readonly slot: number }
  | { readonly op: 'match' };

const anything: SyntaxNode = { kind: 'char', test: () => true };
const anyText: SyntaxNode = { kind: 'repeat', item: anything, min: 0, max: Number.POSITIVE_INFINITY, lazy: true };

/**
 * Compiles a pattern; with `anywhere` it may begin at any character.
 * @throws SyntaxError for what is not RE2 syntax, not supported, or too large.
 */
export function compile(pattern: string, anywhere: boolean): readonly Instruction[] {
  const builder = new Builder(false);
  const { node } = parsePattern(pattern);
  if (anywhere) builder.emit(anyText);
  builder.emit(node);
  return builder.finish();
}

/** A program that also notes where its groups match, and how many there are. */
export interface CapturingProgram {
  readonly program: readonly Instruction[];
  readonly groups: number;
}

/**
 * Compiles a pattern with its groups; slots 0 and 1 are the whole match.
 * @throws SyntaxError as {@link compile}.
 */
export function compileCapturing(pattern: string): CapturingProgram {
  const { node, groups } = parsePattern(pattern);
  const builder = new Builder(true);
  builder.emit({ kind: 'group', item: node, index: 0 });
  return { program: builder.finish(), groups };
}

class Builder {
  private readonly program: Instruction[] = [];
  private readonly captures: boolean;

  constructor(captures: boolean) {
    this.captures = captures;
  }

  finish(): readonly Instruction[] {
    this.push({ op: 'match' });
    return this.program;
  }

  /** Appends the code of a node; control falls through at its end. */
  emit(node: SyntaxNode): void {
    if (node.kind === 'char') this.push({ op: 'char', test: node.test });
    else if (node.kind === 'assert') this.push({ op: 'assert', holds: node.holds });
    else if (node.kind === 'sequence') for (const item of node.items) this.emit(item);
    else if (node.kind === 'choice') this.choice(node.items);
    else if (node.kind === 'group') this.group(node.item, node.index);
    else this.repeat(node.item, node.min, node.max, node.lazy);
  }

  private group(item: SyntaxNode, index: number): void {
    if (this.captures) this.push({ op: 'save', slot: 2 * index });
    this.emit(item);
    if (this.captures) this.push({ op: 'save', slot: 2 * index + 1 });
  }

  private choice(items: readonly SyntaxNode[]): void {
    const exits: Split[] = [];
    for (const item of items.slice(0, -1)) {
      const fork = this.split();
      this.emit(item);
      exits.push(this.split());
      fork.second = this.program.length;
    }
    this.emit(items.at(-1) as SyntaxNode);
    for (const exit of exits) exit.first = exit.second = this.program.length;
  }

  private repeat(item: SyntaxNode, min: number, max: number, lazy: boolean): void {
    for (let i = 0; i < min; i++) {
      const before = this.program.length;
      this.emit(item);
      // Repeating nothing is nothing; `(((){1000}){1000}){1000}` must not take a thousand million steps.
      if (this.program.length === before) return;
    }
    if (max === Number.POSITIVE_INFINITY) {
      const start = this.program.length;
      const fork = this.split();
      this.emit(item);
      const back = this.split();
      back.first = back.second = start;
      leave(fork, this.program.length, lazy);
      return;
    }
    const skips: Split[] = [];
    for (let i = min; i < max; i++) {
      skips.push(this.split());
      this.emit(item);
    }
    for (const skip of skips) leave(skip, this.program.length, lazy);
  }

  /** A fork whose first way is the next instruction. */
  private split(): Split {
    const split: Split = { op: 'split', first: this.program.length + 1, second: this.program.length + 1 };
    this.push(split);
    return split;
  }

  private push(instruction: Instruction): void {
    if (this.program.length >= MAX_INSTRUCTIONS) throw new SyntaxError('pattern too large - compile failed');
    this.program.push(instruction);
  }
}

type Split = Extract<Instruction, { readonly op: 'split' }>;

/** Gives a fork the way out of a repetition: the second one, but the preferred one of a lazy repetition. */
function leave(fork: Split, exit: number, lazy: boolean): void {
  if (lazy) fork.first = exit;
  else fork.second = exit;
}
