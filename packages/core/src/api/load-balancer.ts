/** How a cluster chooses a host. */
import type { Host } from './cluster.ts';
import type { RequestHeaders } from './headers.ts';

/** What a policy may look at for one choice. */
export interface PickContext {
  readonly headers?: RequestHeaders | undefined;
  /** 64-bit hash folded to a safe integer, when the route has a hash policy. */
  readonly hash?: number | undefined;
  /** Hosts already tried by this request. */
  shouldSkip?(host: Host): boolean;
}

/** A policy instance of one cluster. `update` thinks, `pick` walks: it is synchronous and allocates nothing. */
export interface LoadBalancer {
  /** Called with the healthy hosts whenever the set or a weight changes. */
  update(hosts: readonly Host[]): void;
  /** Called per attempt; `undefined` when there is no host. */
  pick(context: PickContext): Host | undefined;
}
