/** The proxy as its admin server sees it. */
import type {
  AdminAddress,
  AdminContext,
  ClusterSnapshot,
  ConfigDump,
  DrainOptions,
  HealthFlag,
  HostSnapshot,
  JsonObject,
  ListenerSnapshot,
  LoggingControl,
  ServerInfo,
  ServerState,
  TapsControl,
  UnreadyTargets,
} from './admin/index.ts';
import type { Explanation } from './explain/explanation.ts';
import { ExplainError } from './explain/request.ts';
import type { Address } from './net/address.ts';
import type { ContextCertificates } from './net/tls/certificate-registry.ts';
import type { LayeredRuntime } from './runtime/layered-runtime.ts';
import type { StatsStore } from './stats/index.ts';
import type { Cluster } from './upstream/cluster.ts';
import { flagNames } from './upstream/health-flags.ts';
import type { UpstreamHost } from './upstream/host.ts';
import type { Thresholds } from './upstream/settings.ts';

/** What the admin server needs of the proxy itself. */
export interface AdminSource {
  readonly store: StatsStore;
  /** Called before the stats are shown. */
  beforeStats(): void;
  readonly runtime: LayeredRuntime;
  readonly version: string;
  readonly startedAt: number;
  readonly commandLineOptions: JsonObject;
  readonly node: JsonObject;
  readonly logging: LoggingControl;
  readonly taps: TapsControl;
  state(): ServerState;
  clusters(): readonly Cluster[];
  listeners(): readonly { readonly name: string; readonly addresses: readonly Address[] }[];
  certificates(): readonly ContextCertificates[];
  unready(): readonly UnreadyTargets[];
  configDump(options: { readonly endpoints: boolean }): ConfigDump;
  drainListeners(options: DrainOptions): void;
  healthcheck(fail: boolean): void;
  explain(body: string): Explanation;
  quit(): void;
  reopenLogs(): void;
}

/** Builds the context of the admin server. */
export function adminContext(source: AdminSource): AdminContext {
  const { runtime } = source;
  return {
    runtime: {
      snapshot: () => runtime.snapshot(),
      ...(runtime.hasAdminLayer && { override: (values: ReadonlyMap<string, string>) => runtime.override(values) }),
    },
    stats: () => {
      source.beforeStats();
      return source.store;
    },
    serverInfo: () => serverInfo(source),
    clusters: () => clusterSnapshots([...source.clusters()]),
    listeners: () => source.listeners().map(listenerSnapshot),
    certificates: () => source.certificates(),
    unready: () => source.unready(),
    configDump: (options) => source.configDump(options),
    drainListeners: (options) => source.drainListeners(options),
    healthcheckFail: () => source.healthcheck(true),
    healthcheckOk: () => source.healthcheck(false),
    explain: (body) => explained(source, body),
    quit: () => source.quit(),
    resetCounters: () => source.store.resetCounters(),
    logging: source.logging,
    taps: source.taps,
    reopenLogs: () => source.reopenLogs(),
  };
}

function explained(source: AdminSource, body: string): ReturnType<AdminContext['explain']> {
  try {
    return { explanation: source.explain(body) };
  } catch (error) {
    if (error instanceof ExplainError) return { problem: error.message };
    throw error;
  }
}

function serverInfo(source: AdminSource): ServerInfo {
  const uptime = Math.floor((Date.now() - source.startedAt) / 1000);
  return {
    version: source.version,
    state: source.state(),
    uptimeCurrentEpochS: uptime,
    uptimeAllEpochsS: uptime,
    commandLineOptions: source.commandLineOptions,
    node: source.node,
  };
}

/** One at a time: ten thousand clusters are not copied in one go. */
function* clusterSnapshots(clusters: readonly Cluster[]): Generator<ClusterSnapshot, void, undefined> {
  for (const cluster of clusters) yield clusterSnapshot(cluster);
}

function clusterSnapshot(cluster: Cluster): ClusterSnapshot {
  const { outlierRates: outlier } = cluster;
  const { breaker, breakerHigh } = cluster;
  return {
    name: cluster.name,
    observabilityName: cluster.settings.statName,
    addedViaApi: cluster.addedViaApi,
    thresholds: [threshold('default', breaker.thresholds), threshold('high', breakerHigh.thresholds)],
    ...(outlier !== undefined && { outlier }),
    hosts: cluster.hosts.map(hostSnapshot),
  };
}

function threshold(
  priority: 'default' | 'high',
  { maxConnections, maxPendingRequests, maxRequests, maxRetries }: Thresholds,
) {
  return { priority, maxConnections, maxPendingRequests, maxRequests, maxRetries };
}

function hostSnapshot(host: UpstreamHost): HostSnapshot {
  return {
    address: host.port < 0 ? { path: host.ip } : { host: host.ip, port: host.port },
    hostname: host.hostname,
    healthFlags: flagNames(host.healthFlags) as HealthFlag[],
    weight: host.weight,
    locality: host.locality,
    canary: host.canary,
    priority: host.priority,
    stats: { ...host.stats, rqPendingActive: host.pendingRequests },
    ...(host.outlier !== undefined && {
      successRate: host.outlier.successRate,
      localOriginSuccessRate: host.outlier.localOriginSuccessRate,
    }),
  };
}

function listenerSnapshot(listener: { name: string; addresses: readonly Address[] }): ListenerSnapshot {
  const [first, ...more] = listener.addresses.map(adminAddress);
  return { name: listener.name, address: first ?? { path: '' }, additionalAddresses: more };
}

/** An address in the admin server's words. */
export function adminAddress(address: Address & { readonly ipv6Only?: boolean }): AdminAddress {
  if ('path' in address) return address;
  return { host: address.address, port: address.port, ...(address.ipv6Only && { ipv6Only: true }) };
}
