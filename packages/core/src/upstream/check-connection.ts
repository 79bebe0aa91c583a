/** Connections for health checks: beside the pools, so that they take nobody's place and count as nobody's traffic. */
import type { CheckClient, CheckConnectOptions, CheckProtocol } from '../api/health.ts';
import type { TcpUser, UpstreamTicket } from '../api/upstream.ts';
import type { ClientTransport } from '../net/transport.ts';
import { clusterStats, StatsStore } from '../stats/index.ts';
import { HttpCheckClient } from './check-exchange.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { UpstreamHost } from './host.ts';
import type { PoolContext } from './pool.ts';
import { DEFAULT_THRESHOLDS } from './settings.ts';
import { TcpLinks } from './tcp-link.ts';

const UNLIMITED = Object.freeze({
  ...DEFAULT_THRESHOLDS,
  maxConnections: Number.POSITIVE_INFINITY,
  maxPendingRequests: Number.POSITIVE_INFINITY,
  maxRequests: Number.POSITIVE_INFINITY,
});

/** Whoever checks has a timeout of its own that ends what takes too long: a day stands for "none". */
const NO_TIMEOUT_MS = 86_400_000;

/** The connections of one cluster's checks; made with the first check. */
export class CheckConnections {
  private readonly context: PoolContext;
  private readonly links = new TcpLinks();
  private readonly clients = new Set<HttpCheckClient>();

  constructor(context: PoolContext) {
    // What is counted here is seen by nobody.
    const scope = new StatsStore().scope('');
    const settings = {
      ...context.settings,
      connectTimeoutMs: NO_TIMEOUT_MS,
      idleTimeoutMs: 0,
      maxConnectionDurationMs: 0,
      maxRequestsPerConnection: 0,
      preconnect: undefined,
    };
    const breaker = new CircuitBreaker(UNLIMITED, scope, 'default');
    this.context = { ...context, settings, breaker, stats: clusterStats(scope) };
  }

  connect(
    host: UpstreamHost,
    transport: ClientTransport | undefined,
    user: TcpUser,
    options: CheckConnectOptions,
  ): UpstreamTicket {
    return this.links.connect(standIn(host, transport, options), this.context, user, options.transport);
  }

  /** HTTP to `host`, over connections of its own. */
  client(
    host: UpstreamHost,
    transport: ClientTransport | undefined,
    protocol: CheckProtocol,
    options: CheckConnectOptions,
  ): CheckClient {
    // Addresses of logical hosts move: each new connection asks anew.
    const target = () => standIn(host, transport, options);
    const gone = (client: HttpCheckClient) => void this.clients.delete(client);
    const client = new HttpCheckClient(target, this.context, protocol, options.transport, gone);
    this.clients.add(client);
    return client;
  }

  /** Ends checks under way. */
  close(): void {
    this.links.close();
    for (const client of [...this.clients]) client.close();
  }
}

/** The host as checks see it: another address, perhaps, and counters of its own. */
function standIn(
  host: UpstreamHost,
  transport: ClientTransport | undefined,
  { ip, port }: CheckConnectOptions,
): UpstreamHost {
  const { hostname, weight, priority, locality, additionalAddresses } = host;
  const own = ip === '' && port === 0;
  const target = new UpstreamHost({
    ip: ip || host.ip,
    // A unix socket has no port that another could take the place of.
    port: ip === '' && host.port < 0 ? host.port : port || host.port,
    ...{ hostname, weight, priority, locality },
    additionalAddresses: own ? additionalAddresses : undefined,
  });
  target.transport = transport;
  return target;
}
