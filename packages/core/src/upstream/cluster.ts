/** A named group of hosts: long-lived identity and counters around a host set that is replaced whole. */
import type { RandomSource } from '../api/clock.ts';
import type { Host, HostSets, Locality } from '../api/cluster.ts';
import type { AssignmentPolicy, Endpoint } from '../api/discovery.ts';
import type {
  CheckClient,
  CheckConnectOptions,
  CheckProtocol,
  ClusterMonitor,
  HostChecks,
  HostOutlier,
  OutlierRates,
} from '../api/health.ts';
import type { HostNames } from '../api/host-names.ts';
import type { LoadBalancer, PickContext } from '../api/load-balancer.ts';
import type { Runtime, RuntimeFraction } from '../api/runtime.ts';
import type {
  ClusterTracking,
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
  type Http1CodecStats,
  type Http2CodecStats,
  http1CodecStats,
  http2CodecStats,
  type Scope,
} from '../stats/index.ts';
import { Charges } from './charges.ts';
import { CheckConnections } from './check-connection.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { ConnectAhead } from './connect-ahead.ts';
import { RoundRobin } from './default-pick.ts';
import type { UpstreamHost } from './host.ts';
import { plainPool, specialPool } from './host-pools.ts';
import { NO_HOST_SETS } from './host-sets.ts';
import { LiveThresholds } from './live-thresholds.ts';
import { Membership } from './membership.ts';
import { OverrideHosts } from './override-host.ts';
import type { PoolContext } from './pool.ts';
import type { ClusterSettings } from './settings.ts';
import { TcpLinks } from './tcp-link.ts';
import { TcpStream } from './tcp-stream.ts';
import { clusterTracking, EndpointStats } from './tracking.ts';
import { chooseTransport, matchedTransport } from './transport-match.ts';
import type { UpdateMergeParts } from './update-merge.ts';

/** What a cluster is built with besides its settings. */
export interface ClusterEquipment {
  readonly scope: Scope;
  readonly wheel: TimerWheel;
  readonly random: RandomSource;
  readonly runtime?: Runtime | undefined;
  /** Where the proxy runs; hosts of the same place are its own. */
  readonly locality?: Locality | undefined;
  /** Changes of its hosts that may be told together; default none. */
  readonly merging?: UpdateMergeParts | undefined;
}

/** It walks its hosts in turn until `useBalancer` says otherwise. */
/** Types of clusters whose hosts are not a list that changes: Envoy tells no `max_host_weight` of them. */
const STEADY_SOURCES: readonly string[] = [
  'static',
  'logical_dns',
  'original_dst',
  'STATIC',
  'LOGICAL_DNS',
  'ORIGINAL_DST',
];

export class Cluster implements UpstreamCluster {
  readonly name: string;
  readonly observabilityName: string;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  readonly settings: ClusterSettings;
  readonly stats: ClusterStats;
  readonly traffic: UpstreamTraffic;
  readonly breaker: CircuitBreaker;
  readonly breakerHigh: CircuitBreaker;
  /** `static`, or the name of the discovery; for `/config_dump` and logs. */
  readonly discoveryName: string;
  /** It came while the proxy ran, rather than with its first config; for `/clusters`. */
  addedViaApi = false;
  names: HostNames | undefined = undefined;
  private readonly membership: Membership;
  private readonly overrideHosts: OverrideHosts;
  private readonly watchers = new Set<() => void>();
  private readonly wheel: TimerWheel;
  readonly zoned: boolean;
  readonly maxStreamDurationMs: number;
  readonly maintenance: RuntimeFraction;
  readonly transportPolicy: TransportPolicy | undefined;
  readonly random: RandomSource;
  /** The client's protocol is the upstream's. */
  private readonly asDownstream: boolean;
  private http1Stats: Http1CodecStats | undefined = undefined;
  private http2Stats: Http2CodecStats | undefined = undefined;
  private policy: LoadBalancer;
  /** Not where the client decides the protocol. */
  private readonly ahead: ConnectAhead | undefined;
  private readonly context: PoolContext;
  private readonly highContext: PoolContext;
  private readonly charges: Charges;
  readonly tracking: ClusterTracking | undefined;
  private endpointStats: EndpointStats | undefined = undefined;
  private tcpLinks: TcpLinks | undefined = undefined;
  private checkConnections: CheckConnections | undefined = undefined;

