/** Regular expressions that may match anywhere in a text, in time that only grows with the text. */
import { Automaton, MATCHED } from './automaton.ts';
import { compile } from './program.ts';
import { wireText } from './wire-text.ts';

/** A pattern that is looked for in texts of any characters. */
export class Search {
  private readonly automaton: Automaton;

  /** @throws SyntaxError for what is not RE2 syntax, not supported, or too large. */
  constructor(pattern: string) {
    this.automaton = new Automaton(compile(wireText(pattern), true), true);
  }

  /** Whether the pattern matches somewhere in `text`. */
  test(text: string): boolean {
    const { automaton } = this;
    const bytes = wireText(text);
    let state = automaton.start;
    for (let i = 0; i < bytes.length; i++) {
      const code = bytes.charCodeAt(i);
      // The thread that has not begun yet survives every byte, so there is always a next state.
      state = state.next[code] ?? automaton.advance(state, code) ?? state;
      if (state === MATCHED) return true;
    }
    return automaton.accepts(state);
  }
}
