/** Finds a connection's way to an upstream: cluster, host, as many attempts as are allowed, with pauses in between. */
import {
  type Host,
  type NetworkConnection,
  ResponseFlag,
  type TcpLink,
  type TcpUser,
  type TimerHandle,
  type UpstreamCluster,
  type UpstreamFailure,
  type UpstreamTicket,
} from '@mesh/core';
import type { Destination, TcpProxySettings } from './settings.ts';
import { transportOptions } from './transport-options.ts';
import { Tunnel } from './tunnel.ts';

/** Envoy's numbers of `tcp_initializion_failure` (its spelling). */
const CONNECT_FAILED = 0;
const NO_HEALTHY_UPSTREAM = 1;
const RESOURCE_LIMIT_EXCEEDED = 2;
const NO_ROUTE = 3;

const DISABLE_TUNNELING = 'envoy.tcp_proxy.disable_tunneling';

export class Connector {
  /** The cluster that was asked last. */
  cluster: UpstreamCluster | undefined = undefined;
  private readonly settings: TcpProxySettings;
  private readonly connection: NetworkConnection;
  private readonly user: TcpUser;
  private readonly destination: Destination;
  private ticket: UpstreamTicket | undefined = undefined;
  private backoff: TimerHandle | undefined = undefined;
  private attempts = 0;

  /** `user` hands `onFailure` and `onConnected` on to {@link failed} and {@link connected}. */
  constructor(settings: TcpProxySettings, connection: NetworkConnection, user: TcpUser) {
    this.settings = settings;
    this.connection = connection;
    this.user = user;
    this.destination = settings.destination(connection);
  }

  connect(): void {
    const { connection, destination, settings } = this;
    const cluster = settings.context.clusters.get(destination.cluster);
    if (cluster === undefined) {
      settings.stats.downstream_cx_no_route.inc();
      this.refuse(ResponseFlag.NC, NO_ROUTE);
      return;
    }
    this.cluster = cluster;
    connection.info.upstreamCluster = cluster.name;
    if (this.attempts >= settings.config.maxConnectAttempts) {
      cluster.traffic.upstream_cx_connect_attempts_exceeded.inc();
      this.refuse(ResponseFlag.URX, CONNECT_FAILED);
      return;
    }
    const host = cluster.pick(settings.pickContext(connection, destination.criteria));
    if (host === undefined) {
      this.refuse(ResponseFlag.UH, NO_HEALTHY_UPSTREAM);
      return;
    }
    this.attempts++;
    this.ask(cluster, host);
  }

  private ask(cluster: UpstreamCluster, host: Host): void {
    const { connection, settings } = this;
    const proxied = cluster.transportPolicy?.proxied === true;
    const options = transportOptions(connection, proxied ? settings.config.proxyProtocolTlvs : undefined);
    const { tunnel } = settings;
    if (tunnel === undefined || String(connection.info.filterState.get(DISABLE_TUNNELING)) === 'true') {
      this.ticket = cluster.connectTcp(host, this.user, options);
      return;
    }
    const head = tunnel.head.make(connection);
    if (head === undefined) {
      this.refuse(ResponseFlag.UF, CONNECT_FAILED);
      return;
    }
    const made = new Tunnel(this.user, connection, head, tunnel.keep, options);
    this.ticket = made;
    made.open(cluster, host);
  }

  private refuse(flag: number, reason: number): void {
    const { info } = this.connection;
    info.flags |= flag;
    info.localCloseReason = `tcp_initializion_failure:${reason}`;
    this.connection.close('now');
  }

  /** Goes on to the next attempt, if there is one. */
  failed(failure: UpstreamFailure, host: Host): void {
    this.ticket = undefined;
    const { settings } = this;
    const { info } = this.connection;
    if (failure.reason === 'overflow') {
      this.refuse(ResponseFlag.UO, RESOURCE_LIMIT_EXCEEDED);
      return;
    }
    info.attempts = this.attempts;
    info.upstreamHost = host;
    info.upstreamTransportFailure = failure.detail ?? '';
    if (failure.reason !== 'local connection failure') {
      info.flags |= ResponseFlag.UF;
      host.outlier?.onLocalOrigin(false, failure.reason === 'connection timeout' ? 504 : 503);
    }
    const last = this.attempts >= settings.config.maxConnectAttempts;
    // Never from within the call that failed: a pool that refuses at once would have us recurse.
    if (last) this.connect();
    else this.backoff = settings.context.timers.after(settings.backoffMs(this.attempts + 1), this.retry);
  }

  private readonly retry = (): void => {
    this.backoff = undefined;
    this.connect();
  };

  /** Writes down what has been reached. */
  connected(link: TcpLink, host: Host): void {
    this.ticket = undefined;
    const { info } = this.connection;
    host.outlier?.onLocalOrigin(true, 200);
    info.attempts = this.attempts;
    info.upstreamHost = host;
    info.upstreamLocalAddress = link.localAddress;
    info.upstreamTls = link.tls;
  }

  /** The client is gone. */
  cancel(): void {
    this.backoff?.cancel();
    this.ticket?.cancel();
    this.ticket = undefined;
  }
}
