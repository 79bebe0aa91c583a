/** Facts of a downstream connection that outlive any one filter: what access logs of L4 are made of. */
import type { Host } from './cluster.ts';
import type { TlsInfo } from './tls.ts';

/** Gathered while the connection lives. Times are monotonic milliseconds unless they say otherwise. */
export interface ConnectionInfo {
  readonly startMs: number;
  /** Calendar time of the accept, Unix milliseconds. */
  readonly startWallMs: number;
  /** 0 until the connection is gone. */
  endMs: number;
  /** Bits of `ResponseFlag`. */
  flags: number;
  /** Envoy's `RESPONSE_CODE_DETAILS` of a connection: why it could not be served. */
  details: string;
  /** Envoy's `CONNECTION_TERMINATION_DETAILS`: which policy has ended it. */
  terminationDetails: string;
  /** Envoy's `DOWNSTREAM_LOCAL_CLOSE_REASON`; '' when the client ended it. */
  localCloseReason: string;
  /** Why its transport failed, in Envoy's words as far as they can be known (`DOWNSTREAM_TRANSPORT_FAILURE_REASON`); '' when it has not. */
  transportFailure: string;
  /** Minor version of HTTP/1, or 2 for HTTP/2, once the connection has shown to speak it. */
  httpMinor?: number | undefined;
  /** Payload from the client so far. */
  readonly bytesReceived: number;
  /** Payload to the client so far. */
  readonly bytesSent: number;
  upstreamCluster: string;
  upstreamHost: Host | undefined;
  /** `ip:port` of this side of the upstream connection; '' without one. */
  upstreamLocalAddress: string;
  /** Why the last attempt to connect failed; '' when none has. */
  upstreamTransportFailure: string;
  upstreamTls: TlsInfo | undefined;
  /** Attempts to connect. */
  attempts: number;
  upstreamBytesReceived: number;
  upstreamBytesSent: number;
  /** Dynamic metadata by namespace; shared with listener filters and with the streams of the connection. */
  readonly metadata: Map<string, unknown>;
  /** Envoy's filter state by key, e.g. `envoy.tcp_proxy.cluster`; shared in the same way. */
  readonly filterState: Map<string, unknown>;
}
