/** Where a cluster's endpoints come from. */
import type { Clock, RandomSource } from './clock.ts';
import type { StatsScope } from './stats.ts';

/** One resolved endpoint. */
export interface Endpoint {
  readonly ip: string;
  /** -1 for a unix socket, whose path is `ip`. */
  readonly port: number;
  readonly hostname: string;
  readonly weight: number;
  readonly priority: number;
  readonly locality: { readonly region: string; readonly zone: string; readonly subZone: string };
  /** `metadata.filter_metadata`: user data by filter name. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** What a discovery gets when its cluster starts. */
export interface DiscoveryContext<Config = unknown> {
  readonly clusterName: string;
  /** The parsed cluster config. */
  readonly config: Config;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Scope `cluster.<name>.`, for `update_attempt` and its siblings. */
  readonly stats: StatsScope;
  log(level: 'debug' | 'info' | 'warning' | 'error', message: string): void;
  /** Replaces the whole host set. May be called at any time, also with the same hosts. */
  publish(endpoints: readonly Endpoint[]): void;
}

/** A running source of endpoints. */
export interface Discovery {
  /** Resolves after the first answer, good or bad; the cluster is not used before. */
  start(): Promise<void>;
  /** Stops timers and queries; nothing is published afterwards. */
  close(): void;
}
