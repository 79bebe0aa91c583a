/** A named group of hosts: long-lived identity and counters around a host set that is replaced whole. */
import type { RandomSource } from '../api/clock.ts';
import type { Host, HostSets, Locality } from '../api/cluster.ts';
import type { AssignmentPolicy, Endpoint } from '../api/discovery.ts';
import type { CheckConnectOptions, ClusterMonitor, HostChecks, HostOutlier } from '../api/health.ts';
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
  type Scope,
} from '../stats/index.ts';
import { CheckConnections } from './check-connection.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { RoundRobin } from './default-pick.ts';
import { HealthFlag } from './health-flags.ts';
import { endpointIdentity, UpstreamHost } from './host.ts';
import { plainPool, specialPool } from './host-pools.ts';
import { DEFAULT_HOST_SETS_POLICY, type HostSetsPolicy, hostSets, NO_HOST_SETS } from './host-sets.ts';
import { LiveThresholds } from './live-thresholds.ts';
import type { PoolContext } from './pool.ts';
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

/** What a cluster is built with besides its settings. */
export interface ClusterEquipment {
  readonly scope: Scope;
  readonly wheel: TimerWheel;
  readonly random: RandomSource;
  readonly runtime?: Runtime | undefined;
  /** Where the proxy runs; hosts of the same place are its own. */
  readonly locality?: Locality | undefined;
}

