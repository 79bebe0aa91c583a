/**
 * Envoy's `HeaderMatcher`: conditions on one header. One of several field lines is enough, as in Envoy 1.40, but for
 * headers that count as one value.
 */
import type { Headers } from '../api/headers.ts';
import { HeaderMap } from '../headers/header-map.ts';
import {
  compileStringMatcher,
  containsTest,
  exactTest,
  prefixTest,
  rangeTest,
  regexTest,
  suffixTest,
  type TextTest,
} from '../regex/text-match.ts';
import { isJoined } from './joined-headers.ts';
import type { HeaderMatcherSettings } from './settings.ts';
import { wireText } from './text.ts';

/** A compiled header condition. */
export class HeaderCondition {
  private readonly name: string;
  private readonly pseudo: boolean;
  private readonly joined: boolean;
  /** The value that must be there, for the condition that most routes have; it needs no call. */
  private readonly exact: string | undefined;
  private readonly test: TextTest;
  private readonly invert: boolean;
  /** The answer for a request without the header. */
  private readonly whenMissing: boolean;

  /** @throws SyntaxError for a bad regular expression. */
  constructor(settings: HeaderMatcherSettings) {
    this.name = settings.name.toLowerCase();
    this.pseudo = this.name === 'host' || this.name.startsWith(':');
    this.joined = isJoined(this.name);
    this.exact = plainValue(settings);
    this.test = compileTest(settings);
    this.invert = settings.invertMatch;
    this.whenMissing = whenMissing(settings, this.test);
  }

  matches(headers: Headers): boolean {
    const holds = this.pseudo ? this.holdsForPseudo(headers.get(this.name)) : this.holdsForLines(headers);
    return holds === undefined ? this.whenMissing : holds !== this.invert;
  }

  /** Only the path can be empty: then it is a CONNECT request, which has none. */
  private holdsForPseudo(value: string | undefined): boolean | undefined {
    return value === undefined || value === '' ? undefined : this.test(value);
  }

  private holdsForLines(headers: Headers): boolean | undefined {
    if (!this.joined) return this.holdsForAny(headers);
    const lines = headers.getAll(this.name);
    return lines.length === 0 ? undefined : this.test(lines.length === 1 ? (lines[0] as string) : lines.join(','));
  }

  /** Each field line is looked at by itself: a joined value would let one line hide another. */
  private holdsForAny(headers: Headers): boolean | undefined {
    if (!(headers instanceof HeaderMap)) return anyHolds(headers.getAll(this.name), this.test);
    const fields = headers.fields;
    let holds: boolean | undefined;
    for (let i = 0; i < fields.length; i += 2) {
      if (fields[i] !== this.name) continue;
      const value = fields[i + 1] as string;
      if (this.exact === undefined ? this.test(value) : value === this.exact) return true;
      holds = false;
    }
    return holds;
  }
}

function plainValue({ exactMatch, stringMatch }: HeaderMatcherSettings): string | undefined {
  const exact = stringMatch?.ignoreCase ? undefined : (stringMatch?.exact ?? (exactMatch || undefined));
  return exact === undefined ? undefined : wireText(exact);
}

function anyHolds(values: readonly string[], test: TextTest): boolean | undefined {
  return values.length === 0 ? undefined : values.some(test);
}

function compileTest(settings: HeaderMatcherSettings): TextTest {
  const { exactMatch, safeRegexMatch, rangeMatch, presentMatch, prefixMatch, suffixMatch, containsMatch } = settings;
  if (settings.stringMatch !== undefined) return compileStringMatcher(settings.stringMatch);
  if (settings.regexMatch !== undefined) return regexTest(settings.regexMatch);
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
    settings.regexMatch === undefined &&
    settings.rangeMatch === undefined &&
    settings.prefixMatch === undefined &&
    settings.suffixMatch === undefined &&
    settings.containsMatch === undefined &&
    settings.exactMatch === undefined
  );
}
