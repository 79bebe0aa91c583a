/**
 * All conditions of one route, compiled. The usual ones (path, headers, query) are asked first; the rare ones stand in a
 * list of their own, which most routes do not have.
 */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import { HeaderCondition } from './header-match.ts';
import { PathCondition } from './path-match.ts';
import { QueryCondition } from './query-match.ts';
import { type RareCondition, rareConditions } from './rare-conditions.ts';
import type { RouteMatchSettings } from './settings.ts';
import { withoutParameters } from './text.ts';

/** What the conditions of a route share with their table. */
export interface RouteConditionOptions {
  /** `ignore_path_parameters_in_path_matching`: path conditions see a path without `;…`. Default false. */
  readonly ignorePathParameters?: boolean | undefined;
}

/** Whether a route fits a request. */
export class RouteConditions {
  readonly path: PathCondition;
  /** In the order of the settings, as the next two. */
  readonly headers: readonly HeaderCondition[];
  readonly query: readonly QueryCondition[];
  readonly rare: readonly RareCondition[];
  private readonly ignorePathParameters: boolean;
  /** There is only the path to look at. */
  private readonly pathOnly: boolean;
  /** The one thing to look at beside the path, where it is a header: found without going through the lists. */
  private readonly onlyHeader: HeaderCondition | undefined;
  private readonly isPattern: boolean;

  /** @throws TypeError or SyntaxError for settings that the configuration schema should have refused. */
  constructor(match: RouteMatchSettings, { ignorePathParameters = false }: RouteConditionOptions = {}) {
    this.path = new PathCondition(match);
    this.headers = match.headers.map((each) => new HeaderCondition(each));
    this.query = match.queryParameters.map((each) => new QueryCondition(each));
    this.rare = rareConditions(match);
    const others = this.headers.length + this.query.length + this.rare.length;
    this.pathOnly = others === 0;
    this.onlyHeader = others === 1 ? this.headers[0] : undefined;
    this.isPattern = this.path.kind === 'regex' || this.path.kind === 'template';
    // A template sees the path as it is.
    this.ignorePathParameters = ignorePathParameters && this.path.template === undefined;
  }

  /**
   * Whether all conditions hold; `pathEnd` is where the path of the request target ends. That CONNECT requests, and only
   * they, ask routes with a `connect_matcher` is up to the caller.
   */
  matches(headers: RequestHeaders, pathEnd: number, stream: HttpStream): boolean {
    if (!this.pathMatches(headers.path, pathEnd)) return false;
    return this.pathOnly || this.othersMatch(headers, pathEnd, stream);
  }

  /** `matches` for who knows that the path begins with, or is, the text of the path condition, as its kind asks for. */
  matchesIndexed(headers: RequestHeaders, pathEnd: number, stream: HttpStream): boolean {
    if (this.isPattern && !this.pathMatches(headers.path, pathEnd)) return false;
    return this.pathOnly || this.othersMatch(headers, pathEnd, stream);
  }

  private othersMatch(headers: RequestHeaders, pathEnd: number, stream: HttpStream): boolean {
    if (this.onlyHeader !== undefined) return this.onlyHeader.matches(headers);
    for (const condition of this.headers) if (!condition.matches(headers)) return false;
    for (const condition of this.query) if (!condition.matches(headers.path, pathEnd)) return false;
    for (const condition of this.rare) if (!condition.matches(headers, stream)) return false;
    return true;
  }

  /** Whether the path condition alone holds. */
  pathMatches(target: string, pathEnd: number): boolean {
    if (!this.ignorePathParameters || !target.includes(';')) return this.path.matches(target, pathEnd);
    const path = withoutParameters(target, pathEnd);
    return this.path.matches(path, path.length);
  }

  /** How much of `target` a `prefix_rewrite` replaces; -1 when the path does not match (any more). */
  matchedLength(target: string, pathEnd: number): number {
    return this.pathMatches(target, pathEnd) ? this.path.matchedLength(pathEnd) : -1;
  }
}
