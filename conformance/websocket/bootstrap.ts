/** A proxy that lets WebSockets through to one route, over HTTP/1.1 and HTTP/2. */
const TYPES = 'type.googleapis.com/envoy.extensions';

export function bootstrap(port: number): object {
  const address = (number: number) => ({ socket_address: { address: '127.0.0.1', port_value: number } });
  const allowed = [{ upgrade_type: 'websocket' }];
  const manager = {
    '@type': `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    codec_type: 'AUTO',
    stat_prefix: 'ingress_http',
    http2_protocol_options: { allow_connect: true },
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [
            { match: { prefix: '/chat' }, route: { cluster: 'chat', upgrade_configs: allowed } },
            { match: { prefix: '/' }, route: { cluster: 'chat' } },
          ],
        },
      ],
    },
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router` } },
    ],
  };
  const filters = [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }];
  return {
    static_resources: {
      listeners: [{ name: 'main', address: address(0), filter_chains: [{ filters }] }],
      clusters: [
        {
          name: 'chat',
          connect_timeout: '5s',
          load_assignment: {
            cluster_name: 'chat',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }],
          },
        },
      ],
    },
  };
}
