/** One compiled route: its conditions, its action, and what it does to heads. */

import type { RequestHeaders, ResponseHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { DirectResponseAction, ForwardAction, Route, RouteAction } from '../api/route.ts';
import { isFieldValue } from '../headers/validate.ts';
import type { RouteSource } from './describe.ts';
import { FilterConfigs } from './filter-configs.ts';
import { FORWARD_DEFAULTS } from './forward-action.ts';
import { HeaderCondition } from './header-match.ts';
import { HeaderMutations } from './header-mutations.ts';
import { PathCondition } from './path-match.ts';
import { QueryCondition } from './query-match.ts';
import { Redirect } from './redirect.ts';
import type {
  BodySource,
  ForwardSettings,
  HeaderMutationSettings,
  RouteSettings,
  RouteTableSettings,
  VirtualHostSettings,
} from './settings.ts';
import { endOfPath, rooted, wireText } from './text.ts';

/** What compiling needs to know beside the settings. */
export interface CompileOptions {
  /** Index in the chain of each HTTP filter, by instance name (the keys of `typed_per_filter_config`). */
  readonly filterSlots: ReadonlyMap<string, number>;
  /** The text of a direct response's body, read at config time. */
  directBody(source: BodySource): string;
}

/** The virtual host that a route belongs to, and what it inherits; made once for all its routes. */
export class RouteContext {
  readonly virtualHost: VirtualHostSettings;
  readonly options: CompileOptions;
  /** Mutations after those of the route: virtual host, then table. */
  readonly requestMutations: readonly HeaderMutations[];
  readonly responseMutations: readonly HeaderMutations[];

  constructor(table: RouteTableSettings, virtualHost: VirtualHostSettings, options: CompileOptions) {
    this.virtualHost = virtualHost;
    this.options = options;
    this.requestMutations = [...requestMutations(virtualHost), ...requestMutations(table)];
    this.responseMutations = [...responseMutations(virtualHost), ...responseMutations(table)];
  }
}

const NOT_FOUND_STATUS = { SERVICE_UNAVAILABLE: 503, NOT_FOUND: 404, INTERNAL_SERVER_ERROR: 500 } as const;

/** A compiled route, shared by all requests. */
export class CompiledRoute implements Route {
  readonly name: string;
  readonly virtualHost: string;
  readonly action: RouteAction;
  readonly metadata: Readonly<Record<string, unknown>> = {};
  readonly path: PathCondition;
  /** Where it comes from, for `explain` and `/config_dump`. */
  readonly source: RouteSource;
  private readonly conditions: readonly HeaderCondition[];
  private readonly queryConditions: readonly QueryCondition[];
  private readonly filters: FilterConfigs;
  private readonly ownRequestMutations: readonly HeaderMutations[];
  private readonly ownResponseMutations: readonly HeaderMutations[];
  private readonly hostRewrite: string;
  private readonly prefixRewrite: string;
  private readonly changesRequest: boolean;
  private readonly changesResponse: boolean;

  /** @throws TypeError or SyntaxError for settings that the configuration schema should have refused. */
  constructor(settings: RouteSettings, index: number, context: RouteContext) {
    const { virtualHost, options } = context;
    this.name = settings.name;
    this.virtualHost = virtualHost.name;
    this.source = { virtualHost: virtualHost.name, index, settings };
    this.path = new PathCondition(settings.match);
    this.conditions = settings.match.headers.map((each) => new HeaderCondition(each));
    this.queryConditions = settings.match.queryParameters.map((each) => new QueryCondition(each));
    this.action = compileAction(settings, this.path, options);
    const filterLevels = [settings.typedPerFilterConfig, virtualHost.typedPerFilterConfig];
    this.filters = new FilterConfigs(filterLevels, options.filterSlots);
    this.ownRequestMutations = [...requestMutations(settings), ...context.requestMutations];
    this.ownResponseMutations = [...responseMutations(settings), ...context.responseMutations];
    this.hostRewrite = checkedRewrite('host_rewrite_literal', settings.route?.hostRewriteLiteral);
    this.prefixRewrite = checkedRewrite('prefix_rewrite', settings.route?.prefixRewrite);
    const rewrites = this.hostRewrite !== '' || this.prefixRewrite !== '';
    this.changesRequest = rewrites || this.ownRequestMutations.length > 0;
    this.changesResponse = this.ownResponseMutations.length > 0;
  }

  /** Whether all conditions hold. `pathEnd` is where the path of the request target ends. */
  matches(headers: RequestHeaders, pathEnd: number, _stream: HttpStream): boolean {
    if (!this.path.matches(headers.path, pathEnd)) return false;
    for (const condition of this.conditions) if (!condition.matches(headers)) return false;
    for (const condition of this.queryConditions) if (!condition.matches(headers.path, pathEnd)) return false;
    return true;
  }

  /** What the matched route is for this request: itself, or the drawn one of its weighted clusters. */
  variant(_headers: RequestHeaders, _stream: HttpStream): CompiledRoute {
    return this;
  }

  finalizeRequest(headers: RequestHeaders, _stream: HttpStream, keepOriginalPath: boolean): void {
    if (!this.changesRequest) return;
    for (const mutations of this.ownRequestMutations) mutations.apply(headers);
    if (this.hostRewrite !== '') this.rewriteHost(headers, keepOriginalPath);
    if (this.prefixRewrite !== '') this.rewritePath(headers, keepOriginalPath);
  }

  finalizeResponse(headers: ResponseHeaders, _stream: HttpStream): void {
    if (!this.changesResponse) return;
    for (const mutations of this.ownResponseMutations) mutations.apply(headers);
  }

  filterConfig(slot: number): unknown {
    return this.filters.config(slot);
  }

  filterConfigs(slot: number): readonly unknown[] {
    const config = this.filters.config(slot);
    return config === undefined ? [] : [config];
  }

  /** Whether the filter in this slot is switched off (true) or on (false) here; `undefined` leaves it as it is. */
  filterDisabled(slot: number): boolean | undefined {
    return this.filters.disabled(slot);
  }

  private rewriteHost(headers: RequestHeaders, keepOriginal: boolean): void {
    if (keepOriginal) headers.set('x-envoy-original-host', headers.authority);
    headers.authority = this.hostRewrite;
  }

  private rewritePath(headers: RequestHeaders, keepOriginal: boolean): void {
    const target = headers.path;
    const end = endOfPath(target);
    // A filter may have changed the path since it was matched: then there is no matched part to replace.
    if (!this.path.matches(target, end)) return;
    if (keepOriginal) headers.set('x-envoy-original-path', target);
    headers.path = rooted(this.prefixRewrite + target.slice(this.path.matchedLength(end)));
  }
}

function compileAction(settings: RouteSettings, path: PathCondition, options: CompileOptions): RouteAction {
  const { route, redirect, directResponse } = settings;
  if (route !== undefined) return forward(route);
  if (redirect !== undefined) return new Redirect(redirect, path);
  if (directResponse === undefined) throw new TypeError('a route needs one of route, redirect, direct_response');
  const body = directResponse.body === undefined ? '' : options.directBody(directResponse.body);
  return { kind: 'direct_response', status: directResponse.status, body } satisfies DirectResponseAction;
}

function forward(settings: ForwardSettings): ForwardAction {
  return {
    ...FORWARD_DEFAULTS,
    cluster: settings.cluster ?? '',
    clusterNotFoundStatus: NOT_FOUND_STATUS[settings.clusterNotFoundResponseCode],
    timeoutMs: settings.timeoutMs,
    idleTimeoutMs: settings.idleTimeoutMs,
  };
}

/** One entry, or none when nothing is configured at this level. */
function requestMutations(level: HeaderMutationSettings): readonly HeaderMutations[] {
  const mutations = new HeaderMutations(level.requestHeadersToAdd, level.requestHeadersToRemove);
  return mutations.isEmpty ? [] : [mutations];
}

function responseMutations(level: HeaderMutationSettings): readonly HeaderMutations[] {
  const mutations = new HeaderMutations(level.responseHeadersToAdd, level.responseHeadersToRemove);
  return mutations.isEmpty ? [] : [mutations];
}

/** A space or line break in a host or path would end the request line early. */
function checkedRewrite(field: string, written = ''): string {
  const value = wireText(written);
  if (!isFieldValue(value) || /[\t ]/.test(value)) throw new TypeError(`invalid ${field}: ${JSON.stringify(written)}`);
  return value;
}