/** It walks its hosts in turn until `useBalancer` says otherwise. */
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
  private byIdentity = new Map<string, UpstreamHost>();
  private snapshot: HostSets = NO_HOST_SETS;
  private setsPolicy: HostSetsPolicy = DEFAULT_HOST_SETS_POLICY;
  /** Health has changed since the last snapshot. */
  private stale = false;
  private readonly monitors: ClusterMonitor[] = [];
  private readonly watchers = new Set<() => void>();
  private readonly ownLocality: Locality | undefined;
  private readonly wheel: TimerWheel;
  readonly maxStreamDurationMs: number;
  readonly maintenance: RuntimeFraction;
  readonly transportPolicy: TransportPolicy | undefined;
  readonly random: RandomSource;
  /** The client's protocol is the upstream's. */
  private readonly asDownstream: boolean;
  private http2Stats: Http2CodecStats | undefined = undefined;
  private policy: LoadBalancer;
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
  private checkConnections: CheckConnections | undefined = undefined;

  constructor(settings: ClusterSettings, discoveryName: string, equipment: ClusterEquipment) {
    const { scope, wheel, random, runtime = NO_RUNTIME, locality } = equipment;
    this.wheel = wheel;
    this.ownLocality = locality;
    this.name = settings.name;
    this.settings = settings;
    this.discoveryName = discoveryName;
    const own = scope.scope(`cluster.${settings.statName}.`);
    this.stats = clusterStats(own);
    const live = (priority: Priority) =>
      new LiveThresholds(settings.thresholds[priority], runtime, settings.name, priority);
    this.breaker = new CircuitBreaker(live('default'), own, 'default');
    this.breakerHigh = new CircuitBreaker(live('high'), own, 'high');
    this.policy = new RoundRobin(random);
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

  /** The hosts divided by priority, health and place, as they are now. */
  get sets(): HostSets {
    if (this.stale) this.divide();
    return this.snapshot;
  }

  /** Chooses hosts by `balancer` from now on. */
  useBalancer(balancer: LoadBalancer): void {
    this.policy.close?.();
    this.policy = balancer;
    balancer.update(this.sets);
  }

  /** Has `monitor` watch the hosts; it hears of those that are there at once. */
  addMonitor(monitor: ClusterMonitor): void {
    this.monitors.push(monitor);
    if (this.current.length > 0) monitor.onHosts(this.current, []);
  }

  /** Resolves when every monitor says that the cluster may be used. */
  async startMonitors(): Promise<void> {
    await Promise.all(this.monitors.map((monitor) => monitor.start()));
  }

  /** Calls `changed` with every new snapshot; returns what ends that. */
  watch(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => void this.watchers.delete(changed);
  }

  /** The host of an endpoint's key or address. */
  hostOf(identity: string): UpstreamHost | undefined {
    return this.byIdentity.get(identity);
  }

  /** Replaces the host set. Hosts with the same identity stay the same object; others drain. */
  update(endpoints: readonly Endpoint[], policy: AssignmentPolicy = {}): void {
    const next = new Map<string, UpstreamHost>();
    const added: UpstreamHost[] = [];
    for (const endpoint of endpoints) {
      const identity = endpointIdentity(endpoint);
      if (next.has(identity)) continue;
      const kept = this.byIdentity.get(identity);
      const transport = this.transportOf(endpoint);
      if (kept !== undefined && kept.transport === transport) {
        kept.refresh(endpoint);
        kept.setFlags(kept.healthFlags & ~HealthFlag.pendingDynamicRemoval);
        next.set(identity, kept);
        continue;
      }
      const host = new UpstreamHost(endpoint, this.wheel.clock.nowMs(), this.firstFlags(endpoint));
      host.transport = transport;
      added.push(host);
      next.set(identity, host);
    }
    this.setsPolicy = {
      overprovisioningFactor: policy.overprovisioningFactor ?? DEFAULT_HOST_SETS_POLICY.overprovisioningFactor,
      weightedPriorityHealth: policy.weightedPriorityHealth ?? false,
    };
    this.replace(next, added);
  }

  /** A host that is to be checked is no good until it has passed. */
  private firstFlags({ healthCheck }: Endpoint): number {
    const { activeChecks = false, ignoreNewHosts = false } = this.settings;
    if (!activeChecks || healthCheck?.disabled === true) return 0;
    return HealthFlag.failedActiveHc | (ignoreNewHosts ? HealthFlag.pendingActiveHc : 0);
  }

  private replace(next: Map<string, UpstreamHost>, added: readonly UpstreamHost[]): void {
    const removed: UpstreamHost[] = [];
    for (const [identity, host] of this.byIdentity) {
      const now = next.get(identity);
      if (now === host) continue;
      if (now === undefined && this.staysWhileHealthy(host)) {
        host.setFlags(host.healthFlags | HealthFlag.pendingDynamicRemoval);
        next.set(identity, host);
        continue;
      }
      removed.push(host);
    }
    this.byIdentity = next;
    this.current = [...next.values()];
    this.stats.membership_total.set(this.current.length);
    this.stats.max_host_weight.set(this.current.reduce((most, host) => Math.max(most, host.weight), 0));
    if (added.length > 0 || removed.length > 0) {
      this.stats.membership_change.inc();
      for (const monitor of this.monitors) monitor.onHosts(added, removed);
    }
    this.divide();
    for (const host of removed) {
      host.removed = true;
      host.drain();
    }
  }

  /** What its source has removed stays for as long as it passes active checks, unless the cluster says otherwise. */
  private staysWhileHealthy(host: UpstreamHost): boolean {
    const { activeChecks = false, ignoreHealthOnHostRemoval = false } = this.settings;
    if (!activeChecks || ignoreHealthOnHostRemoval || host.healthCheck?.disabled === true) return false;
    return (host.healthFlags & HealthFlag.failedActiveHc) === 0;
  }

  /** Makes the snapshot that policies choose from. */
  private divide(): void {
    this.stale = false;
    const sets = hostSets(this.current, this.setsPolicy, this.ownLocality);
    this.snapshot = sets;
    let healthy = 0;
    let degraded = 0;
    let excluded = 0;
    for (const priority of sets.priorities) {
      healthy += priority.healthy.length;
      degraded += priority.degraded.length;
      excluded += priority.excluded.length;
    }
    this.stats.membership_healthy.set(healthy);
    this.stats.membership_degraded.set(degraded);
    this.stats.membership_excluded.set(excluded);
    this.policy.update(sets);
    for (const changed of this.watchers) changed();
  }

  /** Sets or clears health flags of a host; true when that changed something. The next choice sees it. */
  setHealth(host: Host, flags: number, on: boolean): boolean {
    const target = host as UpstreamHost;
    if (!target.setFlags(on ? target.healthFlags | flags : target.healthFlags & ~flags)) return false;
    const leaving = HealthFlag.pendingDynamicRemoval | HealthFlag.failedActiveHc;
    if ((target.healthFlags & leaving) === leaving && this.byIdentity.get(target.identity) === target) {
      const next = new Map(this.byIdentity);
      next.delete(target.identity);
      this.replace(next, []);
    } else if (!this.stale) {
      // Many hosts may change in one turn: the next choice divides them, or else the end of the turn does.
      this.stale = true;
      queueMicrotask(() => {
        if (this.stale) this.divide();
      });
    }
    return true;
  }

  /** Active checks have found the host healthy again. */
  noteRecovered(host: Host): void {
    (host as UpstreamHost).recoveredMs = this.wheel.clock.nowMs();
  }

  /** Installs what others reach through the host. */
  attach(host: Host, parts: { readonly outlier?: HostOutlier; readonly checks?: HostChecks }): void {
    Object.assign(host, parts);
  }

  /** The transport of an endpoint: the first whose metadata match, or the cluster's. */
  private transportOf({ metadata }: Pick<Endpoint, 'metadata'>): ClientTransport | undefined {
    const { transport, transportMatches = [] } = this.settings;
    return transportMatches.length === 0 ? transport : chooseTransport(transportMatches, metadata, transport);
  }

  pick(context: PickContext): Host | undefined {
    if (this.stale) this.divide();
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

  /** A connection for a health check: beside the pools, their limits and their counters. */
  connectForCheck(host: Host, user: TcpUser, options: CheckConnectOptions): UpstreamTicket {
    this.checkConnections ??= new CheckConnections(this.context);
    const target = host as UpstreamHost;
    const { transportMatch } = options;
    const transport = transportMatch === undefined ? target.transport : this.transportOf({ metadata: transportMatch });
    return this.checkConnections.connect(target, transport, user, options);
  }

  /** Closes what a host has in its pools; requests under way end with their connections. */
  closeConnections(host: Host): void {
    (host as UpstreamHost).destroy();
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
    for (const monitor of this.monitors) monitor.close();
    this.watchers.clear();
    for (const host of this.current) host.destroy();
    this.tcpLinks?.close();
    this.checkConnections?.close();
    this.closeTransports();
    this.current = [];
    this.byIdentity.clear();
    this.stale = false;
    this.snapshot = NO_HOST_SETS;
    this.policy.update(NO_HOST_SETS);
    this.policy.close?.();
  }
}
