/** Header changes that run one after the other, each seeing what the earlier ones did. */
import type { Headers, RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { FormatContext } from '../format/operator.ts';
import { compileStringMatcher, type TextTest } from '../regex/text-match.ts';
import { HeaderAddition } from './header-addition.ts';
import type { HeaderMutationEntrySettings } from './settings.ts';

type Step = (headers: Headers, stream: HttpStream, context: FormatContext) => void;

/** A compiled list of Envoy's `HeaderMutation`. */
export class HeaderMutationList {
  private readonly steps: readonly Step[];

  /** @throws TypeError for a name or value that is no legal field, SyntaxError for a value that is no format. */
  constructor(settings: readonly HeaderMutationEntrySettings[]) {
    this.steps = settings.flatMap((each) => compileStep(each) ?? []);
  }

  get isEmpty(): boolean {
    return this.steps.length === 0;
  }

  /** Changes a request head; formats see this head as the request's, even when it is a copy. */
  apply(headers: RequestHeaders, stream: HttpStream): void {
    if (this.steps.length === 0) return;
    const context = { requestHeaders: headers };
    for (const step of this.steps) step(headers, stream, context);
  }
}

function compileStep({ append, remove, removeOnMatch }: HeaderMutationEntrySettings): Step | undefined {
  if (removeOnMatch !== undefined) return removeMatching(compileStringMatcher(removeOnMatch.keyMatcher));
  if (remove !== undefined) {
    const name = HeaderAddition.nameOf(remove);
    return (headers) => headers.remove(name);
  }
  return append === undefined ? undefined : add(new HeaderAddition(append));
}

function add(addition: HeaderAddition): Step | undefined {
  if (addition.isNothing) return undefined;
  return (headers, stream, context) => {
    const value = addition.valueFor(headers, stream, context);
    if (value !== undefined) addition.put(headers, value);
  };
}

function removeMatching(matches: TextTest): Step {
  return (headers) => {
    const doomed: string[] = [];
    headers.forEach((name) => {
      if (!doomed.includes(name) && matches(name)) doomed.push(name);
    });
    for (const name of doomed) headers.remove(name);
  };
}
