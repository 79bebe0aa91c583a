/** Envoy's `QueryParameterMatcher`: conditions on one parameter, as it is written (not percent-decoded). */

import { compileStringMatcher, type TextTest } from '../regex/text-match.ts';
import type { QueryParameterMatcherSettings } from './settings.ts';
import { wireText } from './text.ts';

/** A compiled condition on a query parameter. Only the first parameter of that name counts. */
export class QueryCondition {
  private readonly name: string;
  /** `undefined` when it is about presence only. */
  private readonly test: TextTest | undefined;
  /** False when the parameter must be absent. */
  private readonly present: boolean;

  /** @throws SyntaxError for a bad regular expression. */
  constructor(settings: QueryParameterMatcherSettings) {
    this.name = wireText(settings.name);
    this.test = settings.stringMatch && compileStringMatcher(settings.stringMatch);
    this.present = settings.presentMatch ?? true;
  }

  /** `target` is path and query; `pathEnd` is where its path ends. */
  matches(target: string, pathEnd: number): boolean {
    return this.holds(target, pathEnd) === this.present;
  }

  private holds(target: string, pathEnd: number): boolean {
    const value = queryValue(target, pathEnd, this.name);
    return value !== undefined && (this.test === undefined || this.test(value));
  }
}

/** The value of the first parameter with this name, as it is written; `undefined` when there is none. */
export function queryValue(target: string, pathEnd: number, name: string): string | undefined {
  if (target.charCodeAt(pathEnd) !== 63) return undefined;
  const fragment = target.indexOf('#', pathEnd);
  const end = fragment < 0 ? target.length : fragment;
  for (let start = pathEnd + 1; start <= end; ) {
    const next = endOfParameter(target, start, end);
    if (isNamed(target, start, next, name)) return target.slice(start + name.length + 1, next);
    start = next + 1;
  }
  return undefined;
}

function isNamed(target: string, start: number, end: number, name: string): boolean {
  const nameEnd = start + name.length;
  if (nameEnd > end || !target.startsWith(name, start)) return false;
  return nameEnd === end || target.charCodeAt(nameEnd) === 61;
}

function endOfParameter(target: string, start: number, end: number): number {
  const ampersand = target.indexOf('&', start);
  return ampersand < 0 || ampersand > end ? end : ampersand;
}
