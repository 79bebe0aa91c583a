/** A whole proxy: config in, listeners, clusters and admin server out; start, drain, close. */
import type { DrainOptions, JsonObject, ServerState } from './admin/index.ts';
import { AdminServer } from './admin/index.ts';
import type { Clock, RandomSource } from './api/clock.ts';
import type { BootstrapConfig } from './config/bootstrap.ts';
import { listenAddress } from './config/build.ts';
import type { HttpConnectionManagerConfig } from './config/http-connection-manager.ts';
import type { ListenerConfig } from './config/listener.ts';
import type { ConfigPlaces } from './config/places.ts';
import { runtimeLayers } from './config/runtime.ts';
import { MeshError } from './errors.ts';
import { explain } from './explain/explain.ts';
import type { Explanation } from './explain/explanation.ts';
import type { ExplainRequest } from './explain/request.ts';
import { parseRequestJson } from './explain/request-json.ts';
import type { CompiledTables } from './listener-build.ts';
import { type Address, formatAddress } from './net/address.ts';
import { ConnectionLimits, type OpenConnections } from './net/connection-limits.ts';
import { CertificateRegistry } from './net/tls/certificate-registry.ts';
import { type BuiltCluster, buildCluster } from './proxy/clusters.ts';
import { configDump } from './proxy/config-dump.ts';
import { waitForConnections } from './proxy/drain.ts';
import {
  buildListener,
  connectionsOf,
  isInbound,
  type RunningListener,
  startDrain,
  stopListening,
} from './proxy/listeners.ts';
import { Openings } from './proxy/openings.ts';
import { updateServerStats } from './proxy/server-gauges.ts';
import { adminAddress, adminContext } from './proxy-admin.ts';
import type { Registry } from './registry.ts';
import { systemClock } from './runtime/clock.ts';
import { LayeredRuntime } from './runtime/layered-runtime.ts';
import { type LevelLogger, type Logger, withLevels } from './runtime/log.ts';
import { TimerWheel } from './runtime/timer-wheel.ts';
import {
  filesystemStats,
  listenerManagerStats,
  runtimeStats,
  type ServerStats,
  StatsStore,
  serverStats,
} from './stats/index.ts';
import { ClusterManager } from './upstream/cluster-manager.ts';
import { versionText } from './version.ts';

/** Everything that a proxy is made of, already checked. */
export interface ProxyParts {
  readonly bootstrap: BootstrapConfig;
  /** The config as it was written (v3 JSON form), for `/config_dump`. */
  readonly raw: JsonObject;
  /** Where the parts of the config stand in files; absent when it was made in code. */
  readonly places?: ConfigPlaces | undefined;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly clock?: Clock | undefined;
  readonly random?: RandomSource | undefined;
  /** How long `drain` waits for requests in flight. Default 600 000, Envoy's `--drain-time-s`. */
  readonly drainTimeMs?: number | undefined;
  readonly commandLineOptions?: JsonObject | undefined;
  readonly node?: { readonly id?: string; readonly cluster?: string; readonly zone?: string } | undefined;
}

/** `/explain` runs between requests: this many routes are told in about a millisecond. */
const MOST_EARLIER_ROUTES = 500;

/** A proxy made by `createProxy`. Nothing is bound or connected before {@link MeshProxy.start}. */
export class MeshProxy {
  /** Every metric of this proxy. */
  readonly stats = new StatsStore();
  readonly #parts: ProxyParts;
  readonly #logger: LevelLogger;
  readonly #wheel: TimerWheel;
  readonly #random: RandomSource;
  readonly #runtime: LayeredRuntime;
  readonly #clusters: ClusterManager;
  readonly #built: readonly BuiltCluster[];
  readonly #listeners: readonly RunningListener[];
  /** Of all listeners, for the limit over all. */
  readonly #open: OpenConnections = { count: 0 };
  readonly #certificates = new CertificateRegistry();
  readonly #openings = new Openings();
  readonly #serverStats: ServerStats;
  readonly #startedAt = Date.now();
  #admin: AdminServer | undefined = undefined;
  #adminAddress: Address | undefined = undefined;
  #state: ServerState = 'PRE_INITIALIZING';
  #draining: 'none' | 'inbound' | 'all' = 'none';
  #healthFailed = false;
  #stopFlush: (() => void) | undefined = undefined;
  #onQuit: (() => void) | undefined = undefined;
  #onReopen: (() => void) | undefined = undefined;
  #drained: Promise<void> | undefined = undefined;

