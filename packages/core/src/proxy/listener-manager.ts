/**
 * All listeners of a proxy, and how they are replaced while it runs. Invariant: an address that stays in use is bound all
 * the time; the listener that had it hands the socket over and only then drains.
 */
import type { ListenerConfig } from '../config/listener.ts';
import { MeshError } from '../errors.ts';
import type { BuiltChain } from '../listener-build.ts';
import { formatAddress } from '../net/address.ts';
import { ConnectionLimits, type OpenConnections } from '../net/connection-limits.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import { type ListenerManagerStats, listenerManagerStats } from '../stats/index.ts';
import {
  buildListener,
  currentConfig,
  differsInChainsOnly,
  isInbound,
  type ListenerParts,
  type RunningListener,
} from './listeners.ts';
import type { ResourceSource } from './resource-source.ts';

/** What all listeners need of their proxy. */
export interface ListenerManagerParts {
  readonly shared: ListenerParts;
  readonly wheel: TimerWheel;
  /** How long connections of a listener, or of a filter chain, that is gone may last. */
  readonly drainTimeMs: number;
  /** Whether responses on this listener must carry `connection: close`. */
  draining(config: ListenerConfig): boolean;
}

/** Something whose connections are to end: a whole listener, or chains of one that goes on. */
interface Draining {
  readonly running: RunningListener;
  readonly chains: readonly BuiltChain[];
  readonly whole: boolean;
}

export class ListenerManager {
  private readonly parts: ListenerManagerParts;
  private readonly stats: ListenerManagerStats;
  /** Of all listeners, for the limit over all. */
  private readonly open: OpenConnections = { count: 0 };
  private list: readonly RunningListener[] = [];
  private binding: RunningListener | undefined = undefined;
  private readonly leaving = new Set<Draining>();
  private started = false;
  private closed = false;

  constructor(parts: ListenerManagerParts) {
    this.parts = parts;
    this.stats = listenerManagerStats(parts.shared.rootScope.scope('listener_manager.'));
  }

  /** Those that accept connections, or will once the proxy has started. */
  get running(): readonly RunningListener[] {
    return this.list;
  }

  /** Those that still have connections, also if they accept none any more. */
  get withConnections(): readonly RunningListener[] {
    return [...this.list, ...this.drained()];
  }

  /** Listeners that are gone but for their connections. */
  drained(): RunningListener[] {
    return [...this.leaving].flatMap(({ running, whole }) => (whole ? [running] : []));
  }

  /** Those whose routes matter: also the one that is about to be bound. */
  get routing(): readonly RunningListener[] {
    return this.binding === undefined ? this.list : [...this.list, this.binding];
  }

  /** What is about to be bound. */
  get warming(): RunningListener | undefined {
    return this.binding;
  }

  find(name: string): RunningListener | undefined {
    return this.list.find(({ source }) => source.config.name === name);
  }

  /** A listener of the first config. @throws MeshError `CONFIG_INVALID` */
  addStatic(source: ResourceSource<ListenerConfig>): void {
    this.list = [...this.list, this.build(source)];
    this.stats.listener_added.inc();
    this.stats.listener_create_success.inc();
  }

  private build(source: ResourceSource<ListenerConfig>): RunningListener {
    const { config } = source;
    const { shared, draining } = this.parts;
    const runtime = shared.runtime as ConstructorParameters<typeof ConnectionLimits>[0];
    const limits = new ConnectionLimits(runtime, config.name, this.open, config.ignoreGlobalConnLimit);
    return buildListener(source, shared, limits, () => draining(config));
  }

  /** Binds all of them. @throws MeshError `LISTEN_FAILED` */
  async start(): Promise<void> {
    for (const { listener } of this.list) await listener.listen();
    this.started = true;
    this.stats.total_listeners_active.set(this.list.length);
    this.stats.workers_started.set(1);
  }

  /**
   * Adds a listener or puts it in the place of the one of its name. Resolves when it accepts connections.
   * @throws MeshError `CONFIG_INVALID`, `LISTEN_FAILED`; then everything is as before.
   */
  async put(source: ResourceSource<ListenerConfig>): Promise<void> {
    const before = this.find(source.config.name);
    this.refuseTakenAddress(source.config, before);
    if (before !== undefined && differsInChainsOnly(before.source.config, source.config)) {
      this.replaceChains(before, source);
      return;
    }
    const running = this.build(source);
    this.binding = running;
    this.stats.total_listeners_warming.set(1);
    try {
      await running.listener.listen(before?.listener);
    } catch (error) {
      this.stats.listener_create_failure.inc();
      release(running);
      throw error;
    } finally {
      this.binding = undefined;
      this.stats.total_listeners_warming.set(0);
    }
    if (this.closed) {
      await running.listener.stop();
      release(running);
      throw new MeshError('CLOSED', 'the proxy is closed');
    }
    this.stats.listener_create_success.inc();
    if (before === undefined) this.stats.listener_added.inc();
    else this.stats.listener_modified.inc();
    this.list =
      before === undefined ? [...this.list, running] : this.list.map((one) => (one === before ? running : one));
    this.stats.total_listeners_active.set(this.list.length);
    if (before !== undefined) this.drain({ running: before, chains: before.build.chains, whole: true });
  }

