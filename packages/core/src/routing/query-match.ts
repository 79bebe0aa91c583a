/** Envoy's `QueryParameterMatcher`: conditions on one parameter, as it is written (not percent-decoded). */
import type { QueryParameterMatcherSettings } from './settings.ts';
import { wireText } from './text.ts';
import { compileStringMatcher, type TextTest } from './text-match.ts';

/** A compiled condition on a query parameter. Only the first parameter of that name counts. */
export class QueryCondition {
  readonly #name: string;
  /** `undefined` when it is about presence only. */
  readonly #test: TextTest | undefined;
  /** False when the parameter must be absent. */
  readonly #present: boolean;

  /** @throws SyntaxError for a bad regular expression. */
  constructor(settings: QueryParameterMatcherSettings) {
    this.#name = wireText(settings.name);
    this.#test = settings.stringMatch && compileStringMatcher(settings.stringMatch);
    this.#present = settings.presentMatch ?? true;
  }

  /** `target` is path and query; `pathEnd` is where its path ends. */
  matches(target: string, pathEnd: number): boolean {
    return this.#holds(target, pathEnd) === this.#present;
  }

  #holds(target: string, pathEnd: number): boolean {
    if (target.charCodeAt(pathEnd) !== 63) return false;
    const fragment = target.indexOf('#', pathEnd);
    const end = fragment < 0 ? target.length : fragment;
    for (let start = pathEnd + 1; start <= end; ) {
      const next = endOfParameter(target, start, end);
      if (this.#isNamed(target, start, next)) return this.#accepts(target, start, next);
      start = next + 1;
    }
    return false;
  }

  #isNamed(target: string, start: number, end: number): boolean {
    const nameEnd = start + this.#name.length;
    if (nameEnd > end || !target.startsWith(this.#name, start)) return false;
    return nameEnd === end || target.charCodeAt(nameEnd) === 61;
  }

  #accepts(target: string, start: number, end: number): boolean {
    return this.#test === undefined || this.#test(target.slice(start + this.#name.length + 1, end));
  }
}

function endOfParameter(target: string, start: number, end: number): number {
  const ampersand = target.indexOf('&', start);
  return ampersand < 0 || ampersand > end ? end : ampersand;
}
