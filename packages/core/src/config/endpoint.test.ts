import { describe, it } from 'vitest';
import { clusterLoadAssignmentSchema } from './endpoint.ts';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';

const socket = { socket_address: { address: '127.0.0.1', port_value: 80 } };
const unsupported = (reason: string) => `known to Envoy, not supported here: ${reason}`;

const accepted: readonly Accepted[] = [
  [
    'ClusterLoadAssignment',
    clusterLoadAssignmentSchema,
    () => ({ cluster_name: 'c', endpoints: [{ lb_endpoints: [{ endpoint: { address: socket } }] }] }),
    { endpoints: [{ priority: 0, lbEndpoints: [{ loadBalancingWeight: 1, endpoint: { hostname: '' } }] }] },
  ],
];

const refused: readonly Refused[] = [
  [
    'weight',
    clusterLoadAssignmentSchema,
    () => ({
      cluster_name: 'c',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socket }, load_balancing_weight: 0 }] }],
    }),
    'endpoints.0.lb_endpoints.0.load_balancing_weight: expected a whole number from 1 to 4294967295, got 0',
  ],
  [
    'priority',
    clusterLoadAssignmentSchema,
    () => ({ cluster_name: 'c', endpoints: [{ priority: 1 }] }),
    `endpoints.0.priority: 1 is ${unsupported('priorities are not built yet')}`,
  ],
  [
    'locality weight',
    clusterLoadAssignmentSchema,
    () => ({ cluster_name: 'c', endpoints: [{ load_balancing_weight: 1 }] }),
    `endpoints.0.load_balancing_weight: ${unsupported('locality-weighted load balancing is not built yet')}`,
  ],
];

describe('clusterLoadAssignmentSchema', () => {
  it.each(accepted)('%s: the valid minimum is accepted', (_, schema, value, part) =>
    expectAccepted(schema, value(), part),
  );

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});
