/** How a route replaces the path of a request; the query stays. */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import { compileFormat, type Format } from '../format/format.ts';
import { Replacement } from '../regex/replace.ts';
import type { ExtensionSettings, RegexRewriteSettings } from './action-settings.ts';
import { checkedText } from './checked-text.ts';
import { legalTarget } from './legal-target.ts';
import { PathTemplateRewrite } from './path-template-rewrite.ts';
import type { RouteConditions } from './route-conditions.ts';
import { endOfPath, rooted, wireText } from './text.ts';

/** Settings of which at most one is given; routes and redirects have them alike but for the last two. */
interface PathRewriteSettings {
  readonly prefixRewrite?: string;
  readonly regexRewrite?: RegexRewriteSettings;
  readonly pathRewritePolicy?: ExtensionSettings;
  /** A format. */
  readonly pathRewrite?: string;
}

/** A path rewrite of a route or of a redirect. An empty result is no rewrite, as in Envoy. */
export class PathRewrite {
  private readonly conditions: RouteConditions;
  private readonly prefix: string;
  private readonly regex: Replacement | undefined;
  private readonly template: PathTemplateRewrite | undefined;
  private readonly format: Format | undefined;

  /**
   * @param matchTemplate the text of the route's URI template, for messages
   * @throws TypeError or SyntaxError for settings that the configuration schema should have refused.
   */
  constructor(settings: PathRewriteSettings, conditions: RouteConditions, matchTemplate = '') {
    const { regexRewrite, pathRewritePolicy, pathRewrite } = settings;
    this.conditions = conditions;
    this.prefix = wireText(settings.prefixRewrite ?? '');
    this.regex = regexRewrite && new Replacement(regexRewrite.pattern.regex, regexRewrite.substitution);
    this.template = pathRewritePolicy && templateRewrite(pathRewritePolicy, conditions, matchTemplate);
    this.format = pathRewrite ? compileFormat(pathRewrite) : undefined;
    if (this.prefix !== '' && conditions.path.template !== undefined) {
      throw new TypeError('Cannot use prefix_rewrite with matcher extension');
    }
  }

  /** True when nothing is configured. */
  get isEmpty(): boolean {
    const { prefix, regex, template, format } = this;
    return prefix === '' && regex === undefined && template === undefined && format === undefined;
  }

  /** The path with its query after the rewrite; `undefined` when there is nothing to rewrite. */
  target(headers: RequestHeaders, stream: HttpStream): string | undefined {
    const target = headers.path;
    const end = endOfPath(target);
    if (this.prefix !== '') return this.withPrefix(target, end);
    const path = this.path(target, end, stream);
    return path ? rooted(path + target.slice(end)) : undefined;
  }

  /** `keepOriginal` leaves the old path in `x-envoy-original-path`. */
  apply(headers: RequestHeaders, stream: HttpStream, keepOriginal: boolean): void {
    const target = this.target(headers, stream);
    if (target === undefined) return;
    if (keepOriginal) headers.set('x-envoy-original-path', headers.path);
    headers.path = target;
  }

  private withPrefix(target: string, end: number): string | undefined {
    // A filter may have changed the path since it was matched: then there is no matched part to replace.
    const matched = this.conditions.matchedLength(target, end);
    return matched < 0 ? undefined : rooted(this.prefix + target.slice(matched));
  }

  private path(target: string, end: number, stream: HttpStream): string | undefined {
    if (this.regex !== undefined) return this.regex.apply(target.slice(0, end));
    if (this.template !== undefined) return this.template.apply(target, end);
    // What clients send may be part of it.
    return this.format && legalTarget(this.format.format(stream));
  }
}

/** @throws TypeError for a rewrite that cannot stand in a request line; `location` takes any, percent-encoded. */
export function checkPathRewrite({ prefixRewrite, regexRewrite }: PathRewriteSettings): void {
  checkedText('prefix_rewrite', prefixRewrite);
  checkedText('regex_rewrite.substitution', regexRewrite?.substitution);
}

function templateRewrite(
  { name, config }: ExtensionSettings,
  { path }: RouteConditions,
  matchTemplate: string,
): PathTemplateRewrite {
  if (path.template === undefined) {
    throw new TypeError(
      `unable to use ${name} extension without envoy.path.match.uri_template.uri_template_matcher extension`,
    );
  }
  const { pathTemplateRewrite } = config as { readonly pathTemplateRewrite: string };
  return new PathTemplateRewrite(pathTemplateRewrite, path.template, matchTemplate);
}
