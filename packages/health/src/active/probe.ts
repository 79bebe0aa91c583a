/** How one host is asked, whatever it is asked in. */
import type { ClusterMonitorContext, HealthCheckConfig, Host } from '@mesh/core';
import type { CheckStats } from './stats.ts';

/** Envoy `HealthCheckFailureType`. */
export type FailureType = 'ACTIVE' | 'PASSIVE' | 'NETWORK' | 'NETWORK_TIMEOUT';

/** Envoy `HealthCheckerType`. */
export type CheckerType = 'HTTP' | 'TCP' | 'GRPC';

/** Takes the results of a probe: one per `start`, but for what Envoy counts as a failure between two checks. */
export interface Verdicts {
  passed(degraded: boolean): void;
  /**
   * `retriable` failures count towards the threshold, as failures of the network do; others take the host out at once.
   * `status` is that of an HTTP response, 0 without one. `excluded`: the host asked to be left out of the reckoning.
   */
  failed(type: FailureType, retriable?: boolean, status?: number, excluded?: boolean): void;
}

/** Asks one host. */
export interface Probe {
  /** Asks. The answer goes to `Verdicts`, possibly before this returns. */
  start(): void;
  /** The timeout has passed: nothing more is to be told of the check that is under way. */
  giveUp(): void;
  /** The host is gone. Nothing is told any more. */
  close(): void;
}

/** What probes of one check have in common. */
export interface ProbeContext {
  readonly cluster: ClusterMonitorContext;
  readonly config: HealthCheckConfig;
  readonly stats: CheckStats;
}

/** Makes the probe of a host. */
export type MakeProbe = (host: Host, verdicts: Verdicts) => Probe;
