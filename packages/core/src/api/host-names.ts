/**
 * Where a dynamic forward proxy's filter and its cluster meet: the filter has the name that a request asks for looked up
 * before the router picks, and the cluster then has a host for it.
 */

/** What a cluster knows under a name. */
export interface NamedHost {
  /** `ip:port` it was found at; `undefined` when it could not be found. */
  readonly address: string | undefined;
  /** Why not, for response code details; '' when it was found. */
  readonly details: string;
}

/** Who waits for a name. */
export interface NameUser {
  /** Called once, never before `load` has returned. */
  onNamed(host: NamedHost): void;
}

/** Why a name is not looked up: as many names are kept, or waited for, as may be. */
export type NameRefusal = 'host overflow' | 'pending overflow';

/** A place among those who wait. */
export interface NameWait {
  /** Nothing follows. */
  cancel(): void;
}

/** The names of one cluster. */
export interface HostNames {
  /** Name of the DNS cache behind it (`dns_cache_config.name`). */
  readonly cacheName: string;
  /** Port of names that have none: 443 if the cluster's connections are secured, else 80. */
  readonly defaultPort: number;
  /**
   * Looks up `authority` (`host`, `host:port`, `[v6]:port`): at once what is known, or a place among those who wait for
   * it. `defaultPort` replaces that of the cluster. It never throws, whatever the text.
   */
  load(authority: string, user: NameUser, defaultPort?: number): NamedHost | NameRefusal | NameWait;
}
