/** The clusters of a proxy from their config: transports, discovery, host set. */

import type { Clock, RandomSource } from '../api/clock.ts';
import type { Locality } from '../api/cluster.ts';
import type { Discovery } from '../api/discovery.ts';
import type { DnsResolverSettings } from '../api/dns.ts';
import type { ClusterMonitorContext } from '../api/health.ts';
import type { LocalCluster } from '../api/load-balancer.ts';
import type { LogFiles } from '../api/observer.ts';
import type { Clusters } from '../api/upstream.ts';
import { buildBalancer } from '../balancer-build.ts';
import { assignmentPolicy, clusterSettings, clusterTransports, staticEndpoints } from '../config/build.ts';
import type { ClusterConfig } from '../config/cluster.ts';
import { typeName } from '../config/cluster-type.ts';
import { balancingOf, panicThresholdOf } from '../config/load-balancing.ts';
import type { DiscoveryDefinition } from '../define/index.ts';
import { MeshError } from '../errors.ts';
import type { CertificateRegistry } from '../net/tls/certificate-registry.ts';
import { clientTransport } from '../net/tls/client-transport.ts';
import type { ClientTransport } from '../net/transport.ts';
import type { Registry } from '../registry.ts';
import type { LayeredRuntime } from '../runtime/layered-runtime.ts';
import type { LevelLogger } from '../runtime/log.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import { clusterManagerStats, type Scope, type StatsStore } from '../stats/index.ts';
import { Cluster } from '../upstream/cluster.ts';
import type { ManagedCluster } from '../upstream/cluster-manager.ts';
import type { UpstreamHost } from '../upstream/host.ts';
import type { UpdateMergeParts } from '../upstream/update-merge.ts';
import { chosenBalancer, discoveryDefinition } from './cluster-type.ts';
import { Openings } from './openings.ts';
import type { ResourceSource } from './resource-source.ts';

/** What every cluster of a proxy is built with. */
export interface ClusterParts {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly stats: Pick<StatsStore, 'scope'>;
  readonly wheel: TimerWheel;
  readonly random: RandomSource;
  readonly runtime: LayeredRuntime;
  readonly logger: LevelLogger;
  readonly certificates: CertificateRegistry;
  /** Every cluster of the proxy. */
  readonly clusters: Clusters;
  /** The bootstrap's; `undefined` is the system's. */
  readonly dnsResolver: DnsResolverSettings | undefined;
  /** Where the proxy runs. */
  readonly locality: Locality | undefined;
  /** The cluster that the proxy is a member of. */
  readonly local: LocalCluster | undefined;
  /** `cluster_manager.outlier_detection.event_log_path`. */
  readonly outlierEventLogPath?: string | undefined;
  /** Where event logs are written. */
  readonly files: LogFiles;
}

/** A cluster and what tells it its hosts, not started yet. */
export interface BuiltCluster extends ManagedCluster {
  readonly source: ResourceSource<ClusterConfig>;
}

