/** How responses, and local replies in their place, are counted for cluster and host. */
import type { Host, ResponseHeaders, Route, TerminalStream, UpstreamCluster, VirtualClusterTraffic } from '@mesh/core';
import type { RouterEnvironment } from './environment.ts';
import { isHostSuccess } from './grpc-status.ts';
import { percentOfTimeout } from './tracking/index.ts';

/** The exchange, as far as counting needs it. */
export interface Charged {
  readonly env: RouterEnvironment;
  readonly stream: TerminalStream;
  readonly cluster: UpstreamCluster;
  readonly grpc: boolean;
  readonly altStat: string | undefined;
  readonly route: Route;
  readonly virtualCluster: VirtualClusterTraffic | undefined;
  /** 0 is none. */
  readonly timeoutMs: number;
  /** Set when the response was a canary's. */
  canary: boolean;
}

/** Counts a response head; without `head` a local reply. `host` is the one that answered, or failed to. */
export function chargeResponse(
  charged: Charged,
  host: Host | undefined,
  status: number,
  head?: ResponseHeaders,
  end = false,
): void {
  const { cluster, env } = charged;
  const deferred = charged.grpc && head !== undefined && status < 500;
  // Health checks are nobody's traffic.
  if (env.dynamicStats && charged.stream.info.healthCheck !== true) {
    const { internal } = charged.stream;
    // Counted as completed only: a status of 0 has no code and no class.
    const counted = charged.grpc && env.suppressGrpcRequestFailureCodeStats ? 0 : status;
    cluster.chargeStatus(undefined, counted, internal);
    if (cluster.zoned === true && host !== undefined) cluster.chargeZone?.(host, counted);
    charged.virtualCluster?.chargeStatus(counted);
    charged.route.traffic?.chargeStatus(counted);
    if (charged.altStat !== undefined) cluster.chargeAlt(charged.altStat, counted, internal);
    if (host?.canary === true || (head !== undefined && saysCanary(head))) {
      charged.canary = true;
      cluster.chargeCanary(counted);
    }
  }
  if (host === undefined) return;
  // Without a head the host gave none: an error, whatever the client is told.
  if (head === undefined || status >= 500) host.stats.rqError++;
  else if (!deferred) host.stats.rqSuccess++;
  else if (end) chargeGrpcEnd(host, head.get('grpc-status'));
}

function saysCanary(head: ResponseHeaders): boolean {
  return head.hasPrefix('x-envoy-up') && head.get('x-envoy-upstream-canary') === 'true';
}

/** Counts how long a finished exchange took, in ms from the end of the request. */
export function chargeTime(charged: Charged, durationMs: number): void {
  if (!charged.env.dynamicStats || charged.stream.info.healthCheck === true) return;
  const { cluster, stream } = charged;
  cluster.chargeTime(durationMs, stream.internal);
  if (charged.canary) cluster.chargeCanaryTime?.(durationMs);
  const budgets = cluster.tracking?.budgets;
  if (budgets !== undefined) {
    const used = percentOfTimeout(Math.trunc(durationMs), charged.timeoutMs);
    budgets.upstream_rq_timeout_budget_percent_used.record(used);
  }
  const host = cluster.zoned === true ? stream.info.upstreamHost : undefined;
  if (host !== undefined) cluster.chargeZoneTime?.(host, durationMs);
  charged.virtualCluster?.chargeTime(durationMs);
  charged.route.traffic?.chargeTime(durationMs);
}

/** Counts an attempt that the route's timeout has ended. */
export function chargeTimeout({ cluster, route, virtualCluster }: Charged, host: Host): void {
  cluster.traffic.upstream_rq_timeout.inc();
  virtualCluster?.upstream_rq_timeout.inc();
  route.traffic?.upstream_rq_timeout.inc();
  host.stats.rqTimeout++;
}

/** What became of a gRPC call is known at its end. */
export function chargeGrpcEnd(host: Host, grpcStatus: string | undefined): void {
  if (isHostSuccess(grpcStatus)) host.stats.rqSuccess++;
  else host.stats.rqError++;
}
