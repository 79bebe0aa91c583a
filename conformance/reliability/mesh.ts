/** A `mesh` process that serves one route to one upstream. */
import { MeshProcess } from '../mesh-process/index.ts';

const TYPES = 'type.googleapis.com/envoy.extensions.filters';

/** Resolves when it serves. */
export function startMesh(upstreamPort: number): Promise<MeshProcess> {
  return MeshProcess.start(JSON.stringify(bootstrap(upstreamPort)));
}

function bootstrap(upstreamPort: number): object {
  const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const limits = { max_connections: 10_000, max_pending_requests: 10_000, max_requests: 10_000 };
  const manager = {
    '@type': `${TYPES}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'ingress_http',
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'upstream' } }] },
      ],
    },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPES}.http.router.v3.Router` } }],
  };
  return {
    admin: { address: address(0) },
    static_resources: {
      listeners: [
        {
          name: 'main',
          address: address(0),
          filter_chains: [
            { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
          ],
        },
      ],
      clusters: [
        {
          name: 'upstream',
          connect_timeout: '5s',
          circuit_breakers: { thresholds: [limits] },
          load_assignment: {
            cluster_name: 'upstream',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(upstreamPort) } }] }],
          },
        },
      ],
    },
  };
}