/** @throws MeshError `CONFIG_INVALID` when no extension serves the cluster's type or its policy. */
export function buildCluster(source: ResourceSource<ClusterConfig>, shared: ClusterParts): BuiltCluster {
  const openings = new Openings();
  const scope = shared.stats.scope('');
  const release = () => {
    openings.close();
    scope.close();
  };
  try {
    const built = build(source.config, { ...shared, openings, stats: scope, rootStats: shared.stats.scope('') });
    built.cluster.addedViaApi = source.addedViaApi;
    return { ...built, source, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** What is built with parts that the cluster has for itself. */
interface OwnParts extends Omit<ClusterParts, 'stats'> {
  readonly openings: Openings;
  readonly stats: Scope;
  /** What is counted here outlives the cluster. */
  readonly rootStats: Scope;
}

function build(given: ClusterConfig, parts: OwnParts): { readonly cluster: Cluster; readonly discovery: Discovery } {
  const definition = discoveryDefinition(given, parts.registry);
  const prepared = definition?.prepare?.(given as never, given.clusterType?.config as never);
  const config = (prepared as ClusterConfig | undefined) ?? given;
  const { stats, wheel, random, runtime, locality } = parts;
  const scope = stats.scope('');
  const plain = clusterSettings(config);
  const settings = { ...plain, ...transportsOf(config, plain.statName, parts) };
  const cluster = new Cluster(settings, typeName(config), {
    scope,
    wheel,
    random,
    runtime,
    locality,
    merging: mergingOf(config, parts),
  });
  const discovery = discoveryOf(config, definition, cluster, parts);
  try {
    cluster.useBalancer(chosenBalancer(config, discovery, () => balancerOf(config, settings.statName, parts)));
    cluster.names = discovery.names;
    addMonitors(config, cluster, parts);
  } catch (error) {
    discovery.close();
    cluster.close();
    throw error;
  }
  return { cluster, discovery };
}

/** Counted with those of all clusters. */
function mergingOf({ commonLbConfig }: ClusterConfig, { stats, wheel }: OwnParts): UpdateMergeParts {
  const windowMs = commonLbConfig?.updateMergeWindowMs ?? 0;
  return { windowMs, stats: clusterManagerStats(stats.scope('cluster_manager.')), wheel };
}

function balancerOf(config: ClusterConfig, statName: string, parts: OwnParts) {
  const { registry, random, wheel, runtime, stats, local } = parts;
  return buildBalancer(balancingOf(config, registry), {
    registry,
    clusterName: config.name,
    random,
    wheel,
    runtime,
    scope: stats.scope(`cluster.${statName}.`),
    healthyPanicThreshold: panicThresholdOf(config),
    // As in Envoy, the proxies' own cluster is not balanced by where they are.
    local: local?.name === config.name ? undefined : local,
  });
}

/** Whatever watches the cluster's hosts; a definition that has nothing to do here answers `undefined`. */
function addMonitors(config: ClusterConfig, cluster: Cluster, parts: OwnParts): void {
  const { registry, clock, wheel, random, runtime, stats, logger } = parts;
  const context: ClusterMonitorContext = {
    clusterName: config.name,
    config,
    clock,
    timers: wheel,
    random,
    runtime,
    stats: stats.scope(`cluster.${cluster.settings.statName}.`),
    outlierEventLogPath: parts.outlierEventLogPath ?? '',
    files: parts.files,
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
    client: (host, protocol, options) => cluster.clientForCheck(host, protocol, options),
    isSecure: (host) => (host as UpstreamHost).transport?.readyEvent === 'secureConnect',
  };
  let checked = false;
  for (const definition of registry.monitors()) {
    const monitor = definition.create(context as ClusterMonitorContext<never>);
    if (monitor === undefined) continue;
    cluster.addMonitor(monitor);
    checked ||= monitor.checksHosts === true;
  }
  if (checked || config.healthChecks.length === 0) return;
  // Without anybody who asks them its hosts would never be found healthy.
  const message = `cluster ${config.name}: no extension serves health_checks; pass extensions: [...standard]`;
  throw new MeshError('CONFIG_INVALID', message);
}

function transportsOf(config: ClusterConfig, statName: string, parts: OwnParts) {
  const { stats, wheel, logger, certificates, openings } = parts;
  const scope = stats.scope(`cluster.${statName}.`);
  const make = (socket: Parameters<typeof clientTransport>[0]): ClientTransport | undefined =>
    openings.add(clientTransport(socket, { wheel, logger, certificates, scope }));
  return clusterTransports(config, make);
}

function discoveryOf(
  config: ClusterConfig,
  definition: DiscoveryDefinition | undefined,
  cluster: Cluster,
  parts: OwnParts,
): Discovery {
  const { clock, wheel, runtime, stats, random, logger, clusters, dnsResolver } = parts;
  if (definition === undefined) {
    return { start: async () => cluster.update(staticEndpoints(config), assignmentPolicy(config)), close: () => {} };
  }
  return definition.create({
    clusterName: config.name,
    config: config as never,
    typeConfig: config.clusterType?.config as never,
    clock,
    timers: wheel,
    random,
    runtime,
    stats: stats.scope(`cluster.${cluster.settings.statName}.`),
    rootStats: parts.rootStats,
    clusters,
    dnsResolver,
    log: (level, message) => logger.log(level, 'upstream', `cluster ${config.name}: ${message}`),
    publish: (endpoints, policy = assignmentPolicy(config)) => cluster.update(endpoints, policy),
    host: (identity) => cluster.hostOf(identity),
  });
}
