/** Envoy's `CookieMatcher`: a condition on one cookie of the request. */
import type { RequestHeaders } from '../api/headers.ts';
import { compileStringMatcher, type TextTest } from '../regex/text-match.ts';
import { cookieValue } from './cookies.ts';
import type { CookieMatcherSettings } from './settings.ts';
import { wireText } from './text.ts';

/** A compiled condition on a cookie. */
export class CookieCondition {
  readonly name: string;
  private readonly test: TextTest;
  private readonly invert: boolean;

  /** @throws SyntaxError for a bad regular expression. */
  constructor(settings: CookieMatcherSettings) {
    this.name = wireText(settings.name);
    this.test = compileStringMatcher(settings.stringMatch);
    this.invert = settings.invertMatch;
  }

  matches(headers: RequestHeaders): boolean {
    const value = cookieValue(headers, this.name);
    return (value !== undefined && this.test(value)) !== this.invert;
  }
}
