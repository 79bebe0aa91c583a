/** The cluster of a simulation: built as a proxy builds it, but for its connections. */
import {
  type Clock,
  type ClusterConfig,
  createLogger,
  type Extension,
  type Locality,
  openLogFile,
  type RandomSource,
} from '@mesh/core';
import {
  buildCluster,
  CertificateRegistry,
  type Cluster,
  LayeredRuntime,
  Registry,
  runtimeStats,
  StatsStore,
  TimerWheel,
  withLevels,
} from '@mesh/core/engine';
import { connectForCheck, SimCheckClient } from './sim-checks.ts';
import type { FindHost } from './sim-host.ts';

/** What a simulation builds its clusters with. */
export interface SimClusterParts {
  readonly extensions: readonly Extension[];
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly locality: Locality | undefined;
  readonly find: FindHost;
}

/** The clusters of one simulation. */
export class SimClusters {
  readonly store = new StatsStore();
  private readonly parts: SimClusterParts;
  private readonly wheel: TimerWheel;
  private readonly registry: Registry;
  private readonly built: ReturnType<typeof buildCluster>[] = [];

  constructor(parts: SimClusterParts) {
    this.parts = parts;
    this.registry = new Registry(parts.extensions);
    this.wheel = new TimerWheel(parts.clock, (error) => {
      throw error;
    });
  }

  /** A cluster that has its hosts; `local` is the one that the proxy is a member of. */
  async add(config: ClusterConfig, local: Cluster | undefined): Promise<Cluster> {
    const { clock, random, locality, find } = this.parts;
    const runtime = new LayeredRuntime({
      layers: [],
      serviceCluster: '',
      metrics: runtimeStats(this.store.scope('runtime.')),
      onError: () => {},
    });
    const built = buildCluster(
      { config, raw: () => ({}), version: '', lastUpdated: new Date(0), addedViaApi: false },
      {
        registry: this.registry,
        clock,
        stats: this.store,
        wheel: this.wheel,
        random,
        runtime,
        logger: withLevels(createLogger({ level: 'error' })),
        certificates: new CertificateRegistry(),
        clusters: { get: () => undefined },
        dnsResolver: undefined,
        files: { open: openLogFile },
        locality,
        local: local && { name: local.name, sets: () => local.sets, watch: (changed) => local.watch(changed) },
      },
    );
    this.built.push(built);
    const { cluster } = built;
    const checks = { checks: config.healthChecks, find, clock };
    cluster.clientForCheck = (host) => new SimCheckClient(host, checks);
    cluster.connectForCheck = (host, user) => connectForCheck(host, user, checks);
    await built.discovery.start();
    return cluster;
  }

  /** The value of a counter or gauge. */
  stat(name: string): number | undefined {
    return [...this.store.counters(), ...this.store.gauges()].find((metric) => metric.name === name)?.value;
  }

  close(): void {
    for (const { cluster, discovery, release } of this.built) {
      discovery.close();
      cluster.close();
      release();
    }
    this.wheel.close();
  }
}
