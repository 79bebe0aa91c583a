/** The config of a connection manager → its run-time settings. */

import type { Runtime } from '../api/runtime.ts';
import type { HttpSettings, OriginSettings, ProxyStatusPolicy } from '../http/settings.ts';
import { addressSet } from '../net/address-set.ts';
import { headLimits, http1Options } from './build-http1.ts';
import { http2Options } from './build-http2.ts';
import type { HttpConnectionManagerConfig } from './http-connection-manager.ts';
import { type CustomHeaderConfig, type XffConfig, xffDetectionName } from './http-origin.ts';

/** What settings depend on besides the config of their own. */
export interface HttpSettingsContext {
  /** Read once, when the config is built. */
  readonly runtime?: Runtime | undefined;
  /** `node` of the bootstrap. */
  readonly node?: { readonly id?: string | undefined; readonly cluster?: string | undefined } | undefined;
  readonly earlyMutation?: HttpSettings['earlyMutation'];
  readonly localReply?: HttpSettings['localReply'];
}

/** What an HTTP connection manager runs on. */
export function httpSettings(
  config: HttpConnectionManagerConfig,
  bufferLimitBytes: number,
  context: HttpSettingsContext = {},
): HttpSettings {
  const common = config.commonHttpProtocolOptions;
  return {
    statPrefix: config.statPrefix,
    codec: config.codecType,
    http1: http1Options(config),
    http2: http2Options(config.http2ProtocolOptions, {
      limits: headLimits(config),
      underscores: common.headersWithUnderscoresAction,
      streamErrorOnInvalidMessage: config.streamErrorOnInvalidHttpMessage,
      bufferLimitBytes,
      runtime: context.runtime,
    }),
    serverName: config.serverName === '' ? 'envoy' : config.serverName,
    serverHeaderTransformation: config.serverHeaderTransformation,
    ...timeouts(config),
    maxRequestsPerConnection: common.maxRequestsPerConnection,
    bufferLimitBytes,
    useRemoteAddress: config.useRemoteAddress,
    xffNumTrustedHops: config.xffNumTrustedHops,
    skipXffAppend: config.skipXffAppend,
    origins: origins(config),
    clientCert: clientCert(config),
    isInternalAddress: internalAddresses(config),
    via: config.via,
    generateRequestId: config.generateRequestId,
    preserveExternalRequestId: config.preserveExternalRequestId,
    alwaysSetRequestIdInResponse: config.alwaysSetRequestIdInResponse,
    packTraceReason: config.requestIdExtension?.typedConfig?.packTraceReason ?? true,
    proxy100Continue: config.proxy100Continue,
    ...paths(config, context.runtime),
    host: hostRules(config),
    keepOnBadRequest:
      config.httpProtocolOptions.overrideStreamErrorOnInvalidHttpMessage ??
      config.streamErrorOnInvalidHttpMessage ??
      false,
    earlyMutation: context.earlyMutation,
    localReply: context.localReply,
    schemeOverwrite: config.schemeHeaderTransformation?.schemeToOverwrite as 'http' | 'https' | undefined,
    appendForwardedPort: config.appendXForwardedPort,
    userAgent: config.addUserAgent ? { cluster: context.node?.cluster ?? '', node: context.node?.id ?? '' } : undefined,
    proxyStatus: proxyStatus(config, context),
    upgrades: new Map(config.upgradeConfigs.map(({ upgradeType, enabled }) => [upgradeType.toLowerCase(), enabled])),
  };
}

function timeouts(config: HttpConnectionManagerConfig) {
  const common = config.commonHttpProtocolOptions;
  return {
    idleTimeoutMs: common.idleTimeoutMs,
    streamIdleTimeoutMs: config.streamIdleTimeoutMs,
    streamFlushTimeoutMs: config.streamFlushTimeoutMs ?? config.streamIdleTimeoutMs,
    requestTimeoutMs: config.requestTimeoutMs,
    requestHeadersTimeoutMs: config.requestHeadersTimeoutMs,
    maxConnectionDurationMs: common.maxConnectionDurationMs ?? 0,
    maxConnectionDurationJitterPercent: common.maxConnectionDurationJitter?.value ?? 0,
    safeMaxConnectionDuration: config.http1SafeMaxConnectionDuration,
    drainTimeoutJitterPercent: config.drainTimeoutJitter?.value ?? 0,
    maxStreamDurationMs: common.maxStreamDurationMs ?? 0,
    drainTimeoutMs: config.drainTimeoutMs,
    delayedCloseTimeoutMs: config.delayedCloseTimeoutMs,
  };
}

