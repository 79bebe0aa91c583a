/** What a route that forwards does when nothing but the cluster is configured. */
import type { ForwardAction } from '../api/route.ts';

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
