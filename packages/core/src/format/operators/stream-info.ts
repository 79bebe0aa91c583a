/** Commands that print facts about the exchange, its connection and its upstream host. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { LogSubject } from '../../api/access-log.ts';
import type { ConnectionInfo } from '../../api/connection-info.ts';
import { flagString, ResponseFlag } from '../../errors.ts';
import { wireText } from '../../regex/wire-text.ts';
import {
  type FormatContext,
  type Operator,
  type OperatorSpec,
  type OperatorTable,
  plain,
  truncated,
} from '../operator.ts';

/** The status of the response; 0 when there is none yet. */
export function responseCode({ responseHeaders, info }: LogSubject, context: FormatContext): number {
  if (context.responseCode !== undefined) return context.responseCode;
  if (responseHeaders !== undefined) return responseHeaders.status;
  // The head of a local reply counts only once it is on its way; one from upstream counts when it arrives.
  if (info.upstreamFirstByteMs <= 0) return 0;
  const status = (context.responseHeaders as { readonly status?: unknown } | undefined)?.status;
  return typeof status === 'number' ? status : 0;
}

/** `RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)`. */
const details: OperatorSpec = {
  params: 'optional',
  length: false,
  make(argument) {
    if (argument === 'ALLOW_WHITESPACES') return ({ info }) => notEmpty(info.details);
    return ({ info }) => notEmpty(info.details)?.replace(/\s/g, '_');
  },
};

function notEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

const LONG_FLAGS: Readonly<Record<keyof typeof ResponseFlag, string>> = {
  LH: 'FailedLocalHealthCheck',
  UH: 'NoHealthyUpstream',
  UT: 'UpstreamRequestTimeout',
  LR: 'LocalReset',
  UR: 'UpstreamRemoteReset',
  UF: 'UpstreamConnectionFailure',
  UC: 'UpstreamConnectionTermination',
  UO: 'UpstreamOverflow',
  NR: 'NoRouteFound',
  DI: 'DelayInjected',
  FI: 'FaultInjected',
  RL: 'RateLimited',
  UAEX: 'UnauthorizedExternalService',
  RLSE: 'RateLimitServiceError',
  DC: 'DownstreamConnectionTermination',
  URX: 'UpstreamRetryLimitExceeded',
  SI: 'StreamIdleTimeout',
  IH: 'InvalidEnvoyRequestHeaders',
  DPE: 'DownstreamProtocolError',
  UMSDR: 'UpstreamMaxStreamDurationReached',
  RFCF: 'ResponseFromCacheFilter',
  NFCF: 'NoFilterConfigFound',
  DT: 'DurationTimeout',
  UPE: 'UpstreamProtocolError',
  NC: 'NoClusterFound',
  OM: 'OverloadManagerTerminated',
  DF: 'DnsResolutionFailed',
  DO: 'DropOverload',
  DR: 'DownstreamRemoteReset',
  UDO: 'UnconditionalDropOverload',
};

/** Of a connection the retry limit is met last. */
function shortFlags({ flags, connectionInfo }: LogSubject['info']): string {
  const both = ResponseFlag.URX | ResponseFlag.UF;
  if (connectionInfo === undefined || (flags & both) !== both) return flagString(flags);
  return `${flagString(flags & ~ResponseFlag.URX)},URX`;
}

function longFlags(info: LogSubject['info']): string {
  if (info.flags === 0) return '-';
  const names = shortFlags(info).split(',') as (keyof typeof ResponseFlag)[];
  return names.map((name) => LONG_FLAGS[name]).join(',');
}

/** The environment is read once, when the format is compiled. */
const environment: OperatorSpec = {
  params: 'required',
  length: true,
  make(argument, length) {
    const value = process.env[argument];
    const text = value === undefined ? '-' : truncated(wireText(value), length);
    return () => text;
  },
};

function hostName(stream: LogSubject): string | undefined {
  const host = stream.info.upstreamHost;
  if (host === undefined) return undefined;
  return host.hostname === '' || host.hostname === host.ip ? host.address : host.hostname;
}

function withoutPort(name: string | undefined): string | undefined {
  return name?.replace(/:\d+$/, '');
}

/** By `minor` of a request head. */
const PROTOCOLS = ['HTTP/1.0', 'HTTP/1.1', 'HTTP/2'] as const;

const protocol: Operator = ({ info, requestHeaders }) => {
  const minor = info.httpMinor ?? (requestHeaders as { readonly minor?: number }).minor ?? 1;
  return minor < 0 ? undefined : (PROTOCOLS[minor] ?? 'HTTP/1.1');
};

/** What the transport said stands behind a bar in the details of a reset. */
const transportFailure: Operator = ({ info }) => {
  const { details: text, upstreamTransportFailure: known } = info;
  return underscored(known ?? /^upstream_reset_(?:before|after)_response_started\{[^|]*\|(.+)\}$/.exec(text)?.[1]);
};

function underscored(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text.replace(/\s/g, '_');
}