  /** Envoy's words. */
  private refuseTakenAddress(config: ListenerConfig, before: RunningListener | undefined): void {
    const wanted = addressesOf(config);
    for (const other of this.list) {
      if (other === before) continue;
      const taken = addressesOf(other.source.config).some((address) => wanted.includes(address));
      if (!taken) continue;
      const text = `error adding listener: '${config.name}' has duplicate address '${wanted.join(',')}' as existing listener`;
      const advice = `to check if the listener has duplicated addresses with other listeners or 'enable_reuse_port' is set to 'false' for the listener`;
      throw new MeshError('CONFIG_INVALID', `${text}, ${advice}`);
    }
  }

  /** The socket, and the connections of chains that stay the same, are not touched. */
  private replaceChains(running: RunningListener, source: ResourceSource<ListenerConfig>): void {
    const { chains } = running.build;
    const build = running.rebuild(source.config);
    running.source = source;
    running.build = build;
    running.listener.usePlan(build.plan);
    this.stats.listener_modified.inc();
    this.stats.listener_in_place_updated.inc();
    this.stats.listener_create_success.inc();
    const gone = chains.filter((chain) => !build.chains.includes(chain));
    if (gone.length > 0) this.drain({ running, chains: gone, whole: false });
  }

  /** Takes a listener away: it stops accepting at once, its connections drain. False when there is none. */
  async remove(name: string): Promise<boolean> {
    const running = this.find(name);
    if (running === undefined) return false;
    this.list = this.list.filter((one) => one !== running);
    this.stats.listener_removed.inc();
    this.stats.total_listeners_active.set(this.list.length);
    await running.listener.stop();
    this.drain({ running, chains: running.build.chains, whole: true });
    return true;
  }

  private drain(draining: Draining): void {
    const { running, chains, whole } = draining;
    const { listener } = running;
    for (const { drain, managers } of chains) {
      drain.on = true;
      for (const { manager } of managers) manager.startDrain();
    }
    const set = new Set(chains.map(({ chain }) => chain));
    this.leaving.add(draining);
    this.countDraining();
    const cut = () => (whole ? listener.destroyConnections() : listener.destroyOn(set));
    const timer = this.parts.wheel.after(this.parts.drainTimeMs, cut);
    void (whole ? listener.whenEmpty() : listener.whenGone(set)).then(() => {
      timer.cancel();
      this.leaving.delete(draining);
      this.countDraining();
      for (const chain of chains) chain.release();
      if (!whole) return;
      running.closeLogs();
      running.release();
    });
  }

  private countDraining(): void {
    let listeners = 0;
    let chains = 0;
    for (const draining of this.leaving) {
      if (draining.whole) listeners++;
      else chains += draining.chains.length;
    }
    this.stats.total_listeners_draining.set(listeners);
    this.stats.total_filter_chains_draining.set(chains);
  }

  /** Whether `inboundOnly` leaves a listener out. */
  chosen(inboundOnly: boolean): readonly RunningListener[] {
    return this.list.filter(({ source }) => !inboundOnly || isInbound(source.config));
  }

  /** With the route tables in force. */
  configs(): ListenerConfig[] {
    return this.list.map(currentConfig);
  }

  /** Stops accepting and ends every connection. */
  cut(): void {
    for (const { listener } of this.withConnections) {
      void listener.stop();
      listener.destroyConnections();
    }
  }

  /**
   * As `cut`; resolves when no connection is left, and gives back what the listeners hold but their statistics, which can
   * still be read when the proxy is closed.
   */
  async close(): Promise<void> {
    this.closed = true;
    this.cut();
    await Promise.all(this.withConnections.map(({ listener }) => listener.whenEmpty()));
    for (const { build, closeLogs } of this.list) {
      closeLogs();
      for (const chain of build.chains) chain.release();
    }
  }

  /** False before `start`. */
  get isStarted(): boolean {
    return this.started;
  }
}

function release(running: RunningListener): void {
  running.closeLogs();
  for (const chain of running.build.chains) chain.release();
  running.release();
}

function addressesOf({ address, additionalAddresses }: ListenerConfig): string[] {
  return [address, ...additionalAddresses.map((one) => one.address)].flatMap(({ socketAddress, pipe }) => {
    if (pipe !== undefined) return [pipe.path];
    const port = socketAddress?.portValue ?? 0;
    // The system chooses another port for each.
    if (socketAddress === undefined || port === 0) return [];
    return [formatAddress({ address: socketAddress.address, port })];
  });
}
