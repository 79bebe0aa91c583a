/** Frozen config → run-time settings; the one place that knows both what people write and what the engine runs on. */
import net from 'node:net';
import type { z } from 'zod';
import type { Endpoint } from '../api/discovery.ts';
import { MeshError } from '../errors.ts';
import type { HttpSettings } from '../http/settings.ts';
import type { ListenerSettings } from '../net/listener.ts';
import { type ClusterSettings, DEFAULT_THRESHOLDS, type Thresholds } from '../upstream/settings.ts';
import { type CircuitBreakerThresholds, type ClusterConfig, upstreamHttpOptionsOf } from './cluster.ts';
import type { address } from './common.ts';
import { type DataSource, readDataSource } from './data-source.ts';
import type { HttpConnectionManagerConfig } from './http-connection-manager.ts';
import type { ListenerConfig } from './listener.ts';
import type { DeepPartial } from './message.ts';

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

/** What an HTTP connection manager runs on. */
export function httpSettings(config: HttpConnectionManagerConfig, bufferLimitBytes: number): HttpSettings {
  const common = config.commonHttpProtocolOptions;
  const http1 = config.httpProtocolOptions;
  const escaped = config.pathWithEscapedSlashesAction;
  return {
    statPrefix: config.statPrefix,
    http1: {
      limits: { maxBytes: config.maxRequestHeadersKb * 1024, maxFields: common.maxHeadersCount },
      acceptHttp10: http1.acceptHttp10,
      defaultHostForHttp10: http1.defaultHostForHttp10,
      enableTrailers: http1.enableTrailers,
      allowChunkedLength: http1.allowChunkedLength,
      underscores: common.headersWithUnderscoresAction,
    },
    serverName: config.serverName === '' ? 'envoy' : config.serverName,
    serverHeaderTransformation: config.serverHeaderTransformation,
    idleTimeoutMs: common.idleTimeoutMs,
    streamIdleTimeoutMs: config.streamIdleTimeoutMs,
    requestTimeoutMs: config.requestTimeoutMs,
    requestHeadersTimeoutMs: config.requestHeadersTimeoutMs,
    maxConnectionDurationMs: common.maxConnectionDurationMs ?? 0,
    maxStreamDurationMs: common.maxStreamDurationMs ?? 0,
    maxRequestsPerConnection: common.maxRequestsPerConnection,
    delayedCloseTimeoutMs: config.delayedCloseTimeoutMs,
    bufferLimitBytes,
    useRemoteAddress: config.useRemoteAddress,
    xffNumTrustedHops: config.xffNumTrustedHops,
    skipXffAppend: config.skipXffAppend,
    isInternalAddress: internalAddresses(config),
    via: config.via,
    generateRequestId: config.generateRequestId,
    preserveExternalRequestId: config.preserveExternalRequestId,
    alwaysSetRequestIdInResponse: config.alwaysSetRequestIdInResponse,
    proxy100Continue: config.proxy100Continue,
    normalizePath: config.normalizePath,
    mergeSlashes: config.mergeSlashes,
    escapedSlashes: escaped === 'IMPLEMENTATION_SPECIFIC_DEFAULT' ? 'KEEP_UNCHANGED' : escaped,
    stripHostPort: config.stripAnyHostPort ? 'any' : config.stripMatchingHostPort ? 'matching' : 'none',
  };
}

/** With no ranges given no address is internal, as in Envoy since 1.33. */
function internalAddresses(config: HttpConnectionManagerConfig): (ip: string) => boolean {
  const { cidrRanges, unixSockets } = config.internalAddressConfig;
  if (cidrRanges.length === 0) return (ip) => ip === '' && unixSockets;
  const list = new net.BlockList();
  for (const { addressPrefix, prefixLen } of cidrRanges) {
    list.addSubnet(addressPrefix, prefixLen, net.isIPv6(addressPrefix) ? 'ipv6' : 'ipv4');
  }
  return (ip) => (ip === '' ? unixSockets : list.check(ip, net.isIPv6(ip) ? 'ipv6' : 'ipv4'));
}

/** What a cluster runs on. */
export function clusterSettings(config: ClusterConfig): ClusterSettings {
  const http = upstreamHttpOptionsOf(config);
  const keepalive = config.upstreamConnectionOptions?.tcpKeepalive;
  return {
    name: config.name,
    statName: config.altStatName === '' ? config.name : config.altStatName,
    connectTimeoutMs: config.connectTimeoutMs,
    idleTimeoutMs: http.idleTimeoutMs,
    maxConnectionDurationMs: http.maxConnectionDurationMs ?? 0,
    maxRequestsPerConnection: http.maxRequestsPerConnection,
    bufferLimitBytes: config.perConnectionBufferLimitBytes ?? DEFAULT_BUFFER_LIMIT_BYTES,
    responseLimits: { maxBytes: 60 * 1024, maxFields: http.common?.maxHeadersCount ?? 100 },
    enableTrailers: http.http1?.enableTrailers ?? false,
    tcpKeepaliveMs: keepalive === undefined ? undefined : (keepalive.keepaliveTime ?? 0) * 1000,
    thresholds: { default: thresholds(config, 'DEFAULT'), high: thresholds(config, 'HIGH') },
  };
}

function thresholds(config: ClusterConfig, priority: 'DEFAULT' | 'HIGH'): Thresholds {
  const given = config.circuitBreakers.thresholds.find((one: CircuitBreakerThresholds) => one.priority === priority);
  return given ?? DEFAULT_THRESHOLDS;
}

const NOWHERE = Object.freeze({ region: '', zone: '', subZone: '' });

/** The endpoints of a static cluster. */
export function staticEndpoints(config: ClusterConfig): Endpoint[] {
  return (config.loadAssignment?.endpoints ?? []).flatMap((group) =>
    group.lbEndpoints.map(({ endpoint, loadBalancingWeight }) => {
      const { socketAddress, pipe } = endpoint?.address ?? {};
      return {
        ip: pipe?.path ?? socketAddress?.address ?? '',
        port: pipe === undefined ? (socketAddress?.portValue ?? 0) : -1,
        hostname: endpoint?.hostname ?? '',
        weight: loadBalancingWeight,
        priority: group.priority,
        locality: group.locality ?? NOWHERE,
      };
    }),
  );
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
