/** Transport sockets of the config → the settings that TLS contexts are built from. */
import type {
  ClientTlsSettings,
  ClientTransportSettings,
  CommonTlsSettings,
  ProxyProtocolOutSettings,
  ServerTlsSettings,
  TlsVersion,
} from '../../net/tls/settings.ts';
import { readDataSource } from '../data-source.ts';
import type { TypedExtension } from '../typed-extension.ts';
import { certificateSettings } from './certificate.ts';
import { alpnNames, type CommonTlsContext, type DownstreamTlsContext, type UpstreamTlsContext } from './tls-context.ts';
import { tlsParameterSettings } from './tls-params.ts';
import { type ProxyProtocolTransport, transportSocketNames } from './transport-socket.ts';
import { validationSettings } from './validation-context.ts';

/** Lifetime of sessions in BoringSSL. */
const DEFAULT_SESSION_TIMEOUT_S = 7200;

/** TLS of a filter chain; `undefined` where bytes travel as they are. */
export function serverTlsSettings(socket: TypedExtension | undefined): ServerTlsSettings | undefined {
  if (socket === undefined || socket.name !== transportSocketNames.tls) return undefined;
  const context = socket.config as DownstreamTlsContext;
  return {
    ...commonSettings(context.commonTlsContext, 'TLSv1.3'),
    requireClientCertificate: context.requireClientCertificate,
    requireSni: context.requireSni,
    sessionTicketKeys: (context.sessionTicketKeys?.keys ?? []).flatMap((key) => readDataSource(key).bytes ?? []),
    disableStatelessResumption: context.disableStatelessSessionResumption,
    disableStatefulResumption: context.disableStatefulSessionResumption,
    sessionTimeoutS:
      context.sessionTimeoutMs === undefined ? DEFAULT_SESSION_TIMEOUT_S : Math.floor(context.sessionTimeoutMs / 1000),
    fullScanCertsOnSniMismatch: context.fullScanCertsOnSniMismatch,
    preferClientCiphers: context.preferClientCiphers,
  };
}

/** What connections of a cluster go through; empty where bytes travel as they are. */
export function clientTransportSettings(socket: TypedExtension | undefined): ClientTransportSettings {
  if (socket?.name === transportSocketNames.tls) return { tls: clientTlsSettings(socket.config as UpstreamTlsContext) };
  if (socket?.name !== transportSocketNames.proxyProtocol) return {};
  const outer = socket.config as ProxyProtocolTransport;
  return { ...clientTransportSettings(outer.transportSocket), proxyProtocol: proxyProtocolSettings(outer.config) };
}

function clientTlsSettings(context: UpstreamTlsContext): ClientTlsSettings {
  return {
    ...commonSettings(context.commonTlsContext, 'TLSv1.2'),
    sni: context.sni,
    autoHostSni: context.autoHostSni,
    autoSniSanValidation: context.autoSniSanValidation,
    maxSessionKeys: context.maxSessionKeys,
    allowRenegotiation: context.allowRenegotiation,
  };
}

function commonSettings(common: CommonTlsContext, newest: TlsVersion): CommonTlsSettings {
  return {
    ...tlsParameterSettings(common.tlsParams, newest),
    certificates: common.tlsCertificates.map(certificateSettings),
    validation: common.validationContext && validationSettings(common.validationContext),
    alpnProtocols: alpnNames(common.alpnProtocols),
  };
}

function proxyProtocolSettings(config: ProxyProtocolTransport['config']): ProxyProtocolOutSettings {
  const passed = config?.passThroughTlvs;
  return {
    version: config?.version ?? 'V1',
    passThroughTlvs: passed === undefined ? 'NONE' : passed.matchType === 'INCLUDE_ALL' ? 'ALL' : passed.tlvType,
    addedTlvs: (config?.addedTlvs ?? []).map(({ type, value = Buffer.alloc(0) }) => ({ type, value })),
  };
}
