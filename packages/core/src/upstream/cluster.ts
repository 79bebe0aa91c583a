/** A named group of hosts: long-lived identity and counters around a host set that is replaced whole. */
import type { RandomSource } from '../api/clock.ts';
import type { Host } from '../api/cluster.ts';
import type { Endpoint } from '../api/discovery.ts';
import type { LoadBalancer, PickContext } from '../api/load-balancer.ts';
import type { Runtime, RuntimeFraction } from '../api/runtime.ts';
import type {
  Priority,
  TcpUser,
  TransportOptions,
  TransportPolicy,
  UpstreamCluster,
  UpstreamRequest,
  UpstreamTicket,
  UpstreamTraffic,
} from '../api/upstream.ts';
import type { ClientTransport } from '../net/transport.ts';
import { NO_RUNTIME } from '../runtime/layered-runtime.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import {
  type ClusterStats,
  clusterStats,
  type Histogram,
  type Http2CodecStats,
  http2CodecStats,
  ResponseCodeStats,
  ringHashStats,
  type Scope,
} from '../stats/index.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { RoundRobin } from './default-pick.ts';
import { endpointAddress, UpstreamHost } from './host.ts';
import { plainPool, specialPool } from './host-pools.ts';
import { LiveThresholds } from './live-thresholds.ts';
import type { PoolContext } from './pool.ts';
import { RingHash } from './ring-hash.ts';
import type { ClusterSettings } from './settings.ts';
import { TcpLinks } from './tcp-link.ts';
import { TcpStream } from './tcp-stream.ts';
import { chooseTransport } from './transport-match.ts';

/** Alternative stat names per cluster. */
const MAX_ALT_NAMES = 100;

interface AltCodes {
  readonly all: ResponseCodeStats;
  readonly external: ResponseCodeStats;
  readonly internal: ResponseCodeStats;
}

