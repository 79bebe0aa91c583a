/** The HTTP connection manager as a network-filter definition: always registered, built by the proxy itself. */
import {
  httpConnectionManagerName,
  httpConnectionManagerSchema,
  httpConnectionManagerTypeUrl,
} from './config/http-connection-manager.ts';
import type { NetworkFilterDefinition } from './define/index.ts';
import { MeshError } from './errors.ts';

/** `envoy.filters.network.http_connection_manager`. It ends a chain, and its connections never run network hooks. */
export const httpConnectionManager: NetworkFilterDefinition = {
  kind: 'network-filter',
  name: httpConnectionManagerName,
  typeUrl: httpConnectionManagerTypeUrl,
  config: httpConnectionManagerSchema,
  routeConfig: undefined,
  terminal: true,
  newState: undefined,
  create() {
    throw new MeshError('CONFIG_INVALID', 'the HTTP connection manager is built by the proxy');
  },
};