  constructor(settings: ClusterSettings, discoveryName: string, equipment: ClusterEquipment) {
    const { scope, wheel, random, runtime = NO_RUNTIME, locality } = equipment;
    this.wheel = wheel;
    this.name = settings.name;
    this.observabilityName = settings.statName;
    this.metadata = settings.metadata;
    this.zoned = locality !== undefined && locality.zone !== '';
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
    const http1Stats = () => (this.http1Stats ??= http1CodecStats(own));
    const http2Stats = () => (this.http2Stats ??= http2CodecStats(own));
    this.context = { settings, stats: this.stats, breaker: this.breaker, wheel, random, http1Stats, http2Stats };
    const { predictive = 1 } = settings.preconnect ?? {};
    this.ahead = predictive > 1 && !this.asDownstream ? new ConnectAhead(this.context, predictive) : undefined;
    this.highContext = { ...this.context, breaker: this.breakerHigh };
    this.charges = new Charges(own, locality?.zone ?? '');
    this.overrideHosts = new OverrideHosts(settings.overrideHostStatuses);
    this.membership = new Membership({
      settings,
      stats: this.stats,
      wheel,
      home: this,
      locality,
      merging: equipment.merging,
      transportOf: (endpoint) => this.transportOf(endpoint),
      countTransport: (endpoint) => this.countTransport(endpoint, own),
      tellsWeight: !STEADY_SOURCES.includes(discoveryName),
      closeLinks: (host) => this.tcpLinks?.closeHost(host),
      onSnapshot: (sets) => this.onSnapshot(sets),
    });
    this.traffic = this.stats;
    this.tracking = clusterTracking(own, settings.tracked);
    if (settings.tracked?.endpoints) this.endpointStats = new EndpointStats(own, settings.statName);
  }

  /** Brings the statistics of single hosts up to date, where they are asked for. */
  updateEndpointStats(): void {
    this.endpointStats?.update(this.hosts);
  }

  get hosts(): readonly UpstreamHost[] {
    return this.membership.hosts;
  }

  /** The hosts divided by priority, health and place, as they are now. */
  get sets(): HostSets {
    return this.membership.sets;
  }

  /** Chooses hosts by `balancer` from now on. */
  useBalancer(balancer: LoadBalancer): void {
    this.policy.close?.();
    this.policy = balancer;
    balancer.update(this.sets);
  }

  /** Has `monitor` watch the hosts; it hears of those that are there at once. */
  addMonitor(monitor: ClusterMonitor): void {
    this.membership.addMonitor(monitor);
  }

  /** Resolves when every monitor says that the cluster may be used. */
  async startMonitors(): Promise<void> {
    await this.membership.startMonitors();
  }

  /** Calls `changed` with every new snapshot; returns what ends that. */
  watch(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => void this.watchers.delete(changed);
  }

  /** What outliers are judged by, for `/clusters`; `undefined` where nobody detects them. */
  get outlierRates(): OutlierRates | undefined {
    return this.membership.outlierRates;
  }

  private onSnapshot(sets: HostSets): void {
    this.policy.update(sets);
    for (const changed of this.watchers) changed();
  }

  /** The host of an endpoint's key or address. */
  hostOf(identity: string): UpstreamHost | undefined {
    return this.membership.hostOf(identity);
  }

  /** Replaces the host set. Hosts with the same identity stay the same object; others drain. */
  update(endpoints: readonly Endpoint[], policy: AssignmentPolicy = {}): void {
    this.membership.update(endpoints, policy);
  }

