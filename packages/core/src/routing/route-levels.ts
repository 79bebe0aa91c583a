/** Configuration that several levels (weighted cluster, route, virtual host, table) may give, put in order once. */
import type { RequestHeaders, ResponseHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { HedgePolicy, MirrorPolicy, RetryPolicy } from '../api/route.ts';
import type { WeightedClusterSettings } from './action-settings.ts';
import { HeaderMutations } from './header-mutations.ts';
import { Mirror } from './mirror-policy.ts';
import { compileRateLimits, type RateLimits } from './rate-limits.ts';
import { compileHedgePolicy, compileRetryPolicy } from './retry-policy.ts';
import type {
  FilterSettings,
  HeaderMutationSettings,
  RouteSettings,
  RouteTableSettings,
  VirtualHostSettings,
} from './settings.ts';

/** What all routes of a virtual host inherit, compiled once. */
export class Inherited {
  readonly table: HeadLevel;
  readonly virtualHost: HeadLevel;
  readonly retry: RetryPolicy | undefined;
  readonly hedge: HedgePolicy | undefined;
  readonly mirrors: readonly MirrorPolicy[];
  readonly rateLimits: RateLimits | undefined;

  /** @throws TypeError or SyntaxError for settings that the configuration schema should have refused. */
  constructor(table: RouteTableSettings, virtualHost: VirtualHostSettings) {
    const { retryPolicy, hedgePolicy, requestMirrorPolicies = [] } = virtualHost;
    this.table = new HeadLevel(table);
    this.virtualHost = new HeadLevel(virtualHost);
    this.retry = retryPolicy && compileRetryPolicy(retryPolicy);
    this.hedge = hedgePolicy && compileHedgePolicy(hedgePolicy);
    const mirrors = requestMirrorPolicies.length > 0 ? requestMirrorPolicies : (table.requestMirrorPolicies ?? []);
    this.mirrors = mirrors.map((each) => new Mirror(each));
    this.rateLimits = compileRateLimits(virtualHost.rateLimits);
  }
}

/** Where a route stands. `entry` is set for the variant of one weighted cluster. */
export interface RouteLevels {
  readonly table: RouteTableSettings;
  readonly virtualHost: VirtualHostSettings;
  readonly inherited: Inherited;
  readonly route: RouteSettings;
  readonly entry: WeightedClusterSettings | undefined;
}

/** Header changes of one level; empty lists when nothing is configured there. */
class HeadLevel {
  readonly request: readonly HeaderMutations[];
  readonly response: readonly HeaderMutations[];

  constructor(level: HeaderMutationSettings) {
    this.request = unlessEmpty(new HeaderMutations(level.requestHeadersToAdd, level.requestHeadersToRemove));
    this.response = unlessEmpty(new HeaderMutations(level.responseHeadersToAdd, level.responseHeadersToRemove));
  }
}

function unlessEmpty(mutations: HeaderMutations): readonly HeaderMutations[] {
  return mutations.isEmpty ? [] : [mutations];
}

/** Header changes of all levels, in the order of their effect. */
export class HeadChanges {
  readonly changesRequest: boolean;
  readonly changesResponse: boolean;
  private readonly request: readonly HeaderMutations[];
  private readonly response: readonly HeaderMutations[];

  /** @throws TypeError for a mutation that makes no legal field. */
  constructor(levels: RouteLevels) {
    const order = inOrder(levels);
    this.request = order.flatMap((level) => level.request);
    this.response = order.flatMap((level) => level.response);
    this.changesRequest = this.request.length > 0;
    this.changesResponse = this.response.length > 0;
  }

  applyToRequest(headers: RequestHeaders, stream: HttpStream): void {
    for (const mutations of this.request) mutations.apply(headers, stream);
  }

  applyToResponse(headers: ResponseHeaders, stream: HttpStream): void {
    for (const mutations of this.response) mutations.apply(headers, stream, headers);
  }
}

/** As in Envoy, a weighted cluster always comes first; only the order of the other levels can be turned round. */
function inOrder({ table, inherited, route, entry }: RouteLevels): readonly HeadLevel[] {
  const order = [new HeadLevel(route), inherited.virtualHost, inherited.table];
  if (table.mostSpecificHeaderMutationsWins) order.reverse();
  return entry === undefined ? order : [new HeadLevel(entry), ...order];
}

/** `typed_per_filter_config` of all levels, most specific first. */
export function filterLevels({ table, virtualHost, route, entry }: RouteLevels): readonly FilterSettings[] {
  return [entry, route, virtualHost, table].map((level) => level?.typedPerFilterConfig ?? {});
}
