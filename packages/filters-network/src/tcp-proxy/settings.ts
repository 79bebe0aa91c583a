/** What all connections of one tcp_proxy share, worked out when the config arrives. */
import {
  type NetworkConnection,
  type NetworkFilterContext,
  type PickContext,
  TunnelHead,
  type TunnelHeadSettings,
  xxHash64,
} from '@mesh/core';
import type { TcpProxyConfig } from './config.ts';
import { type TcpLogs, tcpLogs } from './logs.ts';
import { type TcpProxyStats, tcpProxyStats } from './stats.ts';
import type { TunnelKeepsakes } from './tunnel.ts';

/** Filter state that names the cluster of a connection (`PerConnectionCluster`); set by `sni_cluster`. */
export const CLUSTER_KEY = 'envoy.tcp_proxy.cluster';

const IDLE_TIMEOUT_KEY = 'envoy.tcp_proxy.per_connection_idle_timeout_ms';

type Criteria = Readonly<Record<string, unknown>>;

/** A cluster that a connection may go to. */
export interface Destination {
  readonly cluster: string;
  /** What the metadata of hosts must say. */
  readonly criteria: Criteria | undefined;
}

const NO_CONTEXT: PickContext = Object.freeze({});

export class TcpProxySettings {
  readonly config: TcpProxyConfig;
  readonly context: NetworkFilterContext;
  readonly stats: TcpProxyStats;
  /** Absent without access logs. */
  readonly logs: TcpLogs | undefined;
  /** How connections are tunnelled over HTTP, if they are. */
  readonly tunnel: { readonly head: TunnelHead; readonly keep: TunnelKeepsakes } | undefined;
  /** Bytes that wait for clients which do not keep up. */
  private waiting = 0;
  private readonly destinations: readonly Destination[];
  private readonly weights: readonly number[];
  private readonly totalWeight: number;

  constructor(config: TcpProxyConfig, context: NetworkFilterContext) {
    this.config = config;
    this.context = context;
    this.stats = tcpProxyStats(context.stats.scope(`tcp.${config.statPrefix}.`));
    this.logs = tcpLogs(config, context);
    this.tunnel = tunnelOf(config);
    const own = criteriaOf(config.metadataMatch);
    const weighted = config.weightedClusters?.clusters ?? [];
    this.weights = weighted.map(({ weight }) => weight);
    this.totalWeight = this.weights.reduce((sum, weight) => sum + weight, 0);
    this.destinations =
      weighted.length === 0
        ? [{ cluster: config.cluster ?? '', criteria: own }]
        : weighted.map(({ name, metadataMatch }) => ({
            cluster: name,
            criteria: merged(own, criteriaOf(metadataMatch)),
          }));
  }

  /** Where a connection goes: drawn by weight, or what an earlier filter has said, or the one cluster. */
  destination(connection: NetworkConnection): Destination {
    const first = this.destinations[0] as Destination;
    if (this.totalWeight > 0) return this.draw() ?? first;
    const named = connection.info.filterState.get(CLUSTER_KEY);
    return typeof named === 'string' ? { cluster: named, criteria: first.criteria } : first;
  }

  private draw(): Destination | undefined {
    let left = Math.floor(this.context.random() * this.totalWeight);
    for (const [index, weight] of this.weights.entries()) {
      if (left < weight) return this.destinations[index];
      left -= weight;
    }
    return undefined;
  }

  /** What the cluster's policy may look at. */
  pickContext(connection: NetworkConnection, criteria: Criteria | undefined): PickContext {
    const found = connection.info.metadata.get('envoy.lb');
    const metadataMatch = merged(criteria, isRecord(found) ? found : undefined);
    const [policy] = this.config.hashPolicy;
    const { info, serverName } = connection;
    const { filterState: state, metadata: dynamicMetadata } = info;
    const nothing = metadataMatch === undefined && !serverName && state.size === 0 && dynamicMetadata.size === 0;
    if (policy === undefined && nothing) return NO_CONTEXT;
    const own = { metadataMatch, dynamicMetadata, filterState: state, serverName };
    if (policy === undefined) return own;
    const { filterState } = policy;
    const hash = () => {
      if (filterState === undefined) return policy.sourceIp && xxHash64(connection.remoteIp);
      const value = connection.info.filterState.get(filterState.key);
      return value === undefined ? undefined : xxHash64(String(value));
    };
    return { ...own, hash };
  }

  /** 0 for none; an earlier filter may have set another one for this connection. */
  idleTimeoutMs(connection: NetworkConnection): number {
    const own = Number(connection.info.filterState.get(IDLE_TIMEOUT_KEY) ?? Number.NaN);
    return own >= 0 ? own : this.config.idleTimeoutMs;
  }

  /** The limit of a connection's life with its jitter; 0 for none. */
  maxDurationMs(): number {
    const { maxDownstreamConnectionDurationMs: limit, maxDownstreamConnectionDurationJitterPercentage: jitter } =
      this.config;
    if (limit === undefined) return 0;
    return limit * (1 + (this.context.random() * (jitter?.value ?? 0)) / 100);
  }

  /** The pause before attempt `attempt` (2, 3 …): exponential with full jitter. */
  backoffMs(attempt: number): number {
    const options = this.config.backoffOptions;
    if (options === undefined) return 0;
    const { baseIntervalMs: base, maxIntervalMs: max = base * 10 } = options;
    const ceiling = Math.min(max, base * 2 ** Math.min(attempt - 2, 30));
    return this.context.random() * ceiling;
  }

  /** `bytes` more, or fewer, wait for clients. */
  addWaiting(bytes: number): void {
    this.waiting += bytes;
    this.stats.downstream_cx_tx_bytes_buffered.set(this.waiting);
  }
}

function tunnelOf({ tunnelingConfig: tunnel }: TcpProxyConfig): TcpProxySettings['tunnel'] {
  if (tunnel === undefined) return undefined;
  const { hostname, usePost, postPath, headersToAdd, propagateResponseHeaders, propagateResponseTrailers } = tunnel;
  const head = new TunnelHead({
    hostname,
    usePost,
    postPath: postPath || undefined,
    headersToAdd,
  } as TunnelHeadSettings);
  return { head, keep: { responseHeaders: propagateResponseHeaders, responseTrailers: propagateResponseTrailers } };
}

function isRecord(value: unknown): value is Criteria {
  return typeof value === 'object' && value !== null;
}

function criteriaOf(match: TcpProxyConfig['metadataMatch']): Criteria | undefined {
  return match?.filterMetadata['envoy.lb'];
}

/** The later one wins. */
function merged(first: Criteria | undefined, second: Criteria | undefined): Criteria | undefined {
  if (first === undefined || second === undefined) return second ?? first;
  return { ...first, ...second };
}
