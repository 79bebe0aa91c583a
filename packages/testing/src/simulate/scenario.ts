/** What a simulation is told: the cluster as in production, how its hosts behave, and what traffic it gets. */
import type { ClusterConfig, Extension, Locality } from '@mesh/core';

/** How one host behaves. Change it at any time from an event: it holds for the requests that come afterwards. */
export interface HostBehaviour {
  /** How long a request takes when nothing holds it up: the mean. Default 10. */
  latencyMs: number;
  /** `fixed` takes `latencyMs` each time; `exponential` (the default) varies about it as a busy service does. */
  latency: 'fixed' | 'exponential';
  /** Requests worked on at once; more wait in line at the host. Default unlimited. */
  concurrency: number;
  /** Share of answers that are `failureStatus`, 0 to 1. Default 0. */
  failureRate: number;
  /** Default 503. */
  failureStatus: number;
  /** False: nobody listens; connecting fails at once. Default true. */
  up: boolean;
  /** Active health checks of a host that is up get the answer that they want, or not. Default: they get it. */
  passesChecks: boolean | undefined;
}

/** A host of the simulated cluster. */
export interface HostAddress {
  /** `ip:port`, as in the cluster's endpoints. */
  readonly address: string;
  readonly locality: Locality;
  readonly priority: number;
  readonly weight: number;
}

/** What an event can do. */
export interface SimulationControl {
  readonly nowMs: number;
  /** @throws Error when there is no host of that address. */
  host(address: string): HostBehaviour;
  /** The addresses of all hosts, in the order of the endpoints. */
  readonly addresses: readonly string[];
  /** Replaces the cluster's endpoints, as a discovery would: those of `cluster`'s config. */
  setEndpoints(cluster: ClusterConfig): void;
  /** From now on. */
  setRequestsPerSecond(rate: number): void;
}

/** Something that happens in the course of a simulation. */
export interface SimulationEvent {
  readonly atMs: number;
  /** What it is called in the plot. */
  readonly name: string;
  run(control: SimulationControl): void;
}

/** How failed requests are tried again; the cluster's own retry limits (`max_retries`, `retry_budget`) hold. */
export interface SimulatedRetries {
  /** Tries besides the first. Envoy `num_retries`; default 1. */
  readonly numRetries?: number;
  /** Statuses that are tried again. Default 502, 503, 504. */
  readonly statuses?: readonly number[];
  /** Longest wait before the first retry; chance decides, and it doubles with each. Default 25, Envoy's base interval. */
  readonly backOffMs?: number;
  /** Hosts that were tried are passed over while others are left (`retry_host_predicate: previous_hosts`). Default false. */
  readonly previousHosts?: boolean;
}

/** A simulation. Times are virtual: an hour takes as long as its requests take to work out. */
export interface Scenario {
  readonly name: string;
  /** As in production: `cluster('app', { … })`, with its endpoints, policy, health checks, outlier detection, limits. */
  readonly cluster: ClusterConfig;
  /** `[...standard]` from `@mesh/standard`, and your own policies. */
  readonly extensions: readonly Extension[];
  readonly durationMs: number;
  /** Arrivals per second. */
  readonly requestsPerSecond: number;
  /** `poisson` (the default): as from many clients; `steady`: evenly spaced. */
  readonly arrivals?: 'poisson' | 'steady';
  /** How hosts behave at first; what is left out has its default. */
  readonly host?: (host: HostAddress, index: number) => Partial<HostBehaviour>;
  readonly events?: readonly SimulationEvent[];
  /** Off when absent. */
  readonly retries?: SimulatedRetries;
  /** An answer that takes longer fails with 504. Default 15 000, as a route's; 0 is none. */
  readonly timeoutMs?: number;
  /** Different values that requests hash to (sessions, users); absent: requests have no hash. */
  readonly hashes?: number;
  /** Where the proxy runs, and the cluster that it is a member of: for zone-aware routing. */
  readonly proxy?: { readonly locality: Locality; readonly cluster?: ClusterConfig };
  /** Default 1. */
  readonly seed?: number;
  /** Columns of the record. Default 200. */
  readonly buckets?: number;
}

/** @internal */
export const DEFAULT_BEHAVIOUR: HostBehaviour = {
  latencyMs: 10,
  latency: 'exponential',
  concurrency: Number.POSITIVE_INFINITY,
  failureRate: 0,
  failureStatus: 503,
  up: true,
  passesChecks: undefined,
};
