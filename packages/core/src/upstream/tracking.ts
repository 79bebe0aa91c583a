/** `track_cluster_stats`: histograms of sizes and timeouts, and counters of single hosts. */
import type { ClusterTracking } from '../api/upstream.ts';
import { type Counter, requestResponseSizes, type Scope, timeoutBudgets } from '../stats/index.ts';
import type { Gauge } from '../stats/metrics.ts';
import type { UpstreamHost } from './host.ts';
import type { TrackedStats } from './settings.ts';

/** The histograms that a cluster is asked for; `undefined` when it is asked for none. `scope` is the cluster's. */
export function clusterTracking(scope: Scope, tracked: TrackedStats | undefined): ClusterTracking | undefined {
  if (tracked === undefined || !(tracked.sizes || tracked.budgets)) return undefined;
  return {
    sizes: tracked.sizes ? requestResponseSizes(scope) : undefined,
    budgets: tracked.budgets ? timeoutBudgets(scope) : undefined,
  };
}

const COUNTERS = {
  cx_connect_fail: 'cxConnectFail',
  cx_total: 'cxTotal',
  rq_error: 'rqError',
  rq_success: 'rqSuccess',
  rq_timeout: 'rqTimeout',
  rq_total: 'rqTotal',
} as const;
const GAUGES = { cx_active: 'cxActive', rq_active: 'rqActive' } as const;

interface EndpointMetrics {
  readonly scope: Scope;
  readonly counters: readonly (readonly [metric: Counter, from: (typeof COUNTERS)[keyof typeof COUNTERS]])[];
  readonly gauges: readonly (readonly [metric: Gauge, from: (typeof GAUGES)[keyof typeof GAUGES]])[];
  readonly pending: Gauge;
  readonly healthy: Gauge;
}

/**
 * `cluster.<name>.endpoint.<address>.`: what is counted per host anyway, copied to statistics whenever they are looked
 * at, so that requests pay nothing for it.
 */
export class EndpointStats {
  private readonly cluster: string;
  private readonly scope: Scope;
  private readonly known = new Map<UpstreamHost, EndpointMetrics>();

  /** `scope` is the cluster's, `cluster` its name in statistics. */
  constructor(scope: Scope, cluster: string) {
    this.scope = scope;
    this.cluster = cluster;
  }

  /** Brings the statistics up to date; those of hosts that are gone go with them. */
  update(hosts: readonly UpstreamHost[]): void {
    const current = new Set(hosts);
    for (const [host, { scope }] of this.known) {
      if (current.has(host)) continue;
      scope.close();
      this.known.delete(host);
    }
    for (const host of hosts) this.copy(host, this.known.get(host) ?? this.add(host));
  }

  private add(host: UpstreamHost): EndpointMetrics {
    const address = host.port < 0 ? host.ip : `${host.ip.includes(':') ? `[${host.ip}]` : host.ip}:${host.port}`;
    const scope = this.scope.scope(`endpoint.${address}`);
    const tags = [
      { name: 'envoy.cluster_name', value: this.cluster },
      { name: 'envoy.endpoint_address', value: address },
    ];
    // The address would be taken apart at its dots.
    const counter = (name: string) => scope.taggedCounter(name, { name: `cluster.endpoint.${name}`, tags });
    const gauge = (name: string) => scope.taggedGauge(name, { name: `cluster.endpoint.${name}`, tags });
    const metrics: EndpointMetrics = {
      scope,
      counters: Object.entries(COUNTERS).map(([name, from]) => [counter(name), from]),
      gauges: Object.entries(GAUGES).map(([name, from]) => [gauge(name), from]),
      pending: gauge('rq_pending_active'),
      healthy: gauge('healthy'),
    };
    for (const [metric] of metrics.counters) metric.touch();
    this.known.set(host, metrics);
    return metrics;
  }

  private copy(host: UpstreamHost, { counters, gauges, healthy, pending }: EndpointMetrics): void {
    for (const [metric, from] of counters) metric.value = host.stats[from];
    for (const [metric, from] of gauges) metric.set(host.stats[from]);
    pending.set(host.pendingRequests);
    healthy.set(host.healthy ? 1 : 0);
  }
}
