/** Who asks for what: the facts that RBAC rules are about. A `NetworkConnection` is one. */
import type { RequestHeaders } from '../api/headers.ts';
import type { TlsInfo } from '../api/tls.ts';

export interface RbacSubject {
  readonly localIp: string;
  readonly localPort: number;
  /** The client, as PROXY protocol and, for requests, the rules of `x-forwarded-for` tell. */
  readonly remoteIp: string;
  /** The client as the PROXY protocol tells, when `remoteIp` comes from a field of a request. */
  readonly connectionIp?: string | undefined;
  /** The address that the socket came from. */
  readonly directRemoteIp: string;
  /** SNI; '' without one. */
  readonly serverName: string;
  readonly tls: TlsInfo | undefined;
  readonly info: {
    readonly metadata: ReadonlyMap<string, unknown>;
    readonly filterState: ReadonlyMap<string, unknown>;
  };
  /** Absent for connections. */
  readonly requestHeaders?: RequestHeaders | undefined;
}
