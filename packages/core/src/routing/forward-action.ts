/** What a route that forwards does: compiled from its settings and those that it inherits. */
import type { ForwardAction, MirrorPolicy, StreamDurationPolicy, UpgradePolicy } from '../api/route.ts';
import type { ForwardSettings, StreamDurationSettings } from './action-settings.ts';
import type { HashPolicies } from './hash-policy.ts';
import { Mirror } from './mirror-policy.ts';
import { compileHedgePolicy, compileInternalRedirects, compileRetryPolicy } from './retry-policy.ts';
import type { RouteLevels } from './route-levels.ts';

/** Envoy's defaults of `RouteAction`; spread it and name what differs. */
export const FORWARD_DEFAULTS: ForwardAction = Object.freeze({
  kind: 'forward',
  cluster: '',
  clusterHeader: undefined,
  clusterNotFoundStatus: 503,
  timeoutMs: 15_000,
  idleTimeoutMs: undefined,
  flushTimeoutMs: undefined,
  streamDuration: undefined,
  maxGrpcTimeoutMs: undefined,
  grpcTimeoutOffsetMs: 0,
  priority: 'default',
  retry: undefined,
  hedge: undefined,
  mirrors: Object.freeze([]),
  internalRedirect: undefined,
  upgrades: new Map(),
  metadataMatch: undefined,
  requestBufferLimitBytes: undefined,
  includeRequestAttemptCount: false,
  includeAttemptCountInResponse: false,
  includeIsTimeoutRetryHeader: false,
  autoHostRewrite: false,
  appendXForwardedHost: false,
  hash: () => undefined,
  hasHashPolicy: false,
} as const satisfies ForwardAction);

const NOT_FOUND_STATUS = { SERVICE_UNAVAILABLE: 503, NOT_FOUND: 404, INTERNAL_SERVER_ERROR: 500 } as const;

/**
 * Compiles a forward action; with an entry of weighted clusters, the action of that entry.
 * @throws TypeError or SyntaxError for settings that the configuration schema should have refused.
 */
export function compileForward(
  settings: ForwardSettings,
  levels: RouteLevels,
  hashPolicies: HashPolicies | undefined,
): ForwardAction {
  return {
    ...FORWARD_DEFAULTS,
    ...clusterOf(settings, levels),
    ...timeouts(settings),
    ...retries(settings, levels),
    clusterNotFoundStatus: NOT_FOUND_STATUS[settings.clusterNotFoundResponseCode],
    priority: settings.priority === 'HIGH' ? 'high' : 'default',
    mirrors: mirrors(settings, levels),
    upgrades: upgrades(settings),
    metadataMatch: metadataMatch(settings, levels),
    autoHostRewrite: settings.autoHostRewrite ?? false,
    appendXForwardedHost: settings.appendXForwardedHost ?? false,
    hasHashPolicy: hashPolicies !== undefined,
    ...(hashPolicies && { hash: (stream, addCookie) => hashPolicies.hash(stream, addCookie) }),
  };
}

function clusterOf(
  settings: ForwardSettings,
  { entry }: RouteLevels,
): Pick<ForwardAction, 'cluster' | 'clusterHeader'> {
  if (entry === undefined)
    return { cluster: settings.cluster ?? '', clusterHeader: settings.clusterHeader?.toLowerCase() };
  return { cluster: entry.name, clusterHeader: entry.clusterHeader.toLowerCase() || undefined };
}

function timeouts(settings: ForwardSettings) {
  const { maxStreamDuration } = settings;
  return {
    timeoutMs: settings.timeoutMs,
    idleTimeoutMs: settings.idleTimeoutMs,
    flushTimeoutMs: settings.flushTimeoutMs,
    streamDuration: maxStreamDuration && streamDuration(maxStreamDuration),
    maxGrpcTimeoutMs: settings.maxGrpcTimeoutMs,
    grpcTimeoutOffsetMs: settings.grpcTimeoutOffsetMs ?? 0,
  };
}

function streamDuration(settings: StreamDurationSettings): StreamDurationPolicy {
  return {
    maxStreamDurationMs: settings.maxStreamDurationMs,
    grpcTimeoutHeaderMaxMs: settings.grpcTimeoutHeaderMaxMs,
    grpcTimeoutHeaderOffsetMs: settings.grpcTimeoutHeaderOffsetMs ?? 0,
  };
}

/** Policies of a route take the place of the virtual host's as a whole: nothing is merged. */
function retries(settings: ForwardSettings, { route, virtualHost, inherited }: RouteLevels) {
  const { retryPolicy, hedgePolicy } = settings;
  return {
    retry: retryPolicy ? compileRetryPolicy(retryPolicy) : inherited.retry,
    hedge: hedgePolicy ? compileHedgePolicy(hedgePolicy) : inherited.hedge,
    internalRedirect: compileInternalRedirects(settings),
    requestBufferLimitBytes:
      route.requestBodyBufferLimit ??
      route.perRequestBufferLimitBytes ??
      virtualHost.requestBodyBufferLimit ??
      virtualHost.perRequestBufferLimitBytes,
    includeRequestAttemptCount: virtualHost.includeRequestAttemptCount ?? false,
    includeAttemptCountInResponse: virtualHost.includeAttemptCountInResponse ?? false,
    includeIsTimeoutRetryHeader: virtualHost.includeIsTimeoutRetryHeader ?? false,
  };
}

/** The most specific level that has any. */
function mirrors({ requestMirrorPolicies = [] }: ForwardSettings, { inherited }: RouteLevels): readonly MirrorPolicy[] {
  return requestMirrorPolicies.length === 0 ? inherited.mirrors : requestMirrorPolicies.map((each) => new Mirror(each));
}

function upgrades({ upgradeConfigs = [] }: ForwardSettings): ReadonlyMap<string, UpgradePolicy> {
  return new Map(
    upgradeConfigs.map(({ upgradeType, enabled, connectConfig }) => [
      upgradeType.toLowerCase(),
      { enabled, connect: connectConfig && { allowPost: connectConfig.allowPost } },
    ]),
  );
}

/** The criteria of a weighted cluster add to those of its route and take their place where both name a key. */
function metadataMatch({ metadataMatch }: ForwardSettings, { entry }: RouteLevels): ForwardAction['metadataMatch'] {
  const route = metadataMatch?.filterMetadata['envoy.lb'];
  const own = entry?.metadataMatch?.filterMetadata['envoy.lb'];
  return route === undefined && own === undefined ? undefined : { ...route, ...own };
}
