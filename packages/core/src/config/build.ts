/** Frozen config → run-time settings; the one place that knows both what people write and what the engine runs on. */
import type { z } from 'zod';
import type { TransportPolicy } from '../api/upstream.ts';
import { MeshError } from '../errors.ts';
import type { ListenerSettings } from '../net/listener.ts';
import type { ClientTransportSettings } from '../net/tls/settings.ts';
import type { ClientTransport } from '../net/transport.ts';
import {
  type ClusterSettings,
  DEFAULT_THRESHOLDS,
  type PreconnectSettings,
  type Thresholds,
  type TrackedStats,
} from '../upstream/settings.ts';
import { http1ClientOptions } from './build-http1.ts';
import { http2Options } from './build-http2.ts';
import type { ClusterConfig } from './cluster.ts';
import type { address } from './common.ts';
import { type DataSource, readDataSource } from './data-source.ts';
import type { ListenerConfig } from './listener.ts';
import type { DeepPartial } from './message.ts';
import { clientTransportSettings } from './tls/build.ts';
import { transportSocketNames } from './tls/transport-socket.ts';
import { sourceAddresses } from './upstream-connection.ts';
import { type UpstreamHttpOptions, upstreamHttpOptionsOf } from './upstream-http.ts';

export { assignmentPolicy, staticEndpoints } from './build-endpoints.ts';

/** Bytes that one side of a stream may have buffered when `per_connection_buffer_limit_bytes` is not given. */
const DEFAULT_BUFFER_LIMIT_BYTES = 32 * 1024;

/** What a listener runs on. */
export function listenerSettings(config: ListenerConfig): ListenerSettings {
  const addresses = [config.address, ...config.additionalAddresses.map(({ address }) => address)];
  return {
    name: config.name,
    addresses: addresses.map(listenAddress),
    backlog: config.tcpBacklogSize,
    bufferLimitBytes: config.perConnectionBufferLimitBytes ?? DEFAULT_BUFFER_LIMIT_BYTES,
  };
}

/** An address of the config as an address to bind. */
export function listenAddress(config: z.output<typeof address>) {
  // As in Envoy, a mode of 0 leaves the socket as the system makes it.
  if (config.pipe !== undefined)
    return { path: config.pipe.path, ...(config.pipe.mode > 0 && { mode: config.pipe.mode }) };
  const { address: host = '', portValue: port = 0, ipv4Compat = false } = config.socketAddress ?? {};
  return { address: host, port, ipv6Only: !ipv4Compat };
}

/** What a cluster runs on. */
export function clusterSettings(config: ClusterConfig): ClusterSettings {
  const http = upstreamHttpOptionsOf(config);
  const keepalive = config.upstreamConnectionOptions?.tcpKeepalive;
  const bufferLimitBytes = config.perConnectionBufferLimitBytes ?? DEFAULT_BUFFER_LIMIT_BYTES;
  const responseLimits = {
    maxBytes: (http.common?.maxResponseHeadersKb ?? 60) * 1024,
    maxFields: http.common?.maxHeadersCount ?? 100,
  };
  return {
    name: config.name,
    statName: config.altStatName === '' ? config.name : config.altStatName,
    metadata: config.metadata?.filterMetadata,
    connectTimeoutMs: config.connectTimeoutMs,
    idleTimeoutMs: http.idleTimeoutMs,
    maxConnectionDurationMs: http.maxConnectionDurationMs ?? 0,
    maxConnectionDurationJitter: http.common?.maxConnectionDurationJitter?.value ?? 0,
    maxStreamDurationMs: http.common?.maxStreamDurationMs ?? 0,
    maxRequestsPerConnection: http.maxRequestsPerConnection,
    bufferLimitBytes,
    responseLimits,
    enableTrailers: http.http1?.enableTrailers ?? false,
    http1: http1ClientOptions(http.http1),
    protocol: http.protocol,
    http2: http2Options(http.http2, { limits: responseLimits, bufferLimitBytes }),
    transportPolicy: transportPolicy(config, http.sni),
    tcpKeepaliveMs: keepalive === undefined ? undefined : (keepalive.keepaliveTime ?? 0) * 1000,
    thresholds: { default: thresholds(config, 'DEFAULT'), high: thresholds(config, 'HIGH') },
    activeChecks: config.healthChecks.length > 0,
    ignoreHealthOnHostRemoval: config.ignoreHealthOnHostRemoval,
    ignoreNewHosts: config.commonLbConfig?.ignoreNewHostsUntilFirstHc ?? false,
    overrideHostStatuses: config.commonLbConfig?.overrideHostStatus?.statuses,
    closeOnHostSetChange: config.commonLbConfig?.closeConnectionsOnHostSetChange ?? false,
    closeOnHealthFailure: config.closeConnectionsOnHostHealthFailure,
    sources: sourceAddresses(config.upstreamBindConfig),
    tracked: trackedStats(config),
    preconnect: preconnect(config.preconnectPolicy),
    addressOrder: addressOrder(config.upstreamConnectionOptions),
  };
}

