/** Header removals and additions of one configuration level, sorted at config time into the order of their effects. */
import type { Headers } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import { type FormatContext, NO_CONTEXT } from '../format/operator.ts';
import { HeaderAddition } from './header-addition.ts';
import type { HeaderAdditionSettings } from './settings.ts';

/** What one level does to a head: removals, then overwrites, then additions. */
export class HeaderMutations {
  private readonly removals: readonly string[];
  /** Overwrites first. */
  private readonly additions: readonly HeaderAddition[];
  /** Whether an addition depends on the exchange or on the head. */
  private readonly dependent: boolean;
  /** Scratch space of one call: values wait here until all of them are known. */
  private readonly values: (string | undefined)[];

  /** @throws TypeError for a name or value that is no legal field, SyntaxError for a value that is no format. */
  constructor(additions: readonly HeaderAdditionSettings[], removals: readonly string[]) {
    const compiled = additions.map((each) => new HeaderAddition(each)).filter((each) => !each.isNothing);
    this.removals = removals.map((name) => HeaderAddition.nameOf(name));
    this.additions = [...compiled.filter((each) => each.overwrites), ...compiled.filter((each) => !each.overwrites)];
    this.dependent = compiled.some((each) => !each.isLiteral || each.isConditional);
    this.values = this.additions.map(() => undefined);
  }

  /** True when nothing is configured at this level. */
  get isEmpty(): boolean {
    return this.removals.length === 0 && this.additions.length === 0;
  }

  /** Changes `headers`; `response` is the response head when it is the one that is changed. */
  apply(headers: Headers, stream: HttpStream, response?: Headers): void {
    if (!this.dependent) this.applyLiterals(headers);
    else this.applyIn(headers, stream, response === undefined ? NO_CONTEXT : { responseHeaders: response });
  }

  /** The same for callers that know more than the stream. */
  applyIn(headers: Headers, stream: HttpStream, context: FormatContext): void {
    this.remove(headers);
    const { additions, values } = this;
    // What is there and what is printed is found out before this level adds anything.
    for (let i = 0; i < additions.length; i++) {
      values[i] = (additions[i] as HeaderAddition).valueFor(headers, stream, context);
    }
    for (let i = 0; i < additions.length; i++) {
      const value = values[i];
      values[i] = undefined;
      if (value !== undefined) (additions[i] as HeaderAddition).put(headers, value);
    }
  }

  private applyLiterals(headers: Headers): void {
    this.remove(headers);
    const { additions } = this;
    for (let i = 0; i < additions.length; i++) (additions[i] as HeaderAddition).put(headers);
  }

  private remove(headers: Headers): void {
    const { removals } = this;
    for (let i = 0; i < removals.length; i++) headers.remove(removals[i] as string);
  }
}
