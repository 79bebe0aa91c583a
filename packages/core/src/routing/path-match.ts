/** The path condition of a route, on the path without its query. */
import { FullMatch } from '../regex/full-match.ts';
import type { RouteMatchSettings } from './settings.ts';
import { lowerAscii, startsWithFolded, wireText } from './text.ts';

/** How a path is compared. */
export type PathKind = 'prefix' | 'exact' | 'separated' | 'regex';

/** A compiled path condition. */
export class PathCondition {
  readonly kind: PathKind;
  /** What is compared, on the wire; lower case when case does not matter; '' for a regular expression. */
  readonly text: string;
  readonly caseSensitive: boolean;
  private readonly regex: FullMatch | undefined;

  /** @throws SyntaxError for a bad regular expression. @throws TypeError when there is no path condition. */
  constructor(settings: RouteMatchSettings) {
    this.kind = kindOf(settings);
    this.caseSensitive = settings.caseSensitive;
    const text = wireText(settings.prefix ?? settings.path ?? settings.pathSeparatedPrefix ?? '');
    this.text = this.caseSensitive ? text : lowerAscii(text);
    this.regex = settings.safeRegex && new FullMatch(settings.safeRegex.regex);
  }

  /** Whether the first `end` characters of `target` fit. */
  matches(target: string, end: number): boolean {
    if (this.regex !== undefined) return this.regex.test(target, end);
    const length = this.text.length;
    if (length > end) return false;
    if (this.kind === 'exact' && length !== end) return false;
    if (this.kind === 'separated' && length !== end && target.charCodeAt(length) !== 47) return false;
    return this.caseSensitive ? target.startsWith(this.text) : startsWithFolded(target, this.text);
  }

  /** How much of a path that matches a `prefix_rewrite` replaces: the prefix; the whole path for the other kinds. */
  matchedLength(end: number): number {
    return this.kind === 'prefix' || this.kind === 'separated' ? this.text.length : end;
  }
}

function kindOf(settings: RouteMatchSettings): PathKind {
  if (settings.safeRegex !== undefined) return 'regex';
  if (settings.prefix !== undefined) return 'prefix';
  if (settings.path !== undefined) return 'exact';
  if (settings.pathSeparatedPrefix !== undefined) return 'separated';
  throw new TypeError('a route needs one of prefix, path, safe_regex, path_separated_prefix');
}
