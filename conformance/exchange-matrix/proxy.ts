/** A proxy between one kind of client and one kind of upstream. */
import { readFileSync } from 'node:fs';
import { createProxy, type MeshProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import type { Version } from './client.ts';

const TYPES = 'type.googleapis.com/envoy.extensions';
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const CERTS = new URL('../../examples/sidecars/certs/', import.meta.url).pathname;

/** What clients trust. */
export const AUTHORITY = readFileSync(`${CERTS}self-signed.crt`, 'utf8');

export interface Shape {
  readonly downstream: Version;
  readonly tls: boolean;
  readonly upstream: Version;
}

/** Starts it; the listener is the only one. */
export async function startProxy(shape: Shape, upstreamPort: number): Promise<MeshProxy> {
  const proxy = await createProxy({ config: bootstrap(shape, upstreamPort), extensions: standard });
  await proxy.start();
  return proxy;
}

function bootstrap({ tls, upstream }: Shape, upstreamPort: number): object {
  const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const http1 = { enable_trailers: true };
  const manager = {
    '@type': `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    codec_type: 'AUTO',
    stat_prefix: 'ingress_http',
    http_protocol_options: http1,
    proxy_100_continue: true,
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'upstream' } }] },
      ],
    },
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router` } },
    ],
  };
  const explicit = upstream === 'h1' ? { http_protocol_options: http1 } : { http2_protocol_options: {} };
  const protocol = { '@type': `${TYPES}.upstreams.http.v3.HttpProtocolOptions`, explicit_http_config: explicit };
  const certificate = {
    certificate_chain: { filename: `${CERTS}self-signed.crt` },
    private_key: { filename: `${CERTS}self-signed.key` },
  };
  const transport = {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPES}.transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: { alpn_protocols: ['h2', 'http/1.1'], tls_certificates: [certificate] },
    },
  };
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }];
  return {
    static_resources: {
      listeners: [
        {
          name: 'main',
          address: address(0),
          filter_chains: [{ filters, ...(tls && { transport_socket: transport }) }],
        },
      ],
      clusters: [
        {
          name: 'upstream',
          connect_timeout: '5s',
          typed_extension_protocol_options: { [HTTP_OPTIONS]: protocol },
          load_assignment: {
            cluster_name: 'upstream',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(upstreamPort) } }] }],
          },
        },
      ],
    },
  };
}

/** The value of a gauge or counter. */
export function metric(proxy: MeshProxy, name: string): number | undefined {
  return [...proxy.stats.counters(), ...proxy.stats.gauges()].find((one) => one.name === name)?.value;
}
