/** Pieces of listeners that several topics use. */
import { readFileSync } from 'node:fs';
import type { Yaml } from './scenario.ts';

const TYPES = 'type.googleapis.com/envoy.extensions';
const FIXTURES = new URL('../../packages/core/src/net/tls/fixtures/', import.meta.url);

/** Path of a certificate or key. */
export function fixture(name: string): string {
  return new URL(name, FIXTURES).pathname;
}

/** The pair `<name>.pem` and `<name>.key`, for Node. */
export function pairOf(name: string): { readonly cert: Buffer; readonly key: Buffer } {
  return { cert: readFileSync(fixture(`${name}.pem`)), key: readFileSync(fixture(`${name}.key`)) };
}

/** The same as an entry of `tls_certificates`. */
export function certificate(name: string): Yaml {
  return {
    certificate_chain: { filename: fixture(`${name}.pem`) },
    private_key: { filename: fixture(`${name}.key`) },
  };
}

/** A network filter. */
export function network(name: string, type: string, config: Yaml = {}): Yaml {
  return {
    name: `envoy.filters.network.${name}`,
    typed_config: { '@type': `${TYPES}.filters.network.${type}`, ...config },
  };
}

/** Says a text and ends. */
export function says(text: string): Yaml {
  return network('direct_response', 'direct_response.v3.Config', { response: { inline_string: text } });
}

/** Answers requests of HTTP/1.1 with a text: over TLS, where Envoy's direct_response ends before the handshake has. */
export function answers(text: string): Yaml {
  return network('http_connection_manager', 'http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: 'answers',
    codec_type: 'HTTP1',
    delayed_close_timeout: '0.05s',
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: text } } }],
        },
      ],
    },
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router` } },
    ],
  });
}

/** The request that is put to them. */
export const PLEASE = 'GET / HTTP/1.1\r\nhost: h.test\r\nconnection: close\r\n\r\n';

/** A response without its fields. */
export function brief(text: string): string {
  return text.replace(/^(HTTP\/1\.1 [^\r]*)\r\n[\s\S]*?\r\n\r\n/, '$1: ');
}

/** Forwards bytes. */
export function tcpProxy(config: Yaml): Yaml {
  return network('tcp_proxy', 'tcp_proxy.v3.TcpProxy', { stat_prefix: 'tcp', ...config });
}

/** A listener filter. */
export function listenerFilter(name: string, type: string, config: Yaml = {}): Yaml {
  return {
    name: `envoy.filters.listener.${name}`,
    typed_config: { '@type': `${TYPES}.filters.listener.${type}`, ...config },
  };
}

export const TLS_INSPECTOR: Yaml = listenerFilter('tls_inspector', 'tls_inspector.v3.TlsInspector');
export const HTTP_INSPECTOR: Yaml = listenerFilter('http_inspector', 'http_inspector.v3.HttpInspector');
/** The PROXY protocol, with more settings. */
export const proxyProtocol = (config: Yaml = {}): Yaml =>
  listenerFilter('proxy_protocol', 'proxy_protocol.v3.ProxyProtocol', config);

/** A TLS server: fields of the common context, then of the whole. */
export function serverTls(common: Yaml = {}, context: Yaml = {}): Yaml {
  const config = {
    '@type': `${TYPES}.transport_sockets.tls.v3.DownstreamTlsContext`,
    common_tls_context: { tls_certificates: [certificate('server')], ...common },
    ...context,
  };
  return { transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: config } };
}

/** A TLS client towards an upstream. */
export function clientTls(common: Yaml = {}, context: Yaml = {}): Yaml {
  const config = {
    '@type': `${TYPES}.transport_sockets.tls.v3.UpstreamTlsContext`,
    common_tls_context: common,
    ...context,
  };
  return { transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: config } };
}

/** Verification against the authority of the fixtures. */
export function trusting(authority = 'ca', more: Yaml = {}): Yaml {
  return { validation_context: { trusted_ca: { filename: fixture(`${authority}.pem`) }, ...more } };
}

/** `typed_extension_protocol_options` with what HTTP a cluster speaks. */
export function speaking(options: Yaml): Yaml {
  return {
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${TYPES}.upstreams.http.v3.HttpProtocolOptions`,
        ...options,
      },
    },
  };
}

/** HTTP/2 always. */
export const H2_CLUSTER: Yaml = speaking({ explicit_http_config: { http2_protocol_options: {} } });
