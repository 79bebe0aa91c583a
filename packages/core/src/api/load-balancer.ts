/** How a cluster chooses a host. */
import type { Host } from './cluster.ts';
import type { RequestHeaders } from './headers.ts';

/** What a policy may look at for one choice. */
export interface PickContext {
  readonly headers?: RequestHeaders | undefined;
  /** What the metadata of hosts must say under `envoy.lb` (`metadata_match`); for policies that divide hosts by it. */
  readonly metadataMatch?: Readonly<Record<string, unknown>> | undefined;
  /**
   * 64 bits that the route's hash policies make of the request; `undefined` when they find nothing. Ask once per choice:
   * it is worked out anew each time, and a cookie policy makes a new cookie.
   */
  hash?(): bigint | undefined;
  /** How often the cluster chooses again when `shouldSkip` refuses a host; the last choice is taken. Default 0. */
  readonly reselections?: number;
  /** True for a host that this request should rather not have, e.g. one that it has tried already. */
  shouldSkip?(host: Host): boolean;
}

/** A policy instance of one cluster. `update` thinks, `pick` walks: it is synchronous and allocates nothing. */
export interface LoadBalancer {
  /** Called with the healthy hosts whenever the set or a weight changes. */
  update(hosts: readonly Host[]): void;
  /**
   * Called per attempt; `undefined` when there is no host. `reselection` is 0, and then counts how often `shouldSkip` has
   * refused the answers to the same context, whose calls follow each other at once.
   */
  pick(context: PickContext, reselection: number): Host | undefined;
}