  /** Sets or clears health flags of a host; true when that changed something. The next choice sees it. */
  setHealth(host: Host, flags: number, on: boolean): boolean {
    return this.membership.setHealth(host as UpstreamHost, flags, on);
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

  /** Config decides these names. */
  private countTransport({ metadata }: Pick<Endpoint, 'metadata'>, own: Scope): void {
    const match = matchedTransport(this.settings.transportMatches ?? [], metadata);
    if (match === undefined) this.stats['default.total_match_count'].inc();
    else own.counter(`${match.name}.total_match_count`).inc();
  }

  choose(context: PickContext, reselection: number): Host | undefined {
    this.membership.settle();
    return this.policy.pick(context, reselection);
  }

  pick(context: PickContext): Host | undefined {
    this.membership.settle();
    const wish = context.overrideHost;
    if (wish !== undefined) {
      const host = this.overrideHosts.find(this.membership.hosts, wish.address);
      if (host !== undefined || wish.strict) return host;
    }
    let host = this.policy.pick(context, 0);
    const most = context.reselections ?? 0;
    for (let reselection = 1; reselection <= most && host !== undefined; reselection++) {
      if (context.shouldSkip?.(host) !== true) break;
      host = this.policy.pick(context, reselection);
    }
    if (host === undefined) this.stats.upstream_cx_none_healthy.inc();
    else if (this.ahead !== undefined) this.ahead.chosen(this, this.policy, context);
    return host;
  }

  /** The share of requests, 0 to 1, that is refused at once. */
  get dropShare(): number {
    return this.membership.dropShare;
  }

  open(host: Host, request: UpstreamRequest, priority: Priority = 'default'): UpstreamTicket | undefined {
    const target = host as UpstreamHost;
    // Clusters that are made of others choose hosts of theirs.
    if (target.home !== this) return (target.home as UpstreamCluster).open(host, request, priority);
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
    const target = host as UpstreamHost;
    if (target.home !== this) return (target.home as UpstreamCluster).openTcp(host, request, priority);
    const context = priority === 'high' ? this.highContext : this.context;
    return new TcpStream(target, context, request, this.links());
  }

  connectTcp(host: Host, user: TcpUser, options?: TransportOptions): UpstreamTicket | undefined {
    const target = host as UpstreamHost;
    if (target.home !== this) return (target.home as UpstreamCluster).connectTcp(host, user, options);
    return this.links().connect(target, this.context, user, options);
  }

  /** A connection for a health check: beside the pools, their limits and their counters. */
  connectForCheck(host: Host, user: TcpUser, options: CheckConnectOptions): UpstreamTicket {
    const target = host as UpstreamHost;
    return this.checks().connect(target, this.checkTransport(target, options), user, options);
  }

  /** HTTP for health checks, likewise. */
  clientForCheck(host: Host, protocol: CheckProtocol, options: CheckConnectOptions): CheckClient {
    const target = host as UpstreamHost;
    return this.checks().client(target, this.checkTransport(target, options), protocol, options);
  }

  private checks(): CheckConnections {
    this.checkConnections ??= new CheckConnections(this.context);
    return this.checkConnections;
  }

  private checkTransport(host: UpstreamHost, { transportMatch }: CheckConnectOptions): ClientTransport | undefined {
    return transportMatch === undefined ? host.transport : this.transportOf({ metadata: transportMatch });
  }

  /**
   * Ends the TCP connections of a host, and its pooled ones once their requests are over: what a health failure does to
   * them (`close_connections_on_host_health_failure`) without anybody's asking.
   */
  closeConnections(host: Host): void {
    (host as UpstreamHost).renew();
    this.tcpLinks?.closeHost(host as UpstreamHost);
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
    this.charges.status(host, status, internal);
  }

  chargeRetried(status: number): void {
    this.charges.retried(status);
  }

  chargeCanary(status: number): void {
    this.charges.canary(status);
  }

  chargeCanaryTime(durationMs: number): void {
    this.charges.canaryTime(durationMs);
  }

  chargeAlt(name: string, status: number, internal: boolean): void {
    this.charges.alt(name, status, internal);
  }

  chargeZone(host: Host, status: number): void {
    this.charges.zone(host, status);
  }

  chargeZoneTime(host: Host, durationMs: number): void {
    this.charges.zoneTime(host, durationMs);
  }

  chargeTime(durationMs: number, internal: boolean): void {
    this.charges.time(durationMs, internal);
  }

  /** Whether requests or connections are under way, or wait to be tried again. */
  get busy(): boolean {
    return this.breaker.busy || this.breakerHigh.busy;
  }

  /** Writes its gauges anew, after another cluster of this name has. */
  restate(): void {
    this.membership.restate();
  }

  /**
   * Another cluster takes its place: requests that have this one go on with it, also with further attempts, and leave no
   * connection behind. `close` follows once it is not `busy` any more.
   */
  retire(): void {
    this.watchers.clear();
    this.membership.retire();
    this.closeTransports();
  }

  /** Its transports watch no files any more; connections go on. */
  closeTransports(): void {
    this.settings.transport?.close();
    for (const { transport } of this.settings.transportMatches ?? []) transport?.close();
  }

  /** Ends every connection and forgets the hosts. */
  close(): void {
    this.watchers.clear();
    this.membership.close();
    this.tcpLinks?.close();
    this.checkConnections?.close();
    this.closeTransports();
    this.policy.update(NO_HOST_SETS);
    this.policy.close?.();
  }
}
