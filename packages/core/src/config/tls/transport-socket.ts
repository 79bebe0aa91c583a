/** Envoy `TransportSocket`: what bytes go through between a socket and the code behind it. */
import type { z } from 'zod';
import { fields, message, required, withDefault } from '../message.ts';
import { bytes, enumOf, list, uint32 } from '../proto-json.ts';
import { type TypedChoice, typedExtension } from '../typed-extension.ts';
import { downstreamTlsContext, upstreamTlsContext } from './tls-context.ts';

const TRANSPORT_SOCKET = 'envoy.config.core.v3.TransportSocket';
const EXTENSIONS = 'envoy.extensions.transport_sockets';

/** Names of the transport sockets that are implemented. */
export const transportSocketNames = {
  tls: 'envoy.transport_sockets.tls',
  raw: 'envoy.transport_sockets.raw_buffer',
  proxyProtocol: 'envoy.transport_sockets.upstream_proxy_protocol',
} as const;

const rawBuffer: TypedChoice = {
  name: transportSocketNames.raw,
  schema: message({}, { name: `${EXTENSIONS}.raw_buffer.v3.RawBuffer` }),
};

const otherSockets: readonly TypedChoice[] = [
  { name: 'envoy.transport_sockets.starttls', type: `${EXTENSIONS}.starttls.v3.StartTlsConfig` },
  { name: 'envoy.transport_sockets.starttls', type: `${EXTENSIONS}.starttls.v3.UpstreamStartTlsConfig` },
  { name: 'envoy.transport_sockets.tap', type: `${EXTENSIONS}.tap.v3.Tap` },
  { name: 'envoy.transport_sockets.alts', type: `${EXTENSIONS}.alts.v3.Alts` },
  { name: 'envoy.transport_sockets.quic', type: `${EXTENSIONS}.quic.v3.QuicDownstreamTransport` },
  { name: 'envoy.transport_sockets.quic', type: `${EXTENSIONS}.quic.v3.QuicUpstreamTransport` },
  { name: 'envoy.transport_sockets.tcp_stats', type: `${EXTENSIONS}.tcp_stats.v3.Config` },
  {
    name: 'envoy.transport_sockets.internal_upstream',
    type: `${EXTENSIONS}.internal_upstream.v3.InternalUpstreamTransport`,
  },
  {
    name: 'envoy.transport_sockets.http_11_proxy',
    type: `${EXTENSIONS}.http_11_proxy.v3.Http11ProxyUpstreamTransport`,
  },
].map((each) => ({ ...each, schema: undefined, reason: 'not built yet' }));

/** `transport_socket` of a filter chain. */
export const transportSocketDownstream = typedExtension(TRANSPORT_SOCKET, [
  { name: transportSocketNames.tls, schema: downstreamTlsContext },
  rawBuffer,
  ...otherSockets,
]);

const upstreamTls: TypedChoice = { name: transportSocketNames.tls, schema: upstreamTlsContext };

const passThroughTlvs = message(
  { match_type: withDefault(enumOf(['INCLUDE_ALL', 'INCLUDE']), 'INCLUDE_ALL'), tlv_type: list(uint32({ max: 255 })) },
  {
    name: 'envoy.config.core.v3.ProxyProtocolPassThroughTLVs',
    known: fields('precedence', 'not built yet'),
  },
);

const tlvEntry = message(
  { type: withDefault(uint32({ max: 255 }), 0), value: bytes() },
  {
    name: 'envoy.config.core.v3.TlvEntry',
    known: { format_string: 'values made from a format are not built yet' },
    check({ value }, report) {
      if (value !== undefined && value.length > 0) return;
      report({ message: "Invalid TLV configuration: one of 'value' or 'format_string' must be set." });
    },
  },
);

/** Envoy `ProxyProtocolConfig`. */
export const proxyProtocolConfig = message(
  {
    version: withDefault(enumOf(['V1', 'V2']), 'V1'),
    pass_through_tlvs: passThroughTlvs,
    added_tlvs: list(tlvEntry),
  },
  { name: 'envoy.config.core.v3.ProxyProtocolConfig' },
);

/** Envoy `ProxyProtocolUpstreamTransport`: a PROXY protocol header before what the inner socket sends. */
const proxyProtocolTransport = message(
  {
    config: proxyProtocolConfig,
    transport_socket: required(typedExtension(TRANSPORT_SOCKET, [upstreamTls, rawBuffer])),
  },
  {
    name: `${EXTENSIONS}.proxy_protocol.v3.ProxyProtocolUpstreamTransport`,
    known: { connection_pool_settings: 'connections are told apart by the whole header' },
  },
);

/** What the PROXY protocol transport is configured with. */
export type ProxyProtocolTransport = z.output<typeof proxyProtocolTransport>;

/** `transport_socket` of a cluster. */
export const transportSocketUpstream = typedExtension(TRANSPORT_SOCKET, [
  upstreamTls,
  rawBuffer,
  { name: transportSocketNames.proxyProtocol, schema: proxyProtocolTransport },
  ...otherSockets,
]);