function balancerOf({ ringHash }: ClusterSettings, scope: Scope, random: RandomSource): LoadBalancer {
  return ringHash === undefined ? new RoundRobin(random) : new RingHash(ringHash, random, ringHashStats(scope));
}

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
  readonly maxStreamDurationMs: number;
  readonly maintenance: RuntimeFraction;
  readonly transportPolicy: TransportPolicy | undefined;
  readonly random: RandomSource;
  /** The client's protocol is the upstream's. */
  private readonly asDownstream: boolean;
  private http2Stats: Http2CodecStats | undefined = undefined;
  private readonly policy: LoadBalancer;
  private readonly context: PoolContext;
  private readonly highContext: PoolContext;
  private readonly codes: ResponseCodeStats;
  private readonly externalCodes: ResponseCodeStats;
  private readonly internalCodes: ResponseCodeStats;
  private retriedCodes: ResponseCodeStats | undefined = undefined;
  private canaryCodes: ResponseCodeStats | undefined = undefined;
  private readonly altCodes = new Map<string, AltCodes>();
  private readonly metrics: Scope;
  private readonly rqTime: Histogram;
  private externalTime: Histogram | undefined = undefined;
  private internalTime: Histogram | undefined = undefined;
  private tcpLinks: TcpLinks | undefined = undefined;

  constructor(
    settings: ClusterSettings,
    discoveryName: string,
    scope: Scope,
    wheel: TimerWheel,
    random: RandomSource,
    balancer?: LoadBalancer,
    runtime: Runtime = NO_RUNTIME,
  ) {
    this.name = settings.name;
    this.settings = settings;
    this.discoveryName = discoveryName;
    const own = scope.scope(`cluster.${settings.statName}.`);
    this.stats = clusterStats(own);
    const live = (priority: Priority) =>
      new LiveThresholds(settings.thresholds[priority], runtime, settings.name, priority);
    this.breaker = new CircuitBreaker(live('default'), own, 'default');
    this.breakerHigh = new CircuitBreaker(live('high'), own, 'high');
    this.policy = balancer ?? balancerOf(settings, own, random);
    this.random = random;
    this.maxStreamDurationMs = settings.maxStreamDurationMs;
    const runtimeKey = `upstream.maintenance_mode.${settings.name}`;
    this.maintenance = { numerator: 0, denominator: 100, runtimeKey };
    this.transportPolicy = settings.transportPolicy;
    this.asDownstream = settings.protocol === 'downstream';
    const http2Stats = () => (this.http2Stats ??= http2CodecStats(own));
    this.context = { settings, stats: this.stats, breaker: this.breaker, wheel, random, http2Stats };
    this.highContext = { ...this.context, breaker: this.breakerHigh };
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
      const transport = this.transportOf(endpoint);
      if (kept !== undefined && kept.transport === transport) {
        kept.refresh(endpoint);
        next.set(address, kept);
        continue;
      }
      changed = true;
      const host = new UpstreamHost(endpoint);
      host.transport = transport;
      next.set(address, host);
    }
    for (const [address, host] of this.byAddress) {
      if (next.get(address) === host) continue;
      changed = true;
      host.removed = true;
      host.drain();
    }
    this.byAddress = next;
    this.current = [...next.values()];
    if (changed) this.stats.membership_change.inc();
    this.stats.membership_total.set(this.current.length);
    this.stats.membership_healthy.set(this.current.length);
    this.stats.max_host_weight.set(this.current.reduce((most, host) => Math.max(most, host.weight), 0));
    this.policy.update(this.current);
  }

  /** The transport of an endpoint: the first whose metadata match, or the cluster's. */
  private transportOf({ metadata }: Endpoint): ClientTransport | undefined {
    const { transport, transportMatches = [] } = this.settings;
    return transportMatches.length === 0 ? transport : chooseTransport(transportMatches, metadata, transport);
  }

  pick(context: PickContext): Host | undefined {
    let host = this.policy.pick(context, 0);
    const most = context.reselections ?? 0;
    for (let reselection = 1; reselection <= most && host !== undefined; reselection++) {
      if (context.shouldSkip?.(host) !== true) break;
      host = this.policy.pick(context, reselection);
    }
    if (host === undefined) this.stats.upstream_cx_none_healthy.inc();
    return host;
  }

  open(host: Host, request: UpstreamRequest, priority: Priority = 'default'): UpstreamTicket | undefined {
    const target = host as UpstreamHost;
    const context = priority === 'high' ? this.highContext : this.context;
    if (request.transport !== undefined || this.asDownstream) {
      return specialPool(target, context, request, priority).open(request);
    }
    if (priority === 'high') {
      target.highPool ??= plainPool(target, context);
      return target.highPool.open(request);
    }
    target.pool ??= plainPool(target, context);
    return target.pool.open(request);
  }

  openTcp(host: Host, request: UpstreamRequest, priority: Priority = 'default'): UpstreamTicket | undefined {
    const context = priority === 'high' ? this.highContext : this.context;
    return new TcpStream(host as UpstreamHost, context, request, this.links());
  }

  connectTcp(host: Host, user: TcpUser, options?: TransportOptions): UpstreamTicket {
    return this.links().connect(host as UpstreamHost, this.context, user, options);
  }

  private links(): TcpLinks {
    this.tcpLinks ??= new TcpLinks();
    return this.tcpLinks;
  }

  beginRetry(priority: Priority): boolean {
    const breaker = this.breakerOf(priority);
    if (!breaker.canRetry) return false;
    breaker.addRetry();
    return true;
  }

  endRetry(priority: Priority): void {
    this.breakerOf(priority).removeRetry();
  }

  private breakerOf(priority: Priority): CircuitBreaker {
    return priority === 'high' ? this.breakerHigh : this.breaker;
  }

  chargeStatus(host: Host | undefined, status: number, internal: boolean): void {
    this.codes.charge(status);
    (internal ? this.internalCodes : this.externalCodes).charge(status);
    if (host === undefined) return;
    if (status >= 500) host.stats.rqError++;
    else host.stats.rqSuccess++;
  }

  chargeRetried(status: number): void {
    this.retriedCodes ??= new ResponseCodeStats(this.metrics, 'retry.');
    this.retriedCodes.charge(status);
  }

  chargeCanary(status: number): void {
    this.canaryCodes ??= new ResponseCodeStats(this.metrics, 'canary.');
    this.canaryCodes.charge(status);
  }

  chargeAlt(name: string, status: number, internal: boolean): void {
    let alt = this.altCodes.get(name);
    if (alt === undefined) {
      // Requests choose the name: beyond the limit they are counted nowhere rather than growing without bound.
      if (this.altCodes.size >= MAX_ALT_NAMES) return;
      const codes = (origin: string) => new ResponseCodeStats(this.metrics, `${name}.${origin}`);
      alt = { all: codes(''), external: codes('external.'), internal: codes('internal.') };
      this.altCodes.set(name, alt);
    }
    alt.all.charge(status);
    (internal ? alt.internal : alt.external).charge(status);
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

  /** Its transports watch no files any more; connections go on. */
  closeTransports(): void {
    this.settings.transport?.close();
    for (const { transport } of this.settings.transportMatches ?? []) transport?.close();
  }

  /** Ends every connection and forgets the hosts. */
  close(): void {
    for (const host of this.current) host.destroy();
    this.tcpLinks?.close();
    this.closeTransports();
    this.current = [];
    this.byAddress.clear();
    this.policy.update([]);
  }
}
