/** Connections to the hosts that come next, before anybody asks for them (`predictive_preconnect_ratio`). */
import type { LoadBalancer, PickContext } from '../api/load-balancer.ts';
import type { UpstreamCluster } from '../api/upstream.ts';
import type { UpstreamHost } from './host.ts';
import { plainPool } from './host-pools.ts';
import type { PoolContext } from './pool.ts';

/** Connections that one choice may bring about; Envoy's number. */
const MOST = 3;

export class ConnectAhead {
  private readonly context: PoolContext;
  private readonly ratio: number;
  /** One connection of HTTP/2 takes all the requests there are. */
  private readonly shared: boolean;

  constructor(context: PoolContext, ratio: number) {
    this.context = context;
    this.ratio = ratio;
    this.shared = context.settings.protocol === 'http2';
  }

  /**
   * Called once a host of `home` was chosen, before its request is opened. Connections are made for as long as the cluster
   * as a whole has too few for the requests that there are and the one that is coming.
   */
  chosen(home: UpstreamCluster, policy: LoadBalancer, pick: PickContext): void {
    const { breaker } = this.context;
    for (let made = 0; made < MOST; made++) {
      const requests = breaker.pending + breaker.requests;
      if ((requests + 1) * this.ratio <= this.capacity + breaker.requests) return;
      const next = policy.peek?.(pick) as UpstreamHost | undefined;
      if (next === undefined || next.home !== home) return;
      next.pool ??= plainPool(next, this.context);
      if (!next.pool.preconnect(this.ratio)) return;
    }
  }

  /** Requests that connections could take besides those that they have. */
  private get capacity(): number {
    const { connections, requests } = this.context.breaker;
    return this.shared && connections > 0 ? Number.POSITIVE_INFINITY : connections - requests;
  }
}