/** The route's cluster counts from the moment that the route is known. */
const clusterName: Operator = ({ info, route, clusters }) => {
  if (info.upstreamCluster !== '') return info.upstreamCluster;
  if (route === undefined || route.action.kind !== 'forward') return undefined;
  const { cluster } = route.action;
  return cluster !== '' && clusters.get(cluster) !== undefined ? cluster : undefined;
};

/** Envoy knows how a TCP connection has been closed; resets are not told apart here. */
const closeType: Operator = () => 'Normal';
const upstreamCloseType: Operator = ({ info: { connectionInfo, upstreamHost } }, { accessLogType = 'NotSet' }) =>
  upstreamHost !== undefined || (connectionInfo !== undefined && accessLogType !== 'NotSet') ? 'Normal' : undefined;

const ownHostname = hostname();

/** Bytes on the wire are known of connections; exchanges are not counted that way. */
function connectionBytes(count: (info: ConnectionInfo) => number): OperatorSpec {
  return plain(({ info: { connectionInfo } }) => {
    if (connectionInfo === undefined) return undefined;
    // As in Envoy it is the tcp_proxy that counts.
    return connectionInfo.upstreamCluster === '' ? 0 : count(connectionInfo);
  });
}

/** What Envoy counts by extensions only, or for internal listeners only. */
const zero = plain(() => 0);
const empty = plain(() => '');

export const streamInfoOperators: OperatorTable = {
  PROTOCOL: plain(protocol),
  RESPONSE_CODE: plain(responseCode),
  RESPONSE_CODE_DETAILS: details,
  RESPONSE_FLAGS: plain(({ info }) => shortFlags(info)),
  RESPONSE_FLAGS_LONG: plain(({ info }) => longFlags(info)),
  BYTES_RECEIVED: plain(({ info }) => info.bytesReceived),
  BYTES_SENT: plain(({ info }) => info.bytesSent),
  UPSTREAM_HOST_NAME: plain(hostName),
  UPSTREAM_HOST_NAME_WITHOUT_PORT: plain((stream) => withoutPort(hostName(stream))),
  UPSTREAM_CLUSTER: plain(clusterName),
  UPSTREAM_CLUSTER_RAW: plain(clusterName),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: plain(({ info }) => info.attempts),
  UPSTREAM_PROTOCOL: plain(({ info }) =>
    info.upstreamTunnel !== true &&
    (info.upstreamFirstByteMs > 0 || (info.upstreamConnection !== undefined && info.connectionInfo === undefined))
      ? PROTOCOLS[info.upstreamHttp2 ? 2 : 1]
      : undefined,
  ),
  CONNECTION_ID: plain(({ connection }) => connection.id),
  UPSTREAM_CONNECTION_ID: plain(({ info }) => info.upstreamConnection?.id),
  STREAM_ID: plain(({ requestHeaders }) => requestHeaders.get('x-request-id')),
  UNIQUE_ID: plain(() => randomUUID()),
  ROUTE_NAME: plain(({ route }) => notEmpty(route?.name)),
  HOSTNAME: plain(() => ownHostname),
  LISTENER_NAME: plain(({ info }) => notEmpty(info.listenerName)),
  FILTER_CHAIN_NAME: plain(({ info }) => notEmpty(info.filterChainName)),
  ENVIRONMENT: environment,
  LOCAL_REPLY_BODY: plain((_, context) => context.localReplyBody ?? ''),
  ACCESS_LOG_TYPE: plain((_, context) => context.accessLogType ?? 'NotSet'),
  UPSTREAM_TRANSPORT_FAILURE_REASON: plain(transportFailure),
  DOWNSTREAM_TRANSPORT_FAILURE_REASON: plain(({ info }) => underscored(info.connectionInfo?.transportFailure)),
  CONNECTION_TERMINATION_DETAILS: plain(({ info }) => underscored(info.connectionInfo?.terminationDetails)),
  DOWNSTREAM_LOCAL_CLOSE_REASON: plain(({ info }) => underscored(info.connectionInfo?.localCloseReason)),
  DOWNSTREAM_DETECTED_CLOSE_TYPE: plain(closeType),
  UPSTREAM_DETECTED_CLOSE_TYPE: plain(upstreamCloseType),
  DOWNSTREAM_WIRE_BYTES_RECEIVED: connectionBytes((info) => info.bytesReceived),
  DOWNSTREAM_WIRE_BYTES_SENT: connectionBytes((info) => info.bytesSent),
  UPSTREAM_WIRE_BYTES_RECEIVED: connectionBytes((info) => info.upstreamBytesReceived),
  UPSTREAM_WIRE_BYTES_SENT: connectionBytes((info) => info.upstreamBytesSent),
  TRACE_ID: plain(({ span }) => span?.traceId),
  SPAN_ID: plain(({ span }) => span?.spanId),
  CUSTOM_FLAGS: empty,
  DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID: empty,
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID: empty,
  BYTES_RETRANSMITTED: zero,
  PACKETS_RETRANSMITTED: zero,
  DOWNSTREAM_CX_RTT: zero,
};
