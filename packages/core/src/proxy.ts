/** A whole proxy: config in, listeners, clusters and admin server out; start, update, drain, close. */
import type { ServerState } from './admin/index.ts';
import type { Clock, RandomSource } from './api/clock.ts';
import type { ObserverContext } from './api/observer.ts';
import { listenAddress } from './config/build.ts';
import { dnsResolverSettings } from './config/dns-resolver.ts';
import type { HttpConnectionManagerConfig } from './config/http-connection-manager.ts';
import type { ListenerConfig } from './config/listener.ts';
import { runtimeLayers } from './config/runtime.ts';
import { errorText, MeshError } from './errors.ts';
import { explain } from './explain/explain.ts';
import type { Explanation } from './explain/explanation.ts';
import type { ExplainRequest } from './explain/request.ts';
import { parseRequestJson } from './explain/request-json.ts';
import { type CompiledTables, managersOf } from './listener-build.ts';
import { type Address, formatAddress } from './net/address.ts';
import { CertificateRegistry } from './net/tls/certificate-registry.ts';
import { type ProviderEntry, Tracers } from './observe/tracers.ts';
import { type BuiltAdmin, buildAdmin } from './proxy/admin-server.ts';
import { adminSource } from './proxy/admin-source.ts';
import { Closings } from './proxy/closings.ts';
import { ClusterUpdates } from './proxy/cluster-updates.ts';
import { type BuiltCluster, buildCluster, type ClusterParts } from './proxy/clusters.ts';
import { configDump } from './proxy/config-dump.ts';
import { Drains } from './proxy/drain.ts';
import { ListenerManager } from './proxy/listener-manager.ts';
import { ListenerUpdates } from './proxy/listener-updates.ts';
import { connectionsOf, type ListenerParts } from './proxy/listeners.ts';
import { localCluster } from './proxy/local-cluster.ts';
import { observerContext } from './proxy/observers.ts';
import type { ProxyParts } from './proxy/parts.ts';
import { RouteUpdates } from './proxy/route-updates.ts';
import { updateServerStats } from './proxy/server-gauges.ts';
import { staticSources } from './proxy/static-sources.ts';
import { StatsFlush } from './proxy/stats-flush.ts';
import { makeSinks, type NamedSink } from './proxy/stats-sinks.ts';
import { statsStoreOptions } from './proxy/stats-store-options.ts';
import { TapRegistry } from './proxy/taps.ts';
import { unreadyTargets } from './proxy/unready.ts';
import { adminAddress, adminContext } from './proxy-admin.ts';
import { systemClock } from './runtime/clock.ts';
import { LayeredRuntime } from './runtime/layered-runtime.ts';
import { type LevelLogger, withLevels } from './runtime/log.ts';
import { SharedLogFiles } from './runtime/log-files.ts';
import { TimerWheel } from './runtime/timer-wheel.ts';
import { filesystemStats, runtimeStats, type ServerStats, StatsStore, serverStats } from './stats/index.ts';
import { ClusterManager } from './upstream/cluster-manager.ts';

/** `/explain` runs between requests: this many routes are told in about a millisecond. */
const MOST_EARLIER_ROUTES = 500;

/** Envoy's `--drain-time-s`. */
const DRAIN_TIME_MS = 600_000;

