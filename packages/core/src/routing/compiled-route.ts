/** One compiled route: its conditions, its action, and what it does to heads. */

import type { RequestHeaders, ResponseHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { Route, RouteAction, RouteCorsPolicy, RouteRateLimits, VirtualClusterTraffic } from '../api/route.ts';
import type { RouteTracing } from '../api/tracing.ts';
import type { Scope } from '../stats/index.ts';
import type { WeightedClusterSettings } from './action-settings.ts';
import { checkedText } from './checked-text.ts';
import type { RouteSource } from './describe.ts';
import { compileDirectResponse } from './direct-response.ts';
import { FilterConfigs } from './filter-configs.ts';
import { compileForward, FORWARD_DEFAULTS } from './forward-action.ts';
import { HashPolicies } from './hash-policy.ts';
import { HostRewrite } from './host-rewrite.ts';
import { type PathCondition, templateOf } from './path-match.ts';
import { checkPathRewrite, PathRewrite } from './path-rewrite.ts';
import { compileRateLimits } from './rate-limits.ts';
import { Redirect } from './redirect.ts';
import { type RouteConditionOptions, RouteConditions } from './route-conditions.ts';
import { filterLevels, HeadChanges, Inherited, type RouteLevels } from './route-levels.ts';
import { compileRouteTracing } from './route-tracing.ts';
import type { BodySource, RouteSettings, RouteTableSettings, VirtualHostSettings } from './settings.ts';
import { RouteTraffic, VirtualClusters } from './virtual-clusters.ts';
import { WeightedChoice } from './weighted-clusters.ts';

/** What compiling needs to know beside the settings. */
export interface CompileOptions {
  /** Index in the chain of each HTTP filter, by instance name (the keys of `typed_per_filter_config`). */
  readonly filterSlots: ReadonlyMap<string, number>;
  /** The text of a direct response's body, read at config time. */
  directBody(source: BodySource): string;
  /** The root scope, for the statistics of routes and virtual clusters; without it there are none. */
  readonly stats?: Scope;
}

/** The virtual host that a route belongs to, and what it inherits; made once for all its routes. */
export class RouteContext {
  readonly table: RouteTableSettings;
  readonly virtualHost: VirtualHostSettings;
  readonly options: CompileOptions;
  /** What the conditions of a route share with the table. */
  readonly conditionOptions: RouteConditionOptions;
  /** `undefined` when the virtual host has none. */
  readonly virtualClusters: VirtualClusters | undefined;
  readonly inherited: Inherited;

  /** @throws TypeError or SyntaxError for settings that the configuration schema should have refused. */
  constructor(table: RouteTableSettings, virtualHost: VirtualHostSettings, options: CompileOptions) {
    this.table = table;
    this.virtualHost = virtualHost;
    this.options = options;
    this.conditionOptions = { ignorePathParameters: table.ignorePathParametersInPathMatching };
    const { name, virtualClusters = [] } = virtualHost;
    const counted = options.stats !== undefined && virtualClusters.length > 0;
    this.virtualClusters = counted ? new VirtualClusters(name, virtualClusters, options.stats) : undefined;
    this.inherited = new Inherited(table, virtualHost);
  }
}

/** A compiled route, shared by all requests. */
export class CompiledRoute implements Route {
  readonly name: string;
  readonly virtualHost: string;
  readonly action: RouteAction;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly conditions: RouteConditions;
  readonly path: PathCondition;
  /** Where it comes from, for `explain` and `/config_dump`. */
  readonly source: RouteSource;
  /** One for each weighted cluster; none when the route has no weighted clusters. */
  readonly variants: readonly CompiledRoute[];
  readonly traffic: VirtualClusterTraffic | undefined;
  readonly rateLimits: RouteRateLimits | undefined;
  readonly cors: readonly RouteCorsPolicy[];
  readonly tracing: RouteTracing | undefined;
  private readonly virtualClusters: VirtualClusters | undefined;
  private readonly choice: WeightedChoice<CompiledRoute> | undefined;
  private readonly filters: FilterConfigs;
  private readonly heads: HeadChanges;
  /** The host that a weighted cluster asks for; '' keeps it. */
  private readonly entryHost: string;
  private readonly hostRewrite: HostRewrite | undefined;
  private readonly pathRewrite: PathRewrite | undefined;
  private readonly changesRequest: boolean;
  private readonly changesResponse: boolean;

  /**
   * @param of the route that this is a variant of, and the weighted cluster that it is for
   * @throws TypeError or SyntaxError for settings that the configuration schema should have refused.
   */
  constructor(settings: RouteSettings, index: number, context: RouteContext, of?: VariantOf) {
    const { table, virtualHost, inherited, options } = context;
    const { route } = settings;
    const levels: RouteLevels = { table, virtualHost, inherited, route: settings, entry: of?.entry };
    this.name = settings.name;
    this.virtualHost = virtualHost.name;
    this.metadata = settings.metadata?.filterMetadata ?? {};
    this.source = { virtualHost: virtualHost.name, index, settings };
    this.traffic = of === undefined ? routeTraffic(settings, context) : of.route.traffic;
    this.rateLimits = of === undefined ? routeRateLimits(settings, context) : of.route.rateLimits;
    this.cors = [route?.cors, virtualHost.cors].flatMap((policy) => policy ?? []);
    this.tracing = of === undefined ? compileRouteTracing(settings) : of.route.tracing;
    this.virtualClusters = context.virtualClusters;
    this.conditions = of?.route.conditions ?? new RouteConditions(settings.match, context.conditionOptions);
    this.path = this.conditions.path;
    const hashPolicies = compileHashPolicies(settings);
    this.action = compileAction(levels, this.conditions, hashPolicies, options);
    this.filters = new FilterConfigs(filterLevels(levels), options.filterSlots);
    this.heads = new HeadChanges(levels);
    this.entryHost = checkedText('host_rewrite_literal', of?.entry.hostRewriteLiteral);
    this.hostRewrite = route && unlessEmpty(new HostRewrite(route));
    checkPathRewrite(route ?? {});
    this.pathRewrite = route && unlessEmpty(new PathRewrite(route, this.conditions, templateOf(settings.match)));
    const rewrites = this.entryHost !== '' || this.hostRewrite !== undefined || this.pathRewrite !== undefined;
    this.changesRequest = rewrites || this.heads.changesRequest;
    this.changesResponse = this.heads.changesResponse;
    const weighted = of === undefined ? route?.weightedClusters : undefined;
    this.variants = (weighted?.clusters ?? []).map(
      (entry) => new CompiledRoute(settings, index, context, { route: this, entry }),
    );
    this.choice = weighted && new WeightedChoice(weighted, this.variants, hashPolicies);
  }

  /** Whether all conditions hold. `pathEnd` is where the path of the request target ends. */
  matches(headers: RequestHeaders, pathEnd: number, stream: HttpStream): boolean {
    return this.conditions.matches(headers, pathEnd, stream);
  }

  /** What the matched route is for this request: itself, or the drawn one of its weighted clusters, if any can be drawn. */
  variant(headers: RequestHeaders, stream: HttpStream): CompiledRoute | undefined {
    return this.choice === undefined ? this : this.choice.pick(headers, stream);
  }

  finalizeRequest(headers: RequestHeaders, stream: HttpStream, keepOriginal: boolean): void {
    if (!this.changesRequest) return;
    if (this.heads.changesRequest) this.heads.applyToRequest(headers, stream);
    if (this.entryHost !== '') headers.authority = this.entryHost;
    this.hostRewrite?.apply(headers, stream, keepOriginal);
    this.pathRewrite?.apply(headers, stream, keepOriginal);
  }

  finalizeResponse(headers: ResponseHeaders, stream: HttpStream): void {
    if (this.changesResponse) this.heads.applyToResponse(headers, stream);
  }

  filterConfig(slot: number): unknown {
    return this.filters.config(slot);
  }

  filterConfigs(slot: number): readonly unknown[] {
    return this.filters.all(slot);
  }

  virtualCluster(headers: RequestHeaders): VirtualClusterTraffic | undefined {
    return this.virtualClusters?.find(headers);
  }

  /** Whether the filter in this slot is switched off (true) or on (false) here; `undefined` leaves it as it is. */
  filterDisabled(slot: number): boolean | undefined {
    return this.filters.disabled(slot);
  }
}

interface VariantOf {
  readonly route: CompiledRoute;
  readonly entry: WeightedClusterSettings;
}

function compileAction(
  levels: RouteLevels,
  conditions: RouteConditions,
  hashPolicies: HashPolicies | undefined,
  options: CompileOptions,
): RouteAction {
  const { route, redirect, directResponse, nonForwardingAction } = levels.route;
  // It names no cluster, and that is how such a request is answered.
  if (nonForwardingAction !== undefined) return FORWARD_DEFAULTS;
  if (route !== undefined) return compileForward(route, levels, hashPolicies);
  if (redirect !== undefined) return new Redirect(redirect, conditions);
  if (directResponse === undefined) throw new TypeError('a route needs one of route, redirect, direct_response');
  return compileDirectResponse(directResponse, options.directBody);
}

function routeTraffic(settings: RouteSettings, { virtualHost, options }: RouteContext): RouteTraffic | undefined {
  const { statPrefix = '' } = settings;
  if (statPrefix === '' || options.stats === undefined) return undefined;
  return new RouteTraffic(statPrefix, options.stats.scope(`vhost.${virtualHost.name}.route.${statPrefix}.`));
}

function routeRateLimits({ route }: RouteSettings, context: RouteContext): RouteRateLimits | undefined {
  const own = compileRateLimits(route?.rateLimits);
  const { rateLimits } = context.inherited;
  if (own === undefined && rateLimits === undefined) return undefined;
  return { route: own, virtualHost: rateLimits, includesVirtualHost: route?.includeVhRateLimits ?? false };
}

function compileHashPolicies({ route }: RouteSettings): HashPolicies | undefined {
  const { hashPolicy = [] } = route ?? {};
  return hashPolicy.length === 0 ? undefined : unlessEmpty(new HashPolicies(hashPolicy));
}

function unlessEmpty<T extends { readonly isEmpty: boolean }>(part: T): T | undefined {
  return part.isEmpty ? undefined : part;
}