  /** @internal Use `createProxy`. */
  constructor(parts: ProxyParts) {
    this.#parts = parts;
    this.#logger = withLevels(parts.logger);
    this.#random = parts.random ?? Math.random;
    const report = (error: unknown) => this.#logger.log('error', 'main', `timer failed: ${describe(error)}`);
    this.#wheel = new TimerWheel(parts.clock ?? systemClock, report);
    const root = this.stats.scope('');
    this.#clusters = new ClusterManager(root);
    this.#serverStats = serverStats(root.scope('server.'));
    this.#runtime = new LayeredRuntime({
      layers: runtimeLayers(parts.bootstrap),
      serviceCluster: parts.bootstrap.node.cluster || (parts.node?.cluster ?? ''),
      metrics: runtimeStats(root.scope('runtime.')),
      onError: (message) => this.#logger.log('error', 'runtime', message),
    });
    const { clusters, listeners } = parts.bootstrap.staticResources;
    try {
      const clusterParts = this.#clusterParts();
      this.#built = clusters.map((config) => buildCluster(config, clusterParts));
      this.#listeners = listeners.map((config) => this.#makeListener(config));
    } catch (error) {
      this.#openings.close();
      this.#wheel.close();
      throw error;
    }
    // Registered although nothing counts them yet, so that dashboards made for Envoy find them.
    filesystemStats(root.scope('filesystem.'));
    const managers = listenerManagerStats(root.scope('listener_manager.'));
    managers.listener_added.add(listeners.length);
    managers.listener_create_success.add(listeners.length);
  }

  #clusterParts() {
    return {
      registry: this.#parts.registry,
      clock: this.#parts.clock ?? systemClock,
      stats: this.stats,
      wheel: this.#wheel,
      random: this.#random,
      runtime: this.#runtime,
      logger: this.#logger,
      certificates: this.#certificates,
      openings: this.#openings,
      clusters: this.#clusters,
      locality: this.#parts.bootstrap.node.locality,
      local: undefined,
    };
  }

  #makeListener(config: ListenerConfig): RunningListener {
    const limits = new ConnectionLimits(this.#runtime, config.name, this.#open, config.ignoreGlobalConnLimit);
    const { registry, bootstrap, node } = this.#parts;
    const parts = {
      registry,
      clusters: this.#clusters,
      wheel: this.#wheel,
      random: this.#random,
      runtime: this.#runtime,
      logger: this.#logger,
      rootScope: this.stats.scope(''),
      certificates: this.#certificates,
      openings: this.#openings,
      draining: () => this.#isDraining(config),
      node: { ...bootstrap.node, ...node },
    };
    return buildListener(config, parts, limits);
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
      await Promise.all(this.#built.map(({ cluster, discovery }) => this.#clusters.add(cluster, discovery)));
      for (const { listener } of this.#listeners) await listener.listen();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#state = 'LIVE';
    const managers = listenerManagerStats(this.stats.scope('listener_manager.'));
    managers.total_listeners_active.set(this.#listeners.length);
    managers.workers_started.set(1);
    this.#serverStats.live.set(1);
    this.#serverStats.concurrency.set(1);
    this.#serverStats.initialization_time_ms.record(Date.now() - this.#startedAt);
    this.#flushRegularly();
  }

  #flushRegularly(): void {
    const every = this.#parts.bootstrap.statsFlushIntervalMs;
    const flush = () => {
      this.#updateServerStats();
      this.stats.flush();
      this.#stopFlush = (this.#parts.clock ?? systemClock).schedule(flush, every);
    };
    this.#stopFlush = (this.#parts.clock ?? systemClock).schedule(flush, every);
    this.#updateServerStats();
  }

  #updateServerStats(): void {
    updateServerStats(this.#serverStats, {
      startedAt: this.#startedAt,
      connections: connectionsOf(this.#listeners),
      daysUntilFirstExpiry: this.#certificates.daysUntilFirstExpiry(Date.now()) ?? 0,
      state: this.#state,
    });
  }

  async #startAdmin(): Promise<void> {
    const { bootstrap, registry } = this.#parts;
    if (bootstrap.admin?.address === undefined) return;
    const admin = new AdminServer(adminContext(this.#adminSource()), {
      onError: (error) => this.#logger.log('error', 'admin', describe(error)),
      scope: this.stats.scope(''),
    });
    this.#admin = admin;
    const bound = await admin.listen(adminAddress(listenAddress(bootstrap.admin.address)));
    this.#adminAddress = 'path' in bound ? { path: bound.path } : { address: bound.host, port: bound.port };
    this.#logger.log(
      'info',
      'main',
      `admin address: ${formatAddress(this.#adminAddress)}; ${registry.all().length} extensions`,
    );
  }

  #adminSource() {
    const { bootstrap, commandLineOptions = {}, node = {} } = this.#parts;
    return {
      store: this.stats,
      runtime: this.#runtime,
      version: versionText(),
      startedAt: this.#startedAt,
      commandLineOptions,
      node: {
        id: bootstrap.node.id || (node.id ?? ''),
        cluster: bootstrap.node.cluster || (node.cluster ?? ''),
        locality: {
          region: bootstrap.node.locality?.region ?? '',
          zone: bootstrap.node.locality?.zone || (node.zone ?? ''),
          sub_zone: bootstrap.node.locality?.subZone ?? '',
        },
        metadata: bootstrap.node.metadata as JsonObject,
        user_agent_name: 'mesh',
      },
      logging: this.#logger,
      state: () => (this.#healthFailed && this.#state === 'LIVE' ? 'DRAINING' : this.#state),
      clusters: () => this.#clusters.all(),
      listeners: () =>
        this.#listeners.map(({ listener }) => ({ name: listener.settings.name, addresses: listener.addresses })),
      certificates: () => this.#certificates.list(),
      configDump: () => configDump(this.#parts.raw, this.#startedAt),
      drainListeners: (options: DrainOptions) => {
        void this.#drainListeners(options);
      },
      healthcheck: (fail: boolean) => {
        this.#healthFailed = fail;
      },
      explain: (body: string) => this.explain(parseRequestJson(body)),
      quit: () => this.#onQuit?.(),
      reopenLogs: () => this.#onReopen?.(),
    };
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
    return explain(
      {
        bootstrap,
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
    for (const { build } of this.#listeners) {
      const tables = build.tables.get(manager);
      if (tables !== undefined) return tables;
    }
    return undefined;
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
    const found = this.#listeners.find(({ config }) => name === undefined || config.name === name);
    const address = found?.listener.addresses[0];
    if (address === undefined) throw new MeshError('NOT_STARTED', `no bound listener ${name ?? ''}`);
    return 'path' in address ? { address: address.path, port: -1 } : address;
  }

  /** Called when the admin server is told `/quitquitquit`. */
  onQuit(callback: () => void): void {
    this.#onQuit = callback;
  }

  /** Called when the admin server is told `/reopen_logs`. */
  onReopenLogs(callback: () => void): void {
    this.#onReopen = callback;
  }

  #isDraining(config: ListenerConfig): boolean {
    if (this.#draining === 'all' || (this.#draining === 'inbound' && isInbound(config))) return true;
    return this.#healthFailed && config.drainType === 'DEFAULT';
  }

  async #drainListeners({ graceful, skipExit, inboundOnly }: DrainOptions): Promise<void> {
    const listeners = this.#listeners.filter(({ config }) => !inboundOnly || isInbound(config));
    if (graceful) {
      if (this.#draining !== 'all') this.#draining = inboundOnly ? 'inbound' : 'all';
      startDrain(listeners);
      if (skipExit) return;
      await this.#waitForConnections(listeners);
    }
    await stopListening(listeners);
  }

  /**
   * Stops accepting, lets every request in flight finish (responses carry `connection: close`, HTTP/2 clients get GOAWAY
   * at once), closes what is idle;
   * resolves when no connection is left, or at the end of the drain time, when the rest is cut. Calling it again
   * gives the same promise.
   */
  drain(): Promise<void> {
    this.#drained ??= this.#drainAll();
    return this.#drained;
  }

  async #drainAll(): Promise<void> {
    this.#state = 'DRAINING';
    this.#draining = 'all';
    await stopListening(this.#listeners);
    startDrain(this.#listeners);
    await this.#waitForConnections(this.#listeners);
    for (const { listener } of this.#listeners) listener.destroyConnections();
  }

  #waitForConnections(listeners: readonly RunningListener[]): Promise<void> {
    return waitForConnections(listeners, this.#parts.drainTimeMs ?? 600_000, this.#wheel);
  }

  /** Ends everything at once: listeners, connections, discoveries, admin server. */
  async close(): Promise<void> {
    this.#state = 'DRAINING';
    this.#stopFlush?.();
    await stopListening(this.#listeners);
    for (const { listener } of this.#listeners) listener.destroyConnections();
    this.#runtime.close();
    this.#clusters.close();
    await Promise.all(this.#listeners.map(({ listener }) => listener.whenEmpty()));
    this.#openings.close();
    this.#wheel.close();
    await this.#admin?.close();
    this.#admin = undefined;
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
