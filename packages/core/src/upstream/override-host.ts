/** The host that a request asks for by address (session stickiness), before the policy of its cluster is asked. */
import type { EndpointHealthStatus } from '../api/discovery.ts';
import { HealthFlag } from './health-flags.ts';
import type { UpstreamHost } from './host.ts';

const DEFAULT_STATUSES: ReadonlySet<EndpointHealthStatus> = new Set(['UNKNOWN', 'HEALTHY', 'DEGRADED']);

export class OverrideHosts {
  private readonly statuses: ReadonlySet<EndpointHealthStatus>;
  /** The hosts that `byAddress` is of; made anew when they are others. */
  private known: readonly UpstreamHost[] = [];
  private byAddress: ReadonlyMap<string, UpstreamHost> = new Map();

  /** `statuses` are those that a host may have (`override_host_status`); Envoy's defaults when absent. */
  constructor(statuses: readonly EndpointHealthStatus[] | undefined) {
    this.statuses = statuses === undefined ? DEFAULT_STATUSES : new Set(statuses);
  }

  /** The host of `address`, if it is there and its health will do. */
  find(hosts: readonly UpstreamHost[], address: string): UpstreamHost | undefined {
    if (this.known !== hosts) {
      this.known = hosts;
      this.byAddress = new Map(hosts.map((host) => [host.address, host]));
    }
    const host = this.byAddress.get(address);
    // Addresses of logical hosts change without a new list.
    if (host === undefined || host.address !== address) return undefined;
    return this.statuses.has(statusOf(host)) ? host : undefined;
  }
}

/** Checks go before what the source of the endpoint says, but for its own bad news. */
function statusOf({ healthFlags, declaredStatus }: UpstreamHost): EndpointHealthStatus {
  if ((healthFlags & (HealthFlag.failedActiveHc | HealthFlag.failedOutlierCheck)) !== 0) return 'UNHEALTHY';
  if (declaredStatus === 'UNHEALTHY' || declaredStatus === 'DRAINING' || declaredStatus === 'TIMEOUT') {
    return declaredStatus;
  }
  const degraded = HealthFlag.degradedActiveHc | HealthFlag.degradedOutlierDetection;
  return (healthFlags & degraded) === 0 ? declaredStatus : 'DEGRADED';
}