/** A proxy made by `createProxy`. Nothing is bound or connected before {@link MeshProxy.start}. */
export class MeshProxy {
  /** Every metric of this proxy. */
  readonly stats: StatsStore;
  /** Adds, replaces and removes clusters while the proxy runs. */
  readonly clusters: ClusterUpdates;
  /** Adds, replaces and removes listeners while the proxy runs. */
  readonly listeners: ListenerUpdates;
  /** Replaces route tables while the proxy runs. */
  readonly routes: RouteUpdates;
  readonly #parts: ProxyParts;
  readonly #logger: LevelLogger;
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #random: RandomSource;
  readonly #runtime: LayeredRuntime;
  readonly #clusters: ClusterManager<BuiltCluster>;
  /** Those of the first config, until they are started. */
  readonly #built: BuiltCluster[] = [];
  readonly #listeners: ListenerManager;
  readonly #drains: Drains;
  readonly #certificates = new CertificateRegistry();
  readonly #logFiles: SharedLogFiles;
  readonly #observers: ObserverContext;
  readonly #closings = new Closings();
  readonly #taps: TapRegistry;
  readonly #serverStats: ServerStats;
  readonly #flush: StatsFlush;
  readonly #startedAt = Date.now();
  readonly #health = { healthFailed: false, cluster: '' };
  #admin: BuiltAdmin | undefined = undefined;
  #adminAddress: Address | undefined = undefined;
  #state: ServerState = 'PRE_INITIALIZING';
  #closed = false;
  #onQuit: (() => void) | undefined = undefined;
  #onReopen: (() => void) | undefined = undefined;

