/** The facts of one connection, kept for filters and logs. */
import type { Clock } from '../api/clock.ts';
import type { Host } from '../api/cluster.ts';
import type { ConnectionInfo } from '../api/connection-info.ts';
import type { TlsInfo } from '../api/tls.ts';
import type { Peer } from './peer.ts';

/** What has gone over a connection. */
export interface ByteCounts {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** Of one that never got so far. */
export const NO_BYTES: ByteCounts = { bytesRead: 0, bytesWritten: 0 };

export class ConnectionFacts implements ConnectionInfo {
  readonly startMs: number;
  readonly startWallMs: number;
  endMs = 0;
  flags = 0;
  details = '';
  terminationDetails = '';
  localCloseReason = '';
  transportFailure = '';
  httpMinor: number | undefined = undefined;
  upstreamCluster = '';
  upstreamHost: Host | undefined = undefined;
  upstreamLocalAddress = '';
  upstreamTransportFailure = '';
  upstreamTls: TlsInfo | undefined = undefined;
  attempts = 0;
  upstreamBytesReceived = 0;
  upstreamBytesSent = 0;
  private readonly connection: ByteCounts;
  private ownMetadata: Map<string, unknown> | undefined;
  private ownState: Map<string, unknown> | undefined;

  constructor(connection: ByteCounts, peer: Peer, clock: Clock, startMs: number) {
    this.connection = connection;
    this.startMs = startMs;
    this.startWallMs = clock.wallMs() - (clock.nowMs() - startMs);
    this.ownMetadata = peer.metadata as Map<string, unknown> | undefined;
    this.ownState = peer.filterState as Map<string, unknown> | undefined;
  }

  get bytesReceived(): number {
    return this.connection.bytesRead;
  }
  get bytesSent(): number {
    return this.connection.bytesWritten;
  }
  get metadata(): Map<string, unknown> {
    this.ownMetadata ??= new Map();
    return this.ownMetadata;
  }
  get filterState(): Map<string, unknown> {
    this.ownState ??= new Map();
    return this.ownState;
  }
}
