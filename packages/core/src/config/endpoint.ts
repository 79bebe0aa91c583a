/** The endpoints of a cluster: `load_assignment`. */
import { address, hostText, locality, metadata } from './common.ts';
import { fields, message, required, withDefault } from './message.ts';
import { bool, duration, enumOf, fractionalPercent, list, nonEmpty, string, uint32 } from './proto-json.ts';

/** Envoy `Endpoint.HealthCheckConfig`. */
const healthCheckConfig = message(
  {
    port_value: withDefault(uint32({ max: 65535 }), 0),
    hostname: withDefault(hostText(), ''),
    address,
    disable_active_health_check: withDefault(bool(), false),
  },
  { name: 'envoy.config.endpoint.v3.Endpoint.HealthCheckConfig' },
);

const additionalAddress = message(
  { address: required(address) },
  { name: 'envoy.config.endpoint.v3.Endpoint.AdditionalAddress' },
);

/** Envoy `Endpoint`. */
const endpointSchema = message(
  {
    address: required(address),
    hostname: withDefault(string(), ''),
    health_check_config: healthCheckConfig,
    additional_addresses: list(additionalAddress),
  },
  {
    name: 'envoy.config.endpoint.v3.Endpoint',
    known: fields('observability_name', 'not built yet'),
  },
);

/** Envoy `HealthStatus`. */
const healthStatus = enumOf(['UNKNOWN', 'HEALTHY', 'UNHEALTHY', 'DRAINING', 'TIMEOUT', 'DEGRADED']);

/** Envoy `LbEndpoint`. */
const lbEndpointSchema = message(
  {
    endpoint: endpointSchema,
    health_status: withDefault(healthStatus, 'UNKNOWN'),
    load_balancing_weight: withDefault(uint32({ min: 1 }), 1),
    metadata,
  },
  {
    name: 'envoy.config.endpoint.v3.LbEndpoint',
    known: { endpoint_name: 'Envoy does not look endpoints up by name either' },
    oneofs: [{ fields: ['endpoint', 'endpoint_name'], required: true }],
  },
);

/** Envoy `LocalityLbEndpoints`: endpoints of one place. Priorities may leave gaps, which are empty sets. */
const localityLbEndpointsSchema = message(
  {
    locality,
    lb_endpoints: list(lbEndpointSchema),
    load_balancing_weight: uint32({ min: 1 }),
    priority: withDefault(uint32({ max: 128 }), 0),
    proximity: uint32(),
  },
  {
    name: 'envoy.config.endpoint.v3.LocalityLbEndpoints',
    known: {
      metadata: 'not built yet',
      ...fields('load_balancer_endpoints leds_cluster_locality_config', 'xDS is not built yet'),
    },
  },
);

/** What the denominators of `FractionalPercent` stand for. */
export const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

const dropOverload = message(
  { category: required(nonEmpty()), drop_percentage: fractionalPercent },
  {
    name: 'envoy.config.endpoint.v3.ClusterLoadAssignment.Policy.DropOverload',
    check({ dropPercentage }, report) {
      const numerator = dropPercentage?.numerator ?? 0;
      const parts = DENOMINATORS[dropPercentage?.denominator ?? 'HUNDRED'];
      if (numerator <= parts) return;
      const ratio = `drop_ratio=${numerator / parts}(Numerator ${numerator} / Denominator ${parts})`;
      const message = `Cluster drop_overloads config is invalid. ${ratio}. The valid range is 0~1.`;
      report({ path: ['drop_percentage'], message });
    },
  },
);

/** Percent. */
const DEFAULT_OVERPROVISIONING = 140;

/** Envoy `ClusterLoadAssignment.Policy`. `endpoint_stale_after` is about endpoints that come by xDS. */
const policy = message(
  {
    drop_overloads: list(dropOverload),
    overprovisioning_factor: withDefault(uint32({ min: 1 }), DEFAULT_OVERPROVISIONING),
    endpoint_stale_after: duration({ aboveMs: 0 }),
    weighted_priority_health: withDefault(bool(), false),
  },
  {
    name: 'envoy.config.endpoint.v3.ClusterLoadAssignment.Policy',
    check({ dropOverloads = [] }, report) {
      if (dropOverloads.length <= 1) return;
      const message = `Cluster drop_overloads config has ${dropOverloads.length} categories. Envoy only support one.`;
      report({ path: ['drop_overloads'], message });
    },
  },
);

/** Envoy `ClusterLoadAssignment`. */
export const clusterLoadAssignmentSchema = message(
  { cluster_name: required(string({ minLength: 1 })), endpoints: list(localityLbEndpointsSchema), policy },
  {
    name: 'envoy.config.endpoint.v3.ClusterLoadAssignment',
    known: { named_endpoints: 'Envoy does not look endpoints up by name either' },
  },
);
