/** The clusters of a proxy from their config: transports, discovery, host set. */
import type { Clock, RandomSource } from '../api/clock.ts';
import type { Locality } from '../api/cluster.ts';
import type { Discovery } from '../api/discovery.ts';
import type { ClusterMonitorContext } from '../api/health.ts';
import type { LocalCluster } from '../api/load-balancer.ts';
import type { Clusters } from '../api/upstream.ts';
import { buildBalancer } from '../balancer-build.ts';
import { clusterSettings, clusterTransports, staticEndpoints } from '../config/build.ts';
import type { ClusterConfig } from '../config/cluster.ts';
import { balancingOf } from '../config/load-balancing.ts';
import { MeshError } from '../errors.ts';
import type { CertificateRegistry } from '../net/tls/certificate-registry.ts';
import { clientTransport } from '../net/tls/client-transport.ts';
import type { ClientTransport } from '../net/transport.ts';
import type { Registry } from '../registry.ts';
import type { LayeredRuntime } from '../runtime/layered-runtime.ts';
import type { LevelLogger } from '../runtime/log.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { StatsStore } from '../stats/index.ts';
import { Cluster } from '../upstream/cluster.ts';
import type { Openings } from './openings.ts';

/** What every cluster of a proxy is built with. */
export interface ClusterParts {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly stats: StatsStore;
  readonly wheel: TimerWheel;
  readonly random: RandomSource;
  readonly runtime: LayeredRuntime;
  readonly logger: LevelLogger;
  readonly certificates: CertificateRegistry;
  readonly openings: Openings;
  /** Every cluster of the proxy. */
  readonly clusters: Clusters;
  /** Where the proxy runs. */
  readonly locality: Locality | undefined;
  /** The cluster that the proxy is a member of. */
  readonly local: LocalCluster | undefined;
}

/** A cluster and what tells it its hosts, not started yet. */
export interface BuiltCluster {
  readonly cluster: Cluster;
  readonly discovery: Discovery;
}

/** @throws MeshError `CONFIG_INVALID` when no extension serves the cluster's type or its policy. */
export function buildCluster(config: ClusterConfig, parts: ClusterParts): BuiltCluster {
  const { stats, wheel, random, runtime, openings, locality } = parts;
  const scope = stats.scope('');
  const plain = clusterSettings(config);
  const settings = { ...plain, ...transportsOf(config, plain.statName, parts) };
  const cluster = new Cluster(settings, config.type.toLowerCase(), { scope, wheel, random, runtime, locality });
  const discovery = openings.add(discoveryOf(config, cluster, parts));
  cluster.useBalancer(discovery.balancer ?? balancerOf(config, settings.statName, parts));
  addMonitors(config, cluster, parts);
  return { cluster, discovery };
}

function balancerOf(config: ClusterConfig, statName: string, parts: ClusterParts) {
  const { registry, random, wheel, runtime, stats, local } = parts;
  return buildBalancer(balancingOf(config), {
    registry,
    clusterName: config.name,
    random,
    wheel,
    runtime,
    scope: stats.scope(`cluster.${statName}.`),
    healthyPanicThreshold: 50,
    local,
  });
}

/** Whatever watches the cluster's hosts; a definition that has nothing to do here answers `undefined`. */
function addMonitors(config: ClusterConfig, cluster: Cluster, parts: ClusterParts): void {
  const { registry, clock, wheel, random, runtime, stats, logger } = parts;
  const context: ClusterMonitorContext = {
    clusterName: config.name,
    config,
    clock,
    timers: wheel,
    random,
    runtime,
    stats: stats.scope(`cluster.${cluster.settings.statName}.`),
    log: (level, message) => logger.log(level, 'health', `cluster ${config.name}: ${message}`),
    hosts: () => cluster.hosts,
    setHealth: (host, flags, on) => cluster.setHealth(host, flags, on),
    noteRecovered: (host) => cluster.noteRecovered(host),
    attach: (host, parts) => cluster.attach(host, parts),
    get everUsed() {
      return cluster.stats.upstream_cx_total.value > 0;
    },
    closeConnections: (host) => cluster.closeConnections(host),
    connect: (host, user, options) => cluster.connectForCheck(host, user, options),
  };
  for (const definition of registry.monitors()) {
    const monitor = definition.create(context as ClusterMonitorContext<never>);
    if (monitor !== undefined) cluster.addMonitor(monitor);
  }
}

function transportsOf(config: ClusterConfig, statName: string, parts: ClusterParts) {
  const { stats, wheel, logger, certificates, openings } = parts;
  const scope = stats.scope(`cluster.${statName}.`);
  const make = (socket: Parameters<typeof clientTransport>[0]): ClientTransport | undefined =>
    openings.add(clientTransport(socket, { wheel, logger, certificates, scope }));
  return clusterTransports(config, make);
}

function discoveryOf(config: ClusterConfig, cluster: Cluster, parts: ClusterParts): Discovery {
  const { registry, clock, wheel, runtime, stats, random, logger, clusters } = parts;
  if (config.type === 'STATIC') {
    return { start: async () => cluster.update(staticEndpoints(config)), close: () => {} };
  }
  const definition = registry.discovery(config.type);
  if (definition === undefined) {
    const message = `cluster ${config.name}: no extension serves type ${config.type}; pass extensions: [...standard]`;
    throw new MeshError('CONFIG_INVALID', message);
  }
  return definition.create({
    clusterName: config.name,
    config: config as never,
    clock,
    timers: wheel,
    random,
    runtime,
    stats: stats.scope(`cluster.${cluster.settings.statName}.`),
    clusters,
    log: (level, message) => logger.log(level, 'upstream', `cluster ${config.name}: ${message}`),
    publish: (endpoints, policy) => cluster.update(endpoints, policy),
    host: (identity) => cluster.hostOf(identity),
  });
}
