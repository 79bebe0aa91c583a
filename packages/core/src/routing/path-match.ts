/** The path condition of a route, on the path without its query. */
import { FullMatch } from '../regex/full-match.ts';
import { splitPattern } from './regex-prefix.ts';
import type { RouteMatchSettings } from './settings.ts';
import { lowerAscii, startsWithFolded, wireText } from './text.ts';
import { UriTemplate } from './uri-template.ts';

/** How a path is compared. A `connect` condition has no path: it is about the method. */
export type PathKind = 'prefix' | 'exact' | 'separated' | 'regex' | 'template' | 'connect';

/** A compiled path condition. */
export class PathCondition {
  readonly kind: PathKind;
  /**
   * What is compared, on the wire; lower case when case does not matter. For a pattern the text that every path that
   * fits begins with, perhaps ''.
   */
  readonly text: string;
  readonly caseSensitive: boolean;
  /** The URI template, for rewriting. */
  readonly template: UriTemplate | undefined;
  /** What a path must be like behind `text`. */
  private readonly regex: FullMatch | undefined;

  /** @throws SyntaxError for a bad regular expression. @throws TypeError for a bad template or no path condition. */
  constructor(settings: RouteMatchSettings) {
    this.kind = kindOf(settings);
    const regex = settings.safeRegex?.regex ?? settings.regex;
    const pattern = regex === undefined ? undefined : compilePattern(regex);
    this.regex = pattern?.regex;
    const template = templateOf(settings);
    this.template = template === undefined ? undefined : new UriTemplate(template);
    this.caseSensitive = settings.caseSensitive || regex !== undefined || template !== undefined;
    const text = wireText(settings.prefix ?? settings.path ?? settings.pathSeparatedPrefix ?? '');
    if (pattern !== undefined) this.text = pattern.prefix;
    else if (this.template !== undefined) this.text = this.template.literalPrefix;
    else this.text = this.caseSensitive ? text : lowerAscii(text);
  }

  /** Whether the first `end` characters of `target` fit. */
  matches(target: string, end: number): boolean {
    if (this.template !== undefined) return this.template.matches(target, end);
    const length = this.text.length;
    if (length > end) return false;
    if (this.regex !== undefined) return target.startsWith(this.text) && this.regex.test(target, end, length);
    if (this.kind === 'exact' && length !== end) return false;
    if (this.kind === 'separated' && length !== end && target.charCodeAt(length) !== 47) return false;
    return this.caseSensitive ? target.startsWith(this.text) : startsWithFolded(target, this.text);
  }

  /** How much of a path that matches a `prefix_rewrite` replaces: the text; the whole path for a pattern. */
  matchedLength(end: number): number {
    return this.regex === undefined && this.template === undefined ? this.text.length : end;
  }
}

/** The literal beginning is compared as text: an automaton for it would only cost memory. */
function compilePattern(written: string): { readonly prefix: string; readonly regex: FullMatch } {
  const whole = new FullMatch(written);
  const { prefix, rest } = splitPattern(written);
  return { prefix, regex: prefix === '' ? whole : new FullMatch(rest) };
}

/** The URI template of a route, as it is written. */
export function templateOf({ pathMatchPolicy }: RouteMatchSettings): string | undefined {
  return (pathMatchPolicy?.config as { readonly pathTemplate?: string } | undefined)?.pathTemplate;
}

function kindOf(settings: RouteMatchSettings): PathKind {
  if (settings.safeRegex !== undefined || settings.regex !== undefined) return 'regex';
  if (settings.prefix !== undefined) return 'prefix';
  if (settings.path !== undefined) return 'exact';
  if (settings.pathSeparatedPrefix !== undefined) return 'separated';
  if (settings.pathMatchPolicy !== undefined) return 'template';
  if (settings.connectMatcher !== undefined) return 'connect';
  throw new TypeError(
    'a route needs one of prefix, path, safe_regex, path_separated_prefix, path_match_policy, connect_matcher',
  );
}
