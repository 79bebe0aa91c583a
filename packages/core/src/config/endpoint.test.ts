import { describe, expect, it } from 'vitest';
import { assignmentPolicy, staticEndpoints } from './build-endpoints.ts';
import { clusterSchema } from './cluster.ts';
import { clusterLoadAssignmentSchema } from './endpoint.ts';
import { type Accepted, expectAccepted, expectRefused, type Refused, refusals } from './fixture.ts';

const socket = { socket_address: { address: '127.0.0.1', port_value: 80 } };

const assignment = (endpoint: object, group: object = {}, more: object = {}) => ({
  cluster_name: 'c',
  endpoints: [{ lb_endpoints: [{ endpoint: { address: socket, ...endpoint } }], ...group }],
  ...more,
});
const policy = (more: object) => () => assignment({}, {}, { policy: more });

const accepted: readonly Accepted[] = [
  [
    'the valid minimum',
    clusterLoadAssignmentSchema,
    () => assignment({}),
    {
      endpoints: [
        { priority: 0, lbEndpoints: [{ loadBalancingWeight: 1, healthStatus: 'UNKNOWN', endpoint: { hostname: '' } }] },
      ],
    },
  ],
  [
    'priorities, also with gaps, and weights of localities',
    clusterLoadAssignmentSchema,
    () => assignment({}, { priority: 128, load_balancing_weight: 3, proximity: 1 }),
    { endpoints: [{ priority: 128, loadBalancingWeight: 3 }] },
  ],
  [
    'health_check_config and additional_addresses',
    clusterLoadAssignmentSchema,
    () => assignment({ health_check_config: { port_value: 81 }, additional_addresses: [{ address: socket }] }),
    {
      endpoints: [
        {
          lbEndpoints: [
            {
              endpoint: {
                healthCheckConfig: { portValue: 81, hostname: '', disableActiveHealthCheck: false },
                additionalAddresses: [{ address: { socketAddress: { portValue: 80 } } }],
              },
            },
          ],
        },
      ],
    },
  ],
  [
    'policy',
    clusterLoadAssignmentSchema,
    policy({ drop_overloads: [{ category: 'a', drop_percentage: { numerator: 5 } }] }),
    { policy: { overprovisioningFactor: 140, weightedPriorityHealth: false, dropOverloads: [{ category: 'a' }] } },
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
    () => assignment({}, { priority: 129 }),
    'endpoints.0.priority: expected a whole number from 0 to 128, got 129',
  ],
  [
    'locality weight',
    clusterLoadAssignmentSchema,
    () => assignment({}, { load_balancing_weight: 0 }),
    'endpoints.0.load_balancing_weight: expected a whole number from 1 to 4294967295, got 0',
  ],
  [
    'overprovisioning_factor',
    clusterLoadAssignmentSchema,
    policy({ overprovisioning_factor: 0 }),
    'policy.overprovisioning_factor: expected a whole number from 1 to 4294967295, got 0',
  ],
  [
    'two categories',
    clusterLoadAssignmentSchema,
    policy({ drop_overloads: [{ category: 'a' }, { category: 'b' }] }),
    'policy.drop_overloads: Cluster drop_overloads config has 2 categories. Envoy only support one.',
  ],
  [
    'more than everything',
    clusterLoadAssignmentSchema,
    policy({ drop_overloads: [{ category: 'a', drop_percentage: { numerator: 200 } }] }),
    'policy.drop_overloads.0.drop_percentage: Cluster drop_overloads config is invalid. drop_ratio=2(Numerator 200 / Denominator 100). The valid range is 0~1.',
  ],
  [
    'an address for checks that is a name',
    clusterSchema,
    () => {
      const address = { socket_address: { address: 'foo.example', port_value: 80 } };
      return { name: 'c', load_assignment: assignment({ health_check_config: { address } }) };
    },
    'load_assignment.endpoints.0.lb_endpoints.0.endpoint.health_check_config.address.socket_address.address: malformed IP address: foo.example',
  ],
];

describe('clusterLoadAssignmentSchema', () => {
  it.each(accepted)('%s: accepted', (_, schema, value, part) => expectAccepted(schema, value(), part));

  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );
});

describe('staticEndpoints', () => {
  it('has what load_assignment says of each endpoint', () => {
    const config = clusterSchema.parse({
      name: 'c',
      load_assignment: {
        cluster_name: 'c',
        policy: {
          weighted_priority_health: true,
          drop_overloads: [{ category: 'd', drop_percentage: { numerator: 7 } }],
        },
        endpoints: [
          {
            locality: { zone: 'z' },
            priority: 2,
            load_balancing_weight: 9,
            lb_endpoints: [
              {
                health_status: 'DRAINING',
                endpoint: {
                  address: socket,
                  health_check_config: {
                    address: { socket_address: { address: '127.0.0.9', port_value: 1 } },
                    port_value: 2,
                  },
                  additional_addresses: [{ address: { socket_address: { address: '::1', port_value: 3 } } }],
                },
              },
            ],
          },
        ],
      },
    });
    expect(staticEndpoints(config)).toEqual([
      {
        ip: '127.0.0.1',
        port: 80,
        hostname: '',
        weight: 1,
        priority: 2,
        locality: { region: '', zone: 'z', subZone: '' },
        localityWeight: 9,
        metadata: undefined,
        healthStatus: 'DRAINING',
        healthCheck: { ip: '127.0.0.9', port: 2, hostname: '', disabled: false },
        additionalAddresses: [{ ip: '::1', port: 3 }],
      },
    ]);
    expect(assignmentPolicy(config)).toEqual({
      overprovisioningFactor: 140,
      weightedPriorityHealth: true,
      drops: [{ category: 'd', numerator: 7, denominator: 100 }],
    });
  });
});
