/** The endpoints of a cluster. */
import { address, locality, metadata } from './common.ts';
import { fields, message, required, withDefault } from './message.ts';
import { list, only, string, uint32 } from './proto-json.ts';

const healthChecking = 'health checks are not built yet';

/** Envoy `Endpoint`. */
const endpointSchema = message(
  { address: required(address), hostname: withDefault(string(), '') },
  {
    name: 'envoy.config.endpoint.v3.Endpoint',
    known: {
      health_check_config: healthChecking,
      ...fields('additional_addresses observability_name', 'not built yet'),
    },
  },
);

/** Envoy `LbEndpoint`. */
const lbEndpointSchema = message(
  { endpoint: endpointSchema, load_balancing_weight: withDefault(uint32({ min: 1 }), 1), metadata },
  {
    name: 'envoy.config.endpoint.v3.LbEndpoint',
    known: {
      endpoint_name: 'named endpoints are not built yet',
      health_status: healthChecking,
    },
    oneofs: [{ fields: ['endpoint', 'endpoint_name'], required: true }],
  },
);

/** Envoy `LocalityLbEndpoints`: endpoints of one place. */
const localityLbEndpointsSchema = message(
  {
    locality,
    lb_endpoints: list(lbEndpointSchema),
    priority: withDefault(only(uint32({ max: 128 }), 0, 'priorities are not built yet'), 0),
  },
  {
    name: 'envoy.config.endpoint.v3.LocalityLbEndpoints',
    known: {
      metadata: 'not built yet',
      load_balancing_weight: 'locality-weighted load balancing is not built yet',
      ...fields('load_balancer_endpoints leds_cluster_locality_config', 'xDS is not built yet'),
      proximity: 'not built yet',
    },
  },
);

/** Envoy `ClusterLoadAssignment`. */
export const clusterLoadAssignmentSchema = message(
  { cluster_name: required(string({ minLength: 1 })), endpoints: list(localityLbEndpointsSchema) },
  {
    name: 'envoy.config.endpoint.v3.ClusterLoadAssignment',
    known: {
      named_endpoints: 'named endpoints are not built yet',
      policy: 'load assignment policies are not built yet',
    },
  },
);
