/** A named group of hosts: long-lived identity and counters around a host set that is replaced whole. */
import type { RandomSource } from '../api/clock.ts';
import type { Host } from '../api/cluster.ts';
import type { Endpoint } from '../api/discovery.ts';
import type { LoadBalancer, PickContext } from '../api/load-balancer.ts';
import type { UpstreamCluster, UpstreamRequest, UpstreamTicket, UpstreamTraffic } from '../api/upstream.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import { type ClusterStats, clusterStats, type Histogram, ResponseCodeStats, type Scope } from '../stats/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { RoundRobin } from './default-pick.ts';
import { endpointAddress, UpstreamHost } from './host.ts';
import { Http1Pool, type PoolContext } from './pool-http1.ts';
import type { ClusterSettings } from './settings.ts';

export class Cluster implements UpstreamCluster {
  readonly name: string;
  readonly settings: ClusterSettings;
  readonly stats: ClusterStats;
  readonly traffic: UpstreamTraffic;
  readonly breaker: CircuitBreaker;
  readonly breakerHigh: CircuitBreaker;
  /** `static`, or the name of the discovery; for `/config_dump` and logs. */
  readonly discoveryName: string;
  private current: readonly UpstreamHost[] = [];
  private byAddress = new Map<string, UpstreamHost>();
  private readonly policy: LoadBalancer;
  private readonly context: PoolContext;
  private readonly codes: ResponseCodeStats;
  private readonly externalCodes: ResponseCodeStats;
  private readonly internalCodes: ResponseCodeStats;
  private readonly metrics: Scope;
  private readonly rqTime: Histogram;
  private externalTime: Histogram | undefined = undefined;
  private internalTime: Histogram | undefined = undefined;

  constructor(
    settings: ClusterSettings,
    discoveryName: string,
    scope: Scope,
    wheel: TimerWheel,
    random: RandomSource,
    balancer: LoadBalancer = new RoundRobin(random),
  ) {
    this.name = settings.name;
    this.settings = settings;
    this.discoveryName = discoveryName;
    const own = scope.scope(`cluster.${settings.statName}.`);
    this.stats = clusterStats(own);
    this.breaker = new CircuitBreaker(settings.thresholds.default, own, 'default');
    this.breakerHigh = new CircuitBreaker(settings.thresholds.high, own, 'high');
    this.policy = balancer;
    this.context = { settings, stats: this.stats, breaker: this.breaker, wheel };
    this.codes = new ResponseCodeStats(own);
    this.externalCodes = new ResponseCodeStats(own, 'external.');
    this.internalCodes = new ResponseCodeStats(own, 'internal.');
    this.metrics = own;
    this.rqTime = own.histogram('upstream_rq_time');
    this.traffic = this.stats;
  }

  get hosts(): readonly UpstreamHost[] {
    return this.current;
  }

  /** Replaces the host set. Hosts with the same address stay the same object; others drain. */
  update(endpoints: readonly Endpoint[]): void {
    const next = new Map<string, UpstreamHost>();
    let changed = false;
    for (const endpoint of endpoints) {
      const address = endpointAddress(endpoint);
      if (next.has(address)) continue;
      const kept = this.byAddress.get(address);
      if (kept === undefined) changed = true;
      else kept.refresh(endpoint);
      next.set(address, kept ?? new UpstreamHost(endpoint));
    }
    for (const [address, host] of this.byAddress) {
      if (next.has(address)) continue;
      changed = true;
      host.removed = true;
      host.pool?.drain();
    }
    this.byAddress = next;
    this.current = [...next.values()];
    if (changed) this.stats.membership_change.inc();
    this.stats.membership_total.set(this.current.length);
    this.stats.membership_healthy.set(this.current.length);
    this.stats.max_host_weight.set(this.current.reduce((most, host) => Math.max(most, host.weight), 0));
    this.policy.update(this.current);
  }

  pick(context: PickContext): Host | undefined {
    const host = this.policy.pick(context);
    if (host === undefined) this.stats.upstream_cx_none_healthy.inc();
    return host;
  }

  open(host: Host, request: UpstreamRequest): UpstreamTicket | undefined {
    const target = host as UpstreamHost;
    target.pool ??= new Http1Pool(target, this.context);
    return target.pool.open(request);
  }

  chargeStatus(host: Host | undefined, status: number, internal: boolean): void {
    this.codes.charge(status);
    (internal ? this.internalCodes : this.externalCodes).charge(status);
    if (host === undefined) return;
    if (status >= 500) host.stats.rqError++;
    else host.stats.rqSuccess++;
  }

  chargeTime(durationMs: number, internal: boolean): void {
    const time = Math.round(durationMs);
    this.rqTime.record(time);
    this.originTime(internal).record(time);
  }

  /** The histograms of a kind of origin appear with its first response, as its counters do. */
  private originTime(internal: boolean): Histogram {
    if (internal) {
      this.internalTime ??= this.metrics.histogram('internal.upstream_rq_time');
      return this.internalTime;
    }
    this.externalTime ??= this.metrics.histogram('external.upstream_rq_time');
    return this.externalTime;
  }

  /** Ends every connection and forgets the hosts. */
  close(): void {
    for (const host of this.current) host.pool?.destroy();
    this.current = [];
    this.byAddress.clear();
    this.policy.update([]);
  }
}
