/** How a cluster chooses a host. */
import type { RandomSource, Timers } from './clock.ts';
import type { Host, HostSets } from './cluster.ts';
import type { RequestHeaders } from './headers.ts';
import type { HttpStream } from './http-stream.ts';
import type { Runtime } from './runtime.ts';
import type { StatsScope } from './stats.ts';

/** What a policy may look at for one choice. */
export interface PickContext {
  readonly headers?: RequestHeaders | undefined;
  /** What the metadata of hosts must say under `envoy.lb` (`metadata_match`); for policies that divide hosts by it. */
  readonly metadataMatch?: Readonly<Record<string, unknown>> | undefined;
  /**
   * 64 bits that the route's hash policies make of the request, or `by` in their place; `undefined` when they find
   * nothing. Ask once per choice: it is worked out anew each time, and a cookie policy makes a new cookie.
   */
  hash?(by?: RequestHash): bigint | undefined;
  /** How often the cluster chooses again when `shouldSkip` refuses a host; the last choice is taken. Default 0. */
  readonly reselections?: number;
  /** True for a host that this request should rather not have, e.g. one that it has tried already. */
  shouldSkip?(host: Host): boolean;
  /** The host that the request asks for (session stickiness); the cluster itself looks it up before the policy is asked. */
  readonly overrideHost?: OverrideHost | undefined;
  /**
   * Hosts of earlier attempts of this request (`retry_priority`): policies leave their priorities out while others are left.
   * Absent or empty for a first attempt.
   */
  readonly triedHosts?: readonly Host[] | undefined;
  /** Told by the policy when the priorities of `triedHosts` are all there are: none is left out, and the count begins anew. */
  onNoPriorityLeft?(): void;
  /** `ip:port` that the client's connection was meant for (`ORIGINAL_DST`), where it is known. */
  readonly originalDestination?: string | undefined;
  /** Where the choice is to be made, when a cluster that is made of others has drawn it already. */
  readonly within?: PriorityChoice | undefined;
  /** Dynamic metadata of the request or connection by namespace. */
  readonly dynamicMetadata?: ReadonlyMap<string, unknown> | undefined;
  /** Filter state of the request or connection by key. */
  readonly filterState?: ReadonlyMap<string, unknown> | undefined;
  /** SNI of the client's connection, for TCP proxies that forward by name. */
  readonly serverName?: string | undefined;
}

/** What makes 64 bits of a request: the hash policies of a route, or those of a balancing policy. */
export interface RequestHash {
  /** `addCookie` takes the `set-cookie` value of a cookie that has been made. */
  hash(stream: HttpStream, addCookie: (setCookie: string) => void): bigint | undefined;
}

/** A priority, and which of its hosts. */
export interface PriorityChoice {
  readonly priority: number;
  /** Its degraded hosts in the place of its healthy ones. */
  readonly degraded: boolean;
}

/** A wish for one host. */
export interface OverrideHost {
  /** `ip:port` as in `Host.address`. */
  readonly address: string;
  /** No other host will do: without this one the request is answered 503. */
  readonly strict: boolean;
  /** Status of the answer when a strict wish cannot be met. Default 503. */
  readonly missingStatus?: number | undefined;
}

/** A policy instance of one cluster. `update` thinks, `pick` walks: it is synchronous and allocates nothing. */
export interface LoadBalancer {
  /** Called with every new snapshot: membership, weights or health have changed. Called before the first `pick`. */
  update(sets: HostSets): void;
  /**
   * Called per attempt; `undefined` when there is no host. `reselection` is 0, and then counts how often `shouldSkip` has
   * refused the answers to the same context, whose calls follow each other at once.
   */
  pick(context: PickContext, reselection: number): Host | undefined;
  /** A host that a connection ahead of demand is worth (`preconnect_policy`); `undefined` when the policy cannot tell. */
  peek?(context: PickContext): Host | undefined;
  /** Ends timers. Nothing is asked afterwards. */
  close?(): void;
}

/** The cluster that the proxy itself is a member of (`cluster_manager.local_cluster_name`), for zone-aware routing. */
export interface LocalCluster {
  readonly name: string;
  /** Its hosts as they are now. */
  sets(): HostSets;
  /** Calls `changed` with every new snapshot; returns what ends that. */
  watch(changed: () => void): () => void;
}

/** What a policy works with. */
export interface LoadBalancerContext {
  readonly clusterName: string;
  readonly random: RandomSource;
  readonly timers: Timers;
  readonly runtime: Runtime;
  /** Scope `cluster.<name>.`; the `lb_…` counters are below it. */
  readonly stats: StatsScope;
  /** Percent below which a priority panics, `common_lb_config.healthy_panic_threshold`. Default 50; 0 is never. */
  readonly healthyPanicThreshold: number;
  /** `undefined` unless the proxy knows its own cluster. */
  readonly local: LocalCluster | undefined;
  /** Makes the policy that `choice` names, with a context like this one: for policies that are made of others. */
  make(choice: BalancingChoice): LoadBalancer;
}

/** A policy by its name, with its config: what `lb_policy` and `load_balancing_policy` come to. */
export interface BalancingChoice {
  /** E.g. `envoy.load_balancing_policies.round_robin`. */
  readonly name: string;
  /** What the policy's schema has made of the config; `undefined` is its defaults. */
  readonly config: unknown;
}
