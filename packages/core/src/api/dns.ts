/** Which resolver finds the addresses of names. */

/** `getaddrinfo`: everything that this machine knows, in the order of its nsswitch file. */
export interface SystemResolverSettings {
  readonly kind: 'system';
  /** How often a temporary failure (`EAI_AGAIN`) is tried again within one lookup. Default: until the lookup times out. */
  readonly retries?: number | undefined;
}

/** Name servers that are asked directly. */
export interface ServerResolverSettings {
  readonly kind: 'servers';
  /** Tried in turn. Empty: those of the system. */
  readonly servers: readonly { readonly ip: string; readonly port: number }[];
  /** `servers` are used only where the system has none. */
  readonly fallback: boolean;
  /** Asks over TCP at once, instead of when a UDP answer is cut. */
  readonly tcp: boolean;
  /** Completes names with the search domains of the system. */
  readonly search: boolean;
  /** How long each server may take in the first round; it doubles with every further one. */
  readonly timeoutMs: number;
  /** Rounds through all servers. */
  readonly tries: number;
  /** Each question begins with the next server rather than with the first. */
  readonly rotate: boolean;
  /** Largest UDP answer that a server may send (EDNS0), 512 to 4096. */
  readonly udpBytes: number;
  /** Asks for no address of a family that no interface but loopback has. */
  readonly routableOnly: boolean;
}

/** A resolver as configured. */
export type DnsResolverSettings = SystemResolverSettings | ServerResolverSettings;
