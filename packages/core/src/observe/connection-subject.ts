/** A connection, as access logs are told of it: an exchange without heads. */
import type { LogSubject } from '../api/access-log.ts';
import type { RandomSource, Timers } from '../api/clock.ts';
import type { Host } from '../api/cluster.ts';
import type { ConnectionInfo } from '../api/connection-info.ts';
import type { StreamConnection, StreamInfo } from '../api/http-stream.ts';
import type { NetworkConnection } from '../api/network-filter.ts';
import type { Runtime } from '../api/runtime.ts';
import type { Clusters, UpstreamConnection } from '../api/upstream.ts';
import { RequestHead } from '../headers/header-map.ts';

/** What is the same for all connections of a listener. */
export interface ConnectionPlace {
  readonly clusters: Clusters;
  readonly timers: Timers;
  readonly runtime: Runtime;
  readonly random: RandomSource;
  readonly listenerName: string;
}

/** Makes what logs are told; `chain` is the name of its filter chain, '' without one. */
export function connectionSubject(
  connection: StreamConnection | NetworkConnection,
  info: ConnectionInfo,
  place: ConnectionPlace,
  chain: string,
): LogSubject {
  return new ConnectionSubject(connection, info, place, chain);
}

class ConnectionSubject implements LogSubject {
  readonly id: number;
  readonly requestHeaders: RequestHead;
  readonly responseHeaders = undefined;
  readonly requestTrailers = undefined;
  readonly responseTrailers = undefined;
  readonly route = undefined;
  readonly connection: StreamConnection;
  readonly info: StreamInfo;
  readonly clusters: Clusters;
  readonly timers: Timers;
  readonly runtime: Runtime;
  readonly random: number;

  constructor(
    connection: StreamConnection | NetworkConnection,
    info: ConnectionInfo,
    place: ConnectionPlace,
    chain: string,
  ) {
    this.id = connection.id;
    this.connection = withCertificates(connection);
    this.info = new ConnectionStreamInfo(this.connection, info, place.listenerName, chain);
    this.requestHeaders = new RequestHead();
    this.requestHeaders.rawPath = '';
    this.requestHeaders.rawMethod = '';
    this.clusters = place.clusters;
    this.timers = place.timers;
    this.runtime = place.runtime;
    this.random = Math.floor(place.random() * Number.MAX_SAFE_INTEGER);
  }
}

/** Network filters see their connection without what TLS says of certificates. */
function withCertificates(connection: StreamConnection | NetworkConnection): StreamConnection {
  const { tls } = connection;
  if (tls === undefined || 'peerCertificate' in connection) return connection;
  const { id, remoteIp, remotePort, localIp, localPort, secure, directRemoteIp, serverName } = connection;
  const { peerCertificate, localCertificate, peerCertificatePresented, peerCertificateValidated } = tls;
  return {
    ...{ id, remoteIp, remotePort, localIp, localPort, secure, directRemoteIp, serverName, tls },
    ...{ peerCertificate, localCertificate, peerCertificatePresented, peerCertificateValidated },
  };
}

class ConnectionStreamInfo implements StreamInfo {
  readonly startMs: number;
  readonly startWallMs: number;
  readonly requestCompleteMs = 0;
  readonly upstreamFirstByteMs = 0;
  readonly endMs: number;
  readonly flags: number;
  readonly details: string;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly clientIp: string;
  readonly upstreamHost: Host | undefined;
  readonly listenerName: string;
  readonly filterChainName: string;
  readonly upstreamConnection: UpstreamConnection | undefined;
  readonly upstreamCluster: string;
  readonly attempts: number;
  readonly connectionInfo: ConnectionInfo;
  readonly httpMinor: number;
  readonly upstreamTransportFailure: string;

  constructor({ remoteIp }: StreamConnection, info: ConnectionInfo, listenerName: string, chain: string) {
    this.startMs = info.startMs;
    this.startWallMs = info.startWallMs;
    this.endMs = info.endMs;
    this.flags = info.flags;
    this.details = info.details;
    this.bytesReceived = info.bytesReceived;
    this.bytesSent = info.bytesSent;
    this.clientIp = remoteIp;
    this.upstreamHost = info.upstreamHost;
    this.listenerName = listenerName;
    this.filterChainName = chain;
    this.upstreamConnection = upstreamConnection(info);
    this.upstreamCluster = info.upstreamCluster;
    this.attempts = info.attempts;
    this.connectionInfo = info;
    this.httpMinor = info.httpMinor ?? -1;
    this.upstreamTransportFailure = info.upstreamTransportFailure;
  }

  get metadata(): Map<string, unknown> {
    return this.connectionInfo.metadata;
  }
  get filterState(): Map<string, unknown> {
    return this.connectionInfo.filterState;
  }
}

function upstreamConnection({ upstreamLocalAddress, upstreamTls }: ConnectionInfo): UpstreamConnection | undefined {
  if (upstreamLocalAddress === '') return undefined;
  const colon = upstreamLocalAddress.lastIndexOf(':');
  const localIp = upstreamLocalAddress.slice(0, colon).replace(/^\[|\]$/g, '');
  return { id: 0, localIp, localPort: Number(upstreamLocalAddress.slice(colon + 1)), tls: upstreamTls };
}