const NORMALIZE = { numerator: 0, denominator: 100, runtimeKey: 'http_connection_manager.normalize_path' } as const;
const ESCAPED_KEY = 'http_connection_manager.path_with_escaped_slashes_action';
/** Numbers of the enum, for its runtime key. */
const ESCAPED = [
  'KEEP_UNCHANGED',
  'KEEP_UNCHANGED',
  'REJECT_REQUEST',
  'UNESCAPE_AND_REDIRECT',
  'UNESCAPE_AND_FORWARD',
] as const;

/** What is not said is asked of the runtime, once. */
function paths(config: HttpConnectionManagerConfig, runtime: Runtime | undefined) {
  const escaped = config.pathWithEscapedSlashesAction;
  return {
    normalizePath: config.normalizePath ?? runtime?.enabled(NORMALIZE, 99) ?? false,
    mergeSlashes: config.mergeSlashes,
    escapedSlashes:
      escaped === 'IMPLEMENTATION_SPECIFIC_DEFAULT'
        ? (ESCAPED[runtime?.integer(ESCAPED_KEY, 0) ?? 0] ?? 'KEEP_UNCHANGED')
        : escaped,
  };
}

function hostRules(config: HttpConnectionManagerConfig): HttpSettings['host'] {
  const stripPort = config.stripAnyHostPort ? 'any' : config.stripMatchingHostPort ? 'matching' : 'none';
  const stripTrailingDot = config.stripTrailingHostDot;
  return stripPort === 'none' && !stripTrailingDot ? undefined : { stripPort, stripTrailingDot };
}

/** With no ranges given no address is internal, as in Envoy since 1.33. */
function internalAddresses(config: HttpConnectionManagerConfig): (ip: string) => boolean {
  const { cidrRanges, unixSockets } = config.internalAddressConfig;
  const inRanges = addressSet(cidrRanges);
  return (ip) => (ip === '' ? unixSockets : inRanges(ip));
}

function origins(config: HttpConnectionManagerConfig): readonly OriginSettings[] | undefined {
  const entries = config.originalIpDetectionExtensions;
  if (entries.length === 0) return undefined;
  return entries.map(({ name, config: own }): OriginSettings => {
    if (name === xffDetectionName) {
      const { xffNumTrustedHops: hops, xffTrustedCidrs, skipXffAppend } = own as XffConfig;
      const trusted = xffTrustedCidrs?.cidrs ?? [];
      const trustedProxies = trusted.length === 0 ? undefined : addressSet(trusted);
      return { kind: 'xff', hops, trustedProxies, skipXffAppend };
    }
    const header = own as CustomHeaderConfig;
    const code = header.rejectWithStatus?.code;
    // As in Envoy: a refusal is an error, whatever it was given.
    const rejectStatus = code === undefined ? undefined : code < 400 ? 403 : code;
    const trusted = header.allowExtensionToSetAddressAsTrusted;
    return { kind: 'header', name: header.headerName, trusted, rejectStatus };
  });
}

/** `undefined` for the default, which needs no look at the connection. */
function clientCert(config: HttpConnectionManagerConfig): HttpSettings['clientCert'] {
  const mode = config.forwardClientCertDetails;
  if (mode === 'SANITIZE') return undefined;
  const { cert, chain, subject, uri, dns } = config.setCurrentClientCertDetails;
  return { mode, cert, chain, subject, uri, dns };
}

function proxyStatus(config: HttpConnectionManagerConfig, context: HttpSettingsContext): ProxyStatusPolicy | undefined {
  const given = config.proxyStatusConfig;
  if (given === undefined) return undefined;
  const serverName = config.serverName === '' ? 'envoy' : config.serverName;
  const nodeId = given.useNodeId ? context.node?.id : undefined;
  return {
    proxyName: nodeId ?? given.literalProxyName ?? serverName,
    details: !given.removeDetails,
    responseFlags: !given.removeResponseFlags,
    recommendedStatus: given.setRecommendedResponseCode,
  };
}
