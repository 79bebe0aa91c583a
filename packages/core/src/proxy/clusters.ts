/** The clusters of a proxy from their config: transports, discovery, host set. */
import type { Clock, RandomSource } from '../api/clock.ts';
import type { Discovery } from '../api/discovery.ts';
import { clusterSettings, clusterTransports, staticEndpoints } from '../config/build.ts';
import type { ClusterConfig } from '../config/cluster.ts';
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
}

/** A cluster and what tells it its hosts, not started yet. */
export interface BuiltCluster {
  readonly cluster: Cluster;
  readonly discovery: Discovery;
}

/** @throws MeshError `CONFIG_INVALID` when no extension serves the cluster's type. */
export function buildCluster(config: ClusterConfig, parts: ClusterParts): BuiltCluster {
  const { stats, wheel, random, runtime, openings } = parts;
  const scope = stats.scope('');
  const plain = clusterSettings(config);
  const settings = { ...plain, ...transportsOf(config, plain.statName, parts) };
  const cluster = new Cluster(settings, config.type.toLowerCase(), scope, wheel, random, undefined, runtime);
  const discovery = openings.add(discoveryOf(config, cluster, parts));
  return { cluster, discovery };
}

function transportsOf(config: ClusterConfig, statName: string, parts: ClusterParts) {
  const { stats, wheel, logger, certificates, openings } = parts;
  const scope = stats.scope(`cluster.${statName}.`);
  const make = (socket: Parameters<typeof clientTransport>[0]): ClientTransport | undefined =>
    openings.add(clientTransport(socket, { wheel, logger, certificates, scope }));
  return clusterTransports(config, make);
}

function discoveryOf(config: ClusterConfig, cluster: Cluster, parts: ClusterParts): Discovery {
  const { registry, clock, stats, random, logger } = parts;
  if (config.type === 'STATIC') return { start: async () => cluster.update(staticEndpoints(config)), close: () => {} };
  const definition = registry.discovery(config.type);
  if (definition === undefined) {
    const message = `cluster ${config.name}: no extension serves type ${config.type}; pass extensions: [...standard]`;
    throw new MeshError('CONFIG_INVALID', message);
  }
  return definition.create({
    clusterName: config.name,
    config: config as never,
    clock,
    random,
    stats: stats.scope(`cluster.${cluster.settings.statName}.`),
    log: (level, message) => logger.log(level, 'upstream', `cluster ${config.name}: ${message}`),
    publish: (endpoints) => cluster.update(endpoints),
  });
}