function trackedStats({ trackClusterStats: given, trackTimeoutBudgets }: ClusterConfig): TrackedStats | undefined {
  if (given === undefined && !trackTimeoutBudgets) return undefined;
  const {
    timeoutBudgets = false,
    requestResponseSizes: sizes = false,
    perEndpointStats: endpoints = false,
  } = given ?? {};
  return { sizes, budgets: timeoutBudgets || trackTimeoutBudgets, endpoints };
}

function transportPolicy(config: ClusterConfig, sni: UpstreamHttpOptions['sni']): TransportPolicy | undefined {
  const { autoSni = false, autoSanValidation = false, overrideAutoSniHeader: header = '' } = sni ?? {};
  const sockets = [config.transportSocket, ...config.transportSocketMatches.map((one) => one.transportSocket)];
  const proxied = sockets.some((socket) => socket?.name === transportSocketNames.proxyProtocol);
  const dedicated = config.connectionPoolPerDownstreamConnection;
  if (!autoSni && !autoSanValidation && !proxied && !dedicated) return undefined;
  return { autoSni, autoSanValidation, header, proxied, ...(dedicated && { dedicated }) };
}

/** The transports of a cluster; `make` is called for each socket of the config, and gives `undefined` for plain TCP. */
export function clusterTransports(
  config: ClusterConfig,
  make: (settings: ClientTransportSettings) => ClientTransport | undefined,
): Pick<ClusterSettings, 'transport' | 'transportMatches'> {
  const transportOf = (socket: ClusterConfig['transportSocket']) =>
    socket === undefined ? undefined : make(clientTransportSettings(socket));
  const transportMatches = config.transportSocketMatches.map(({ name, match, transportSocket }) => {
    return { name, match, transport: transportOf(transportSocket) };
  });
  return { transport: transportOf(config.transportSocket), transportMatches };
}

function thresholds(config: ClusterConfig, priority: 'DEFAULT' | 'HIGH'): Thresholds {
  const { thresholds: limits, perHostThresholds } = config.circuitBreakers;
  const given = limits.find((one) => one.priority === priority);
  const perHost = perHostThresholds.find((one) => one.priority === priority)?.maxConnections;
  const maxConnectionsPerHost = perHost ?? DEFAULT_THRESHOLDS.maxConnectionsPerHost;
  if (given === undefined) return { ...DEFAULT_THRESHOLDS, maxConnectionsPerHost };
  const budget = given.retryBudget;
  return {
    ...given,
    maxConnectionPools: given.maxConnectionPools ?? DEFAULT_THRESHOLDS.maxConnectionPools,
    maxConnectionsPerHost,
    retryBudget: budget && { percent: budget.budgetPercent?.value ?? 20, minConcurrency: budget.minRetryConcurrency },
  };
}

function preconnect(policy: ClusterConfig['preconnectPolicy']): PreconnectSettings | undefined {
  const { perUpstreamPreconnectRatio: perUpstream = 1, predictivePreconnectRatio: predictive = 1 } = policy ?? {};
  return perUpstream > 1 || predictive > 1 ? { perUpstream, predictive } : undefined;
}

const FAMILIES = { DEFAULT: 0, V4: 4, V6: 6 } as const;

function addressOrder(options: ClusterConfig['upstreamConnectionOptions']): ClusterSettings['addressOrder'] {
  const config = options?.happyEyeballsConfig;
  if (config === undefined) return undefined;
  return { firstFamily: FAMILIES[config.firstAddressFamilyVersion], firstCount: config.firstAddressFamilyCount };
}

/**
 * The text of a data source. Files are read once, when the config is built.
 * @throws MeshError `CONFIG_INVALID` when it cannot be read: for config built in code, which no schema has seen.
 */
export function dataSourceText(source: DeepPartial<DataSource>): string {
  const { bytes, problem } = readDataSource(source);
  if (bytes === undefined) throw new MeshError('CONFIG_INVALID', problem ?? 'a data source without bytes');
  return bytes.toString();
}
