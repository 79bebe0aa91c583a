/** Connections for health checks: beside the pools, so that they take nobody's place and count as nobody's traffic. */
import type { CheckConnectOptions } from '../api/health.ts';
import type { TcpUser, UpstreamTicket } from '../api/upstream.ts';
import type { ClientTransport } from '../net/transport.ts';
import { clusterStats, StatsStore } from '../stats/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { UpstreamHost } from './host.ts';
import type { PoolContext } from './pool.ts';
import { DEFAULT_THRESHOLDS } from './settings.ts';
import { TcpLinks } from './tcp-link.ts';

const UNLIMITED = Object.freeze({
  ...DEFAULT_THRESHOLDS,
  maxConnections: Number.POSITIVE_INFINITY,
  maxPendingRequests: Number.POSITIVE_INFINITY,
});

/** The connections of one cluster's checks; made with the first check. */
export class CheckConnections {
  private readonly context: PoolContext;
  private readonly links = new TcpLinks();

  constructor(context: PoolContext) {
    // What is counted here is seen by nobody.
    const scope = new StatsStore().scope('');
    this.context = { ...context, breaker: new CircuitBreaker(UNLIMITED, scope, 'default'), stats: clusterStats(scope) };
  }

  connect(
    host: UpstreamHost,
    transport: ClientTransport | undefined,
    user: TcpUser,
    { ip, port, transport: asked }: CheckConnectOptions,
  ): UpstreamTicket {
    const { hostname, weight, priority, locality } = host;
    const endpoint = { ip: ip || host.ip, port: port || host.port, hostname, weight, priority, locality };
    const target = new UpstreamHost(endpoint);
    target.transport = transport;
    return this.links.connect(target, this.context, user, asked);
  }

  /** Ends checks under way. */
  close(): void {
    this.links.close();
  }
}
