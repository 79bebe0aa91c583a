/**
 * Full-match regular expressions in time that only grows with the text: the text comes from strangers and the pattern
 * may come from a tenant (CVE-2019-15225 is what happens otherwise).
 */
import { Automaton } from './automaton.ts';
import { compile } from './program.ts';
import { wireText } from './wire-text.ts';

/** A pattern that must match all of a text; texts hold one byte per character. */
export class FullMatch {
  private readonly automaton: Automaton;

  /** @throws SyntaxError for what is not RE2 syntax, not supported, or too large. */
  constructor(pattern: string) {
    this.automaton = new Automaton(compile(wireText(pattern), false), false);
  }

  /** Whether the pattern matches all of `text`, or what stands from `start` to before `end`. */
  test(text: string, end = text.length, start = 0): boolean {
    const { automaton } = this;
    let state = automaton.start;
    for (let i = start; i < end; i++) {
      const code = text.charCodeAt(i);
      let next = state.next[code];
      if (next === undefined) next = automaton.advance(state, code);
      if (next === null) return false;
      state = next;
    }
    return state.accepts ?? automaton.accepts(state);
  }
}
