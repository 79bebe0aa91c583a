/** Envoy's `HeaderMatcher`: conditions on one header. One of several field lines is enough, as in Envoy 1.40. */
import type { Headers } from '../api/headers.ts';
import { HeaderMap } from '../headers/header-map.ts';
import type { HeaderMatcherSettings } from './settings.ts';
import { wireText } from './text.ts';
import {
  compileStringMatcher,
  containsTest,
  exactTest,
  prefixTest,
  rangeTest,
  regexTest,
  suffixTest,
  type TextTest,
} from './text-match.ts';

/** A compiled header condition. */
export class HeaderCondition {
  readonly #name: string;
  readonly #pseudo: boolean;
  readonly #test: TextTest;
  readonly #invert: boolean;
  /** The answer for a request without the header. */
  readonly #whenMissing: boolean;

  /** @throws SyntaxError for a bad regular expression. */
  constructor(settings: HeaderMatcherSettings) {
    this.#name = settings.name.toLowerCase();
    this.#pseudo = this.#name === 'host' || this.#name.startsWith(':');
    this.#test = compileTest(settings);
    this.#invert = settings.invertMatch;
    this.#whenMissing = whenMissing(settings, this.#test);
  }

  matches(headers: Headers): boolean {
    const holds = this.#pseudo ? this.#holdsFor(headers.get(this.#name)) : this.#holdsForAny(headers);
    return holds === undefined ? this.#whenMissing : holds !== this.#invert;
  }

  #holdsFor(value: string | undefined): boolean | undefined {
    return value === undefined ? undefined : this.#test(value);
  }

  /** Each field line is looked at by itself: a joined value would let one line hide another. */
  #holdsForAny(headers: Headers): boolean | undefined {
    if (!(headers instanceof HeaderMap)) return anyHolds(headers.getAll(this.#name), this.#test);
    const fields = headers.fields;
    let holds: boolean | undefined;
    for (let i = 0; i < fields.length; i += 2) {
      if (fields[i] !== this.#name) continue;
      if (this.#test(fields[i + 1] as string)) return true;
      holds = false;
    }
    return holds;
  }
}

function anyHolds(values: readonly string[], test: TextTest): boolean | undefined {
  return values.length === 0 ? undefined : values.some(test);
}

function compileTest(settings: HeaderMatcherSettings): TextTest {
  const { exactMatch, safeRegexMatch, rangeMatch, presentMatch, prefixMatch, suffixMatch, containsMatch } = settings;
  if (settings.stringMatch !== undefined) return compileStringMatcher(settings.stringMatch);
  if (safeRegexMatch !== undefined) return regexTest(safeRegexMatch.regex);
  if (rangeMatch !== undefined) return rangeTest(rangeMatch.start, rangeMatch.end);
  if (prefixMatch !== undefined) return prefixTest(wireText(prefixMatch));
  if (suffixMatch !== undefined) return suffixTest(wireText(suffixMatch));
  if (containsMatch !== undefined) return containsTest(wireText(containsMatch));
  // An empty `exact_match` asks for presence only.
  if (exactMatch) return exactTest(wireText(exactMatch));
  const present = presentMatch ?? true;
  return () => present;
}

/**
 * A missing header fails every condition, inverted or not, unless it counts as empty. The present matcher is the
 * exception: it is about missing headers.
 */
function whenMissing(settings: HeaderMatcherSettings, test: TextTest): boolean {
  if (settings.treatMissingHeaderAsEmpty) return test('') !== settings.invertMatch;
  return asksForPresence(settings) && settings.invertMatch === (settings.presentMatch ?? true);
}

function asksForPresence(settings: HeaderMatcherSettings): boolean {
  return (
    settings.stringMatch === undefined &&
    settings.safeRegexMatch === undefined &&
    settings.rangeMatch === undefined &&
    settings.prefixMatch === undefined &&
    settings.suffixMatch === undefined &&
    settings.containsMatch === undefined &&
    settings.exactMatch === undefined
  );
}
