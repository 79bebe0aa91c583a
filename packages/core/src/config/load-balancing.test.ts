import { describe, expect, it } from 'vitest';
import { type ClusterConfig, clusterSchema } from './cluster.ts';
import { expectRefused, type Refused, refusals } from './fixture.ts';
import { balancingOf } from './load-balancing.ts';

const POLICIES = 'type.googleapis.com/envoy.extensions.load_balancing_policies';
const cluster = (more: object) => ({ name: 'c', ...more });
const ring = (more: object = {}) => cluster({ lb_policy: 'RING_HASH', ...more });
const policies = (...all: readonly (readonly [name: string, config?: object])[]) => ({
  load_balancing_policy: {
    policies: all.map(([name, config]) => ({
      typed_extension_config: { name: 'any', typed_config: { '@type': `${POLICIES}.${name}`, ...config } },
    })),
  },
});
const RING = 'ring_hash.v3.RingHash';
const hostnames = { consistent_hashing_lb_config: { use_hostname_for_hashing: true } };
const refusal = (reason: string) => `known to Envoy, not supported here: ${reason}`;
const others = 'only round robin and ring hash are built';
const extension = 'load_balancing_policy.policies.0.typed_extension_config.typed_config';
const DEFAULTS = {
  minimumRingSize: 1024,
  maximumRingSize: 8_388_608,
  hashFunction: 'XX_HASH',
  useHostnameForHashing: false,
};

describe('balancingOf', () => {
  it.each<readonly [string, object, object | undefined]>([
    ['nothing said', cluster({}), undefined],
    ['options of another policy', cluster({ ring_hash_lb_config: { minimum_ring_size: 5 } }), undefined],
    [
      'options of another policy that do not fit',
      cluster({ ring_hash_lb_config: { maximum_ring_size: 5 } }),
      undefined,
    ],
    ['RING_HASH', ring(), DEFAULTS],
    ['the number of RING_HASH', cluster({ lb_policy: 2 }), DEFAULTS],
    ['the name of RING_HASH of 2018', cluster({ lb_policy: 'ring_hash' }), DEFAULTS],
    [
      'ring_hash_lb_config',
      ring({ ring_hash_lb_config: { minimum_ring_size: 3, maximum_ring_size: '9', hash_function: 1 } }),
      { ...DEFAULTS, minimumRingSize: 3, maximumRingSize: 9, hashFunction: 'MURMUR_HASH_2' },
    ],
    ['an empty ring', ring({ ring_hash_lb_config: { minimum_ring_size: 0 } }), { ...DEFAULTS, minimumRingSize: 0 }],
    [
      'host names',
      ring({ type: 'STRICT_DNS', common_lb_config: hostnames }),
      { ...DEFAULTS, useHostnameForHashing: true },
    ],
    ['a typed ring', cluster(policies([RING])), DEFAULTS],
    [
      'a typed ring over RING_HASH',
      ring({ ring_hash_lb_config: { minimum_ring_size: 5 }, ...policies([RING]) }),
      DEFAULTS,
    ],
    [
      'a typed ring with options',
      cluster({
        lb_policy: 'LOAD_BALANCING_POLICY_CONFIG',
        ...policies([RING, { minimum_ring_size: 3, hash_function: 'MURMUR_HASH_2', ...hostnames }]),
      }),
      { ...DEFAULTS, minimumRingSize: 3, hashFunction: 'MURMUR_HASH_2', useHostnameForHashing: true },
    ],
    [
      'a typed ring with the old field of host names',
      cluster(policies([RING, { hash_function: 'XX_HASH', use_hostname_for_hashing: true }])),
      { ...DEFAULTS, useHostnameForHashing: true },
    ],
    [
      'a typed ring whose new field takes the place of the old',
      cluster(policies([RING, { use_hostname_for_hashing: true, consistent_hashing_lb_config: {} }])),
      DEFAULTS,
    ],
    ['the first of several', cluster(policies(['round_robin.v3.RoundRobin'], [RING])), undefined],
  ])('of %s', (_what, config, ringHash) => {
    const read = clusterSchema.parse(config) as ClusterConfig;
    const name = `envoy.load_balancing_policies.${ringHash === undefined ? 'round_robin' : 'ring_hash'}`;
    expect(balancingOf(read)).toEqual({ name, config: ringHash });
  });
});

const weights = (...all: number[]) => ({
  load_assignment: {
    cluster_name: 'c',
    endpoints: [
      {
        lb_endpoints: all.map((load_balancing_weight) => ({
          endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: 1 } } },
          load_balancing_weight,
        })),
      },
    ],
  },
});

