/** Reasons against a host, and what they come to. */
import type { HostHealth } from '../api/cluster.ts';
import type { EndpointHealthStatus } from '../api/discovery.ts';

/** Bits of `Host.healthFlags`; `/clusters` prints them under these names in snake case. */
export const HealthFlag = {
  /** Active checks have failed, or none has passed yet. */
  failedActiveHc: 1 << 0,
  /** Ejected as an outlier. */
  failedOutlierCheck: 1 << 1,
  /** The source of the endpoint says so. */
  failedEdsHealth: 1 << 2,
  degradedActiveHc: 1 << 3,
  degradedEdsHealth: 1 << 4,
  /** Its source has removed it; it stays until active checks fail. */
  pendingDynamicRemoval: 1 << 5,
  /** Not checked yet, and left out of the reckoning until then. */
  pendingActiveHc: 1 << 6,
  /** Asked to be left out by `x-envoy-immediate-health-check-fail`. */
  excludedViaImmediateHcFail: 1 << 7,
  /** The last failed check had no answer in time. */
  activeHcTimeout: 1 << 8,
  edsStatusDraining: 1 << 9,
  degradedOutlierDetection: 1 << 10,
} as const;

/** Flags that come from the source of an endpoint. */
export const EDS_FLAGS = HealthFlag.failedEdsHealth | HealthFlag.degradedEdsHealth | HealthFlag.edsStatusDraining;

const UNHEALTHY =
  HealthFlag.failedActiveHc | HealthFlag.failedOutlierCheck | HealthFlag.failedEdsHealth | HealthFlag.edsStatusDraining;
const DEGRADED = HealthFlag.degradedActiveHc | HealthFlag.degradedEdsHealth | HealthFlag.degradedOutlierDetection;
const EXCLUDED = HealthFlag.pendingActiveHc | HealthFlag.excludedViaImmediateHcFail | HealthFlag.edsStatusDraining;

/** What flags come to. */
export function healthOf(flags: number): HostHealth {
  if ((flags & UNHEALTHY) !== 0) return 'unhealthy';
  return (flags & DEGRADED) === 0 ? 'healthy' : 'degraded';
}

/** Whether a host with these flags counts neither for nor against its priority. */
export function isExcluded(flags: number): boolean {
  return (flags & EXCLUDED) !== 0;
}

/** The flags of an endpoint's own status. */
export function edsFlags(status: EndpointHealthStatus | undefined): number {
  switch (status) {
    case 'UNHEALTHY':
    case 'TIMEOUT':
      return HealthFlag.failedEdsHealth;
    case 'DRAINING':
      return HealthFlag.edsStatusDraining;
    case 'DEGRADED':
      return HealthFlag.degradedEdsHealth;
    default:
      return 0;
  }
}

const NAMED = Object.entries(HealthFlag).map(
  ([name, bit]) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), bit] as const,
);

/** The flags by the names that `/clusters` prints, in Envoy's order. */
export function flagNames(flags: number): string[] {
  return NAMED.filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name);
}