  /** @internal Use `createProxy`. */
  constructor(parts: ProxyParts) {
    this.#parts = parts;
    const { bootstrap, registry } = parts;
    this.#logger = withLevels(parts.logger);
    this.#random = parts.random ?? Math.random;
    this.#clock = parts.clock ?? systemClock;
    const report = (error: unknown) => this.#logger.log('error', 'main', `timer failed: ${errorText(error)}`);
    this.#wheel = new TimerWheel(this.#clock, report);
    this.#taps = new TapRegistry(this.#wheel);
    this.stats = new StatsStore(statsStoreOptions(bootstrap.statsConfig, parts.statsTags));
    const root = this.stats.scope('');
    this.#clusters = new ClusterManager(root, this.#wheel, this.#drainTimeMs);
    this.#serverStats = serverStats(root.scope('server.'));
    this.#runtime = new LayeredRuntime({
      layers: runtimeLayers(bootstrap),
      serviceCluster: bootstrap.node.cluster || (parts.node?.cluster ?? ''),
      metrics: runtimeStats(root.scope('runtime.')),
      onError: (message) => this.#logger.log('error', 'runtime', message),
    });
    this.#logFiles = new SharedLogFiles({
      clock: this.#clock,
      flushIntervalMs: parts.logFlushIntervalMs,
      metrics: {
        ...filesystemStats(root.scope('filesystem.')),
        dropped: root.counter('access_logs.dropped'),
      },
    });
    this.#observers = observerContext({
      parts,
      clock: this.#clock,
      timers: this.#wheel,
      random: this.#random,
      runtime: this.#runtime,
      clusters: this.#clusters,
      logger: this.#logger,
      rootScope: root,
      files: this.#logFiles,
    });
    this.#health.cluster = bootstrap.node.cluster || (parts.node?.cluster ?? '');
    this.#listeners = new ListenerManager({
      shared: this.#listenerParts(),
      wheel: this.#wheel,
      drainTimeMs: this.#drainTimeMs,
      draining: (config) => this.#isDraining(config),
    });
    this.#drains = new Drains(this.#listeners, this.#drainTimeMs, this.#wheel);
    const clusterParts = this.#clusterParts();
    const gate = () => this.#refuseUpdates();
    const clusters = () => this.#clusterNames();
    this.clusters = new ClusterUpdates({ registry, manager: this.#clusters, parts: clusterParts, gate });
    const listenerGate = () => {
      gate();
      if (this.#drains.stopped) throw new MeshError('CLOSED', 'the listeners of the proxy have been told to stop');
    };
    this.listeners = new ListenerUpdates({ registry, manager: this.#listeners, clusters, gate: listenerGate });
    this.routes = new RouteUpdates({ registry, listeners: () => this.#listeners.routing, clusters, gate });
    this.#build(clusterParts);
    this.#flush = new StatsFlush({
      store: this.stats,
      sinks: this.#sinks(),
      clock: this.#clock,
      before: () => this.#updateStats(),
      log: (message) => this.#logger.log('error', 'main', message),
    });
    this.#admin = this.#buildAdmin();
  }

  /** What was built before a sink failed is closed again. */
  #sinks(): NamedSink[] {
    try {
      return makeSinks(this.#parts.bootstrap.statsSinks, this.#observers);
    } catch (error) {
      this.#abandon();
      throw error;
    }
  }

  get #drainTimeMs(): number {
    return this.#parts.drainTimeMs ?? DRAIN_TIME_MS;
  }

  /** The first config; what was built before something failed is closed again. */
  #build(clusterParts: ClusterParts): void {
    const { bootstrap, raw } = this.#parts;
    const { clusters, listeners } = staticSources(bootstrap, raw, this.#startedAt);
    try {
      for (const source of clusters) this.#built.push(buildCluster(source, clusterParts));
      for (const source of listeners) this.#listeners.addStatic(source);
    } catch (error) {
      this.#abandon();
      throw error;
    }
  }

  #abandon(): void {
    this.#releaseBuilt();
    void this.#listeners.close();
    void this.#logFiles.close();
    this.#wheel.close();
  }

  /** Clusters that never started. */
  #releaseBuilt(): void {
    for (const { cluster, discovery, release } of this.#built.splice(0)) {
      discovery.close();
      cluster.close();
      release();
    }
  }

  #clusterParts(): ClusterParts {
    const { bootstrap, registry } = this.#parts;
    return {
      registry,
      clock: this.#clock,
      stats: this.stats,
      wheel: this.#wheel,
      random: this.#random,
      runtime: this.#runtime,
      logger: this.#logger,
      certificates: this.#certificates,
      clusters: this.#clusters,
      dnsResolver: dnsResolverSettings(bootstrap),
      locality: bootstrap.node.locality,
      local: localCluster(bootstrap.clusterManager.localClusterName, this.#clusters),
      outlierEventLogPath: bootstrap.clusterManager.outlierDetection.eventLogPath,
      files: this.#logFiles,
    };
  }

  #listenerParts(): ListenerParts {
    const { registry, bootstrap, node } = this.#parts;
    return {
      registry,
      clusters: this.#clusters,
      wheel: this.#wheel,
      random: this.#random,
      runtime: this.#runtime,
      logger: this.#logger,
      rootScope: this.stats.scope(''),
      certificates: this.#certificates,
      server: this.#health,
      currentRoutes: (manager) => this.routes.current(manager),
      node: { ...bootstrap.node, ...node },
      observers: this.#observers,
      tracing: {
        tracers: new Tracers(this.#observers, (end) => this.#closings.add(end)),
        provider: bootstrap.tracing?.http as ProviderEntry | undefined,
      },
      closing: (closing) => this.#closings.add(closing),
      tap: (configId, source) => this.#taps.register(configId, source),
    };
  }

  /** Routes may point at clusters that still warm, and before the start at those that are built. */
  #clusterNames(): string[] {
    const members = [...this.#built, ...this.#clusters.activeMembers(), ...this.#clusters.warmingMembers()];
    return members.map(({ cluster }) => cluster.name);
  }

  /** @throws MeshError */
  #refuseUpdates(): void {
    if (this.#closed) throw new MeshError('CLOSED', 'the proxy is closed');
    if (!this.#listeners.isStarted) throw new MeshError('NOT_STARTED', 'the proxy takes updates once it has started');
  }

  /**
   * Starts discoveries, then binds the admin server and every listener; resolves when all are bound.
   * @throws MeshError `LISTEN_FAILED`; then everything that was started is closed again.
   */
  async start(): Promise<void> {
    if (this.#state !== 'PRE_INITIALIZING') throw new MeshError('CLOSED', 'a proxy can be started once');
    this.#state = 'INITIALIZING';
    try {
      this.#runtime.start();
      await this.#startAdmin();
      await this.#clusters.begin(this.#built.splice(0));
      await this.#listeners.start();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#state = 'LIVE';
    this.#serverStats.live.set(1);
    this.#serverStats.concurrency.set(1);
    this.#serverStats.initialization_time_ms.record(Date.now() - this.#startedAt);
    const { statsFlushIntervalMs, statsFlushOnAdmin } = this.#parts.bootstrap;
    this.#flush.start(statsFlushOnAdmin ? undefined : statsFlushIntervalMs);
    this.#updateStats();
  }

  /** What is looked up rather than counted. */
  #updateStats(): void {
    for (const { cluster } of this.#clusters.activeMembers()) cluster.updateEndpointStats();
    updateServerStats(this.#serverStats, {
      startedAt: this.#startedAt,
      connections: connectionsOf(this.#listeners.withConnections),
      daysUntilFirstExpiry: this.#certificates.daysUntilFirstExpiry(Date.now()) ?? 0,
      state: this.#state,
    });
  }

  #buildAdmin(): BuiltAdmin | undefined {
    const { bootstrap, registry } = this.#parts;
    if (bootstrap.admin?.address === undefined) return undefined;
    try {
      return buildAdmin(bootstrap.admin, {
        context: adminContext(this.#adminSource()),
        observers: this.#observers,
        registry,
        rootScope: this.stats.scope(''),
        onError: (error) => this.#logger.log('error', 'admin', errorText(error)),
      });
    } catch (error) {
      void this.#flush.close();
      this.#abandon();
      throw error;
    }
  }

  async #startAdmin(): Promise<void> {
    const { bootstrap, registry } = this.#parts;
    if (this.#admin === undefined || bootstrap.admin?.address === undefined) return;
    const bound = await this.#admin.server.listen(adminAddress(listenAddress(bootstrap.admin.address)));
    this.#adminAddress = 'path' in bound ? { path: bound.path } : { address: bound.host, port: bound.port };
    this.#logger.log(
      'info',
      'main',
      `admin address: ${formatAddress(this.#adminAddress)}; ${registry.all().length} extensions`,
    );
  }

  #adminSource() {
    return adminSource(this.#parts, {
      store: this.stats,
      beforeStats: () => {
        this.#updateStats();
        if (this.#parts.bootstrap.statsFlushOnAdmin) this.#flush.flush();
      },
      runtime: this.#runtime,
      startedAt: this.#startedAt,
      logging: this.#logger,
      taps: this.#taps,
      state: () => (this.#health.healthFailed && this.#state === 'LIVE' ? 'DRAINING' : this.#state),
      clusters: () => this.#clusters.all(),
      listeners: () =>
        this.#listeners.running.map(({ listener }) => ({
          name: listener.settings.name,
          addresses: listener.addresses,
        })),
      certificates: () => this.#certificates.list(),
      unready: () => unreadyTargets(this.#listeners, this.#clusters),
      configDump: (options) => this.#configDump(options),
      drainListeners: (options) => this.#drains.listeners(options),
      healthcheck: (fail) => {
        this.#health.healthFailed = fail;
      },
      explain: (body) => this.explain(parseRequestJson(body)),
      quit: () => this.#onQuit?.(),
      reopenLogs: () => {
        void this.reopenLogs();
        this.#onReopen?.();
      },
    });
  }

  #configDump(options: { readonly endpoints: boolean }) {
    const source = {
      raw: this.#parts.raw,
      loadedAtMs: this.#startedAt,
      clusters: this.#clusters,
      listeners: this.#listeners,
      routes: this.routes.sources(),
    };
    return configDump(source, options);
  }

  /**
   * Tells what this proxy would do with a request and why, without sending anything anywhere: which virtual host and
   * route match, what the rewritten request looks like, where it goes. It may be asked before {@link start}; then
   * clusters have the hosts that the config gives, and names are not looked up.
   * @throws ExplainError when the request is none, or no listener is meant by it.
   *
   * @example proxy.explain({ url: 'http://front.example/api' }).cluster?.name
   */
  explain(request: ExplainRequest): Explanation {
    const { bootstrap, registry, places } = this.#parts;
    const members = [...this.#built, ...this.#clusters.activeMembers()];
    const staticResources = {
      clusters: members.map(({ source }) => source.config),
      listeners: this.#listeners.configs(),
    };
    return explain(
      {
        bootstrap: { ...bootstrap, staticResources },
        registry,
        runtime: this.#runtime,
        node: { ...bootstrap.node, ...this.#parts.node },
        mostEarlierRoutes: this.#state === 'PRE_INITIALIZING' ? Number.POSITIVE_INFINITY : MOST_EARLIER_ROUTES,
        tablesOf: (manager) => this.#tablesOf(manager),
        hostsOf: (name) => this.#clusters.get(name)?.hosts,
        placeOf: (node) => places?.get(node),
      },
      request,
    );
  }

  #tablesOf(manager: HttpConnectionManagerConfig): CompiledTables | undefined {
    const managers = this.#listeners.running.flatMap(({ build }) => managersOf(build));
    return managers.find(({ config }) => config === manager)?.tables;
  }

  /** Where the admin server listens; `undefined` without one. */
  get adminAddress(): Address | undefined {
    return this.#adminAddress;
  }

  /**
   * Where a listener listens.
   * @throws MeshError `NOT_STARTED` when there is no bound listener of that name.
   */
  address(name?: string): { readonly address: string; readonly port: number } {
    const found = this.#listeners.running.find(({ source }) => name === undefined || source.config.name === name);
    const address = found?.listener.addresses[0];
    if (address === undefined) throw new MeshError('NOT_STARTED', `no bound listener ${name ?? ''}`);
    return 'path' in address ? { address: address.path, port: -1 } : address;
  }

  /** Called when the admin server is told `/quitquitquit`. */
  onQuit(callback: () => void): void {
    this.#onQuit = callback;
  }

  /**
   * Opens every access log and event log again, after a rotation has moved them away; `/reopen_logs` does the same. A file
   * that cannot be opened is told in the log and goes on with the old one.
   */
  async reopenLogs(): Promise<void> {
    try {
      await this.#logFiles.reopen();
    } catch (error) {
      this.#logger.log('error', 'main', (error as Error).message);
    }
  }

  /** Called when the admin server is told `/reopen_logs`, for logs that are not the proxy's own. */
  onReopenLogs(callback: () => void): void {
    this.#onReopen = callback;
  }

  #isDraining(config: ListenerConfig): boolean {
    return this.#drains.covers(config) || (this.#health.healthFailed && config.drainType === 'DEFAULT');
  }

  /**
   * Stops accepting, lets every request in flight finish (responses carry `connection: close`, HTTP/2 clients get GOAWAY
   * at once), closes what is idle;
   * resolves when no connection is left, or at the end of the drain time, when the rest is cut. Calling it again
   * gives the same promise.
   */
  drain(): Promise<void> {
    this.#state = 'DRAINING';
    return this.#drains.all();
  }

  /** Ends everything at once: listeners, connections, discoveries, admin server. */
  async close(): Promise<void> {
    this.#state = 'DRAINING';
    this.#closed = true;
    this.#listeners.cut();
    this.#taps.close();
    const sinks = this.#flush.close();
    if (sinks !== undefined) await sinks;
    this.#runtime.close();
    await this.#listeners.close();
    // Last entries and spans may go to a cluster.
    await this.#closings.all(this.#clock);
    this.#releaseBuilt();
    this.#clusters.close();
    this.#wheel.close();
    await this.#admin?.server.close();
    await this.#admin?.logs?.close();
    this.#admin = undefined;
    await this.#logFiles.close();
  }
}