const refused: readonly Refused[] = [
  [
    'a smallest ring above the largest',
    clusterSchema,
    () => ring({ ring_hash_lb_config: { minimum_ring_size: 10, maximum_ring_size: 5 } }),
    'ring_hash_lb_config.minimum_ring_size: ring hash: minimum_ring_size (10) > maximum_ring_size (5)',
  ],
  [
    'a largest ring below the default of the smallest',
    clusterSchema,
    () => ring({ ring_hash_lb_config: { maximum_ring_size: 5 } }),
    'ring_hash_lb_config.maximum_ring_size: ring hash: minimum_ring_size (1024) > maximum_ring_size (5)',
  ],
  [
    'the same in a typed policy',
    clusterSchema,
    () => cluster(policies([RING, { maximum_ring_size: 5 }])),
    `${extension}.maximum_ring_size: ring hash: minimum_ring_size (1024) > maximum_ring_size (5)`,
  ],
  [
    'a ring that is too large',
    clusterSchema,
    () => ring({ ring_hash_lb_config: { minimum_ring_size: 8_388_609 } }),
    'ring_hash_lb_config.minimum_ring_size: expected a whole number from 0 to 8388608, got 8388609',
  ],
  [
    'a hash function',
    clusterSchema,
    () => ring({ ring_hash_lb_config: { hash_function: 'MD5' } }),
    'ring_hash_lb_config.hash_function: expected one of XX_HASH, MURMUR_HASH_2, got "MD5"',
  ],
  [
    'bounded loads',
    clusterSchema,
    () => ring({ common_lb_config: { consistent_hashing_lb_config: { hash_balance_factor: 120 } } }),
    `common_lb_config.consistent_hashing_lb_config.hash_balance_factor: ${refusal('bounded loads are not built yet')}`,
  ],
  [
    'host names of a static cluster',
    clusterSchema,
    () => cluster({ common_lb_config: hostnames }),
    "common_lb_config.consistent_hashing_lb_config.use_hostname_for_hashing: Cannot use hostname for consistent hashing loadbalancing for cluster of type: 'envoy.cluster.static'",
  ],
  [
    'LOAD_BALANCING_POLICY_CONFIG alone',
    clusterSchema,
    () => cluster({ lb_policy: 'LOAD_BALANCING_POLICY_CONFIG' }),
    'lb_policy: cluster: field load_balancing_policy need to be set',
  ],
  [
    'no policy in the list',
    clusterSchema,
    () => cluster({ load_balancing_policy: {} }),
    "load_balancing_policy: cluster: didn't find a registered load balancer factory implementation for cluster: 'c' with names from []",
  ],
  [
    'a policy of this name',
    clusterSchema,
    () => cluster({ load_balancing_policy: { policies: [{ typed_extension_config: { name: 'acme.mine' } }] } }),
    "load_balancing_policy.policies.0.typed_extension_config.name: Didn't find a registered implementation for 'acme.mine' with type URL: ''",
  ],
  [
    'a policy that is not built',
    clusterSchema,
    () => cluster(policies(['maglev.v3.Maglev'])),
    `${extension}.@type: envoy.load_balancing_policies.maglev is ${refusal(others)}`,
  ],
  [
    'a policy beside common options of hashing',
    clusterSchema,
    () => cluster({ common_lb_config: { consistent_hashing_lb_config: {} }, ...policies([RING]) }),
    'load_balancing_policy: cluster: load_balancing_policy cannot be combined with partial fields (zone_aware_lb_config, locality_weighted_lb_config, consistent_hashing_lb_config) of common_lb_config',
  ],
  [
    'weights beyond 32 bits on a ring',
    clusterSchema,
    () => ring(weights(4_294_967_295, 2)),
    'load_assignment.endpoints.0: The sum of weights of all upstream hosts in a locality exceeds 4294967295',
  ],
  [
    'the same on a typed ring',
    clusterSchema,
    () => cluster({ ...weights(4_294_967_295, 2), ...policies([RING]) }),
    'load_assignment.endpoints.0: The sum of weights of all upstream hosts in a locality exceeds 4294967295',
  ],
];

describe('load balancing', () => {
  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );

  it('takes the same weights when it goes round robin', () => {
    expect(clusterSchema.safeParse(cluster(weights(4_294_967_295, 2))).success).toBe(true);
  });
});
