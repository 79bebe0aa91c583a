import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { cluster as clusterOf } from '../compose.ts';
import { createProxy } from '../create-proxy.ts';
import { defineLoadBalancer } from '../define/index.ts';
import { Registry } from '../registry.ts';
import { type ClusterConfig, clusterSchema } from './cluster.ts';
import { expectRefused, type Refused, refusals } from './fixture.ts';
import { ConfigError } from './issues.ts';
import { loadConfigText } from './load.ts';
import { balancingName, balancingOf, panicThresholdOf } from './load-balancing.ts';
import { loadBalancingPolicy } from './load-balancing-policy.ts';
import { typedPolicy } from './load-balancing-typed.ts';
import { message, withDefault } from './message.ts';
import { parseBootstrap } from './parse.ts';
import { bool, list, string, struct, uint64 } from './proto-json.ts';

const PREFIX = 'envoy.load_balancing_policies.';
const TYPES = 'type.googleapis.com/envoy.extensions.load_balancing_policies';
const read = (more: object) => clusterSchema.parse({ name: 'c', ...more }) as ClusterConfig;
const selectors = [{ keys: ['stage'] }];
const hostnames = { consistent_hashing_lb_config: { use_hostname_for_hashing: true, hash_balance_factor: 120 } };

describe('typedPolicy', () => {
  it.each<readonly [what: string, cluster: object, name: string, config: object]>([
    ['nothing said', {}, 'round_robin', {}],
    ['options of another policy', { ring_hash_lb_config: { minimum_ring_size: 5 } }, 'round_robin', {}],
    ['the name of 2018', { lb_policy: 'ring_hash' }, 'ring_hash', {}],
    ['a number', { lb_policy: 5 }, 'maglev', {}],
    [
      'ring_hash_lb_config',
      { lb_policy: 'RING_HASH', ring_hash_lb_config: { minimum_ring_size: 3, hash_function: 1 } },
      'ring_hash',
      { minimumRingSize: 3, hashFunction: 'MURMUR_HASH_2' },
    ],
    [
      'maglev_lb_config and what hashing shares',
      {
        lb_policy: 'MAGLEV',
        type: 'STRICT_DNS',
        maglev_lb_config: { table_size: '7' },
        common_lb_config: { ...hostnames, locality_weighted_lb_config: {} },
      },
      'maglev',
      {
        tableSize: 7,
        consistentHashingLbConfig: { useHostnameForHashing: true, hashBalanceFactor: 120 },
        localityWeightedLbConfig: {},
      },
    ],
    [
      'least_request_lb_config',
      {
        lb_policy: 'LEAST_REQUEST',
        least_request_lb_config: {
          choice_count: 3,
          active_request_bias: { default_value: 0.5, runtime_key: 'k' },
          slow_start_config: { slow_start_window: '1.5s', min_weight_percent: { value: 5 } },
        },
      },
      'least_request',
      {
        choiceCount: 3,
        activeRequestBias: { defaultValue: 0.5, runtimeKey: 'k' },
        slowStartConfig: { slowStartWindow: '1.5s', minWeightPercent: { value: 5 } },
      },
    ],
    [
      'zone_aware_lb_config',
      { lb_policy: 'RANDOM', common_lb_config: { zone_aware_lb_config: { min_cluster_size: 2 } } },
      'random',
      { localityLbConfig: { zoneAwareLbConfig: { minClusterSize: 2, failTrafficOnPanic: false } } },
    ],
    [
      'locality_weighted_lb_config',
      { common_lb_config: { locality_weighted_lb_config: {} } },
      'round_robin',
      { localityLbConfig: { localityWeightedLbConfig: {} } },
    ],
    ['CLUSTER_PROVIDED', { lb_policy: 'CLUSTER_PROVIDED' }, 'cluster_provided', {}],
    ['subsets without selectors', { lb_subset_config: { fallback_policy: 'ANY_ENDPOINT' } }, 'round_robin', {}],
  ])('of %s', (_what, more, name, config) => {
    expect(typedPolicy(read(more), () => undefined)).toEqual({ name: PREFIX + name, config });
  });

  it('puts the policy into the subsets', () => {
    const config = read({
      lb_policy: 'MAGLEV',
      maglev_lb_config: { table_size: 7 },
      lb_subset_config: { subset_selectors: selectors, fallback_policy: 'DEFAULT_SUBSET', default_subset: { a: 1 } },
    });
    expect(typedPolicy(config, () => 'some/type')).toMatchObject({
      name: `${PREFIX}subset`,
      config: {
        fallbackPolicy: 'DEFAULT_SUBSET',
        defaultSubset: { a: 1 },
        subsetSelectors: [{ keys: ['stage'], fallbackPolicy: 'NOT_DEFINED' }],
        subsetLbPolicy: {
          policies: [
            {
              typedExtensionConfig: {
                name: `${PREFIX}maglev`,
                typedConfig: { '@type': 'some/type', tableSize: 7 },
              },
            },
          ],
        },
      },
    });
    expect(balancingName(config)).toBe(`${PREFIX}subset`);
  });
});

describe('panicThresholdOf', () => {
  it.each([
    [{}, 50],
    [{ common_lb_config: {} }, 50],
    [{ common_lb_config: { healthy_panic_threshold: {} } }, 0],
    [{ common_lb_config: { healthy_panic_threshold: { value: 32.5 } } }, 33],
  ])('of %j', (more, expected) => expect(panicThresholdOf(read(more))).toBe(expected));
});

const even = (message: string) => (config: { size?: number | undefined }, report: (issue: object) => void) => {
  if (config.size !== undefined && config.size % 2 === 1) report({ path: ['table_size'], message });
};

const policy = (name: string, type: string, fields: object, check?: unknown) =>
  defineLoadBalancer({
    name: PREFIX + name,
    typeUrl: `${TYPES}.${name}.v3.${type}`,
    config: message(fields as never, {
      name: `envoy.extensions.load_balancing_policies.${name}.v3.${type}`,
      ...(check === undefined ? {} : { check: check as never }),
    }),
    create: () => ({ update() {}, pick: () => undefined }),
  });

const maglev = policy('maglev', 'Maglev', { table_size: withDefault(uint64(), 8) }, (config: object, report: never) =>
  even('no odd tables')({ size: (config as { tableSize?: number }).tableSize }, report),
);
const subset = policy('subset', 'Subset', {
  fallback_policy: string(),
  metadata_fallback_policy: string(),
  default_subset: struct(),
  subset_selectors: list(struct()),
  locality_weight_aware: bool(),
  scale_locality_weight: bool(),
  panic_mode_any: bool(),
  list_as_any: bool(),
  subset_lb_policy: loadBalancingPolicy('subset: none of '),
});
/** A policy of the user's own: plain zod, no type URL. */
const mine = defineLoadBalancer({
  name: 'acme.mine',
  config: z.object({ stepSize: z.number().default(1) }),
  create: () => ({ update() {}, pick: () => undefined }),
});
const extensions = new Registry([maglev, subset, mine]);

const load = (text: string) =>
  parseBootstrap(loadConfigText(`static_resources:\n  clusters:\n  - name: c\n${text}`, 'c.yaml'), { extensions });
const typed = (...entries: string[]) =>
  `    load_balancing_policy:\n      policies:\n${entries.map((each) => `      - typed_extension_config: ${each}\n`).join('')}`;
const entry = (name: string, type: string, config = '') =>
  `{ name: ${name}, typed_config: { "@type": ${TYPES}.${type}${config && `, ${config}`} } }`;
const balancing = (text: string) => {
  const [config] = load(text).config.staticResources.clusters as [ClusterConfig];
  return balancingOf(config, extensions);
};

describe('load_balancing_policy', () => {
  it('takes the first policy that is served, and looks at no other', () => {
    const text = typed(
      entry('first', 'random.v3.Random'),
      entry('second', 'maglev.v3.Maglev', 'table_size: 6'),
      entry('third', 'maglev.v3.Maglev', 'bogus: 1'),
    );
    expect(balancing(text)).toMatchObject({ name: maglev.name, definition: maglev, config: { tableSize: 6 } });
  });

  it('knows a policy of the user by its name', () => {
    expect(balancing(typed('{ name: acme.mine, typed_config: { step_size: 2 } }'))).toMatchObject({
      name: 'acme.mine',
      config: { stepSize: 2 },
    });
    expect(balancing(typed('{ name: acme.mine }'))).toMatchObject({ config: { stepSize: 1 } });
  });

  it('looks up the policies inside of policies', () => {
    const inner = `subset_lb_policy: { policies: [{ typed_extension_config: ${entry('m', 'maglev.v3.Maglev', 'table_size: 4')} }] }`;
    expect(balancing(typed(entry('s', 'subset.v3.Subset', inner)))).toMatchObject({
      name: subset.name,
      config: { subsetLbPolicy: { name: maglev.name, config: { tableSize: 4 } } },
    });
  });

  it('takes the place of lb_policy', () => {
    const text = `    lb_policy: ROUND_ROBIN\n${typed(entry('m', 'maglev.v3.Maglev'))}`;
    expect(balancing(text).name).toBe(maglev.name);
  });

  it.each([
    [
      'served by nobody',
      typed(entry('one', 'random.v3.Random'), '{ name: acme.other }'),
      "c.yaml:5:7 static_resources.clusters[0].load_balancing_policy: cluster: didn't find a registered load balancer factory implementation for cluster: 'c' with names from [one, acme.other]",
    ],
    [
      'empty',
      '    load_balancing_policy: {}\n',
      "c.yaml:4:28 static_resources.clusters[0].load_balancing_policy: cluster: didn't find a registered load balancer factory implementation for cluster: 'c' with names from []",
    ],
    [
      'with a bad option',
      typed(entry('m', 'maglev.v3.Maglev', 'table_size: 7')),
      'c.yaml:6:160 static_resources.clusters[0].load_balancing_policy.policies[0].typed_extension_config.typed_config.table_size: no odd tables',
    ],
    [
      'with a bad option of the user',
      typed('{ name: acme.mine, typed_config: { step_size: a } }'),
      'c.yaml:6:79 static_resources.clusters[0].load_balancing_policy.policies[0].typed_extension_config.typed_config.step_size: expected a number, got "a"',
    ],
    [
      'with nobody inside',
      typed(
        entry('s', 'subset.v3.Subset', 'subset_lb_policy: { policies: [{ typed_extension_config: { name: x } }] }'),
      ),
      'c.yaml:6:166 static_resources.clusters[0].load_balancing_policy.policies[0].typed_extension_config.typed_config.subset_lb_policy: subset: none of [x]',
    ],
    [
      'that could not be read',
      typed('{ name: m, typed_config: 5 }'),
      'c.yaml:6:58 static_resources.clusters[0].load_balancing_policy.policies[0].typed_extension_config.typed_config: expected a map with "@type", got 5',
    ],
    [
      'in the old form, with a bad option',
      '    lb_policy: MAGLEV\n    maglev_lb_config: { table_size: 7 }\n',
      'c.yaml:5:37 static_resources.clusters[0].maglev_lb_config.table_size: no odd tables',
    ],
    [
      'in the old form, within subsets',
      '    lb_policy: MAGLEV\n    maglev_lb_config: { table_size: 7 }\n    lb_subset_config: { subset_selectors: [{ keys: [a] }] }\n',
      'c.yaml:5:37 static_resources.clusters[0].maglev_lb_config.table_size: no odd tables',
    ],
    [
      'in the old form, served by nobody',
      '    lb_policy: RANDOM\n',
      'c.yaml:4:16 static_resources.clusters[0].lb_policy: no extension serves envoy.load_balancing_policies.random (pass extensions: [...standard])',
    ],
    [
      'in the old form, with options that core has not',
      '    round_robin_lb_config: { slow_start_config: { slow_start_window: 1s } }\n',
      'c.yaml:3:5 static_resources.clusters[0].lb_policy: no extension serves envoy.load_balancing_policies.round_robin (pass extensions: [...standard])',
    ],
  ])('tells where it is wrong: %s', (_what, text, expected) => {
    const told = () => {
      try {
        return load(text) && '';
      } catch (error) {
        return error instanceof ConfigError ? error.message.replace(/^(?:.*)problems?:\n/, '') : String(error);
      }
    };
    expect(told().split('\n')).toContain(expected);
  });

  it('is what a factory returns, in code', async () => {
    const config = clusterOf('c', { endpoints: ['127.0.0.1:1'], loadBalancing: mine({ stepSize: 3 }) });
    expect(balancingOf(config, new Registry([]))).toEqual({
      name: 'acme.mine',
      definition: mine,
      config: { stepSize: 3 },
    });
    const inner = clusterOf('c', { endpoints: [], loadBalancing: subset({ subsetLbPolicy: mine() } as never) });
    expect(balancingOf(inner, new Registry([])).config).toMatchObject({ subsetLbPolicy: { name: 'acme.mine' } });
    const proxy = await createProxy({ clusters: [config] });
    await proxy.close();
  });
});

const host = (load_balancing_weight: number) => ({
  endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: 1 } } },
  load_balancing_weight,
});
const group = (zone: string, weights: readonly number[], more: object = {}) => ({
  locality: { zone },
  lb_endpoints: weights.map(host),
  ...more,
});

describe('weights', () => {
  const told = (endpoints: readonly object[], more: object) => {
    const text = JSON.stringify({
      static_resources: { clusters: [{ name: 'c', load_assignment: { cluster_name: 'c', endpoints }, ...more }] },
    });
    try {
      return parseBootstrap(loadConfigText(text, 'c.json'), { extensions }) && '';
    } catch (error) {
      return error instanceof ConfigError ? error.message : String(error);
    }
  };
  const most = 4_294_967_295;
  const ofHosts = `The sum of weights of all upstream hosts in a locality exceeds ${most}`;
  const maglevPolicy = { lb_policy: 'MAGLEV' };

  it('must fit into 32 bits where hosts are hashed', () => {
    expect(told([group('a', [most, 2])], maglevPolicy)).toContain(ofHosts);
    const divided = { ...maglevPolicy, lb_subset_config: { subset_selectors: selectors } };
    expect(told([group('a', [most, 2])], divided)).toContain(ofHosts);
    expect(told([group('a', [most, 2])], {})).toBe('');
  });

  it('of localities must fit as well', () => {
    const heavy = { load_balancing_weight: most };
    const groups = [group('a', [1], heavy), group('b', [1], heavy)];
    expect(told(groups, maglevPolicy)).toContain(
      `The sum of weights of all localities at the same priority exceeds ${most}`,
    );
    expect(told(groups, {})).toBe('');
    expect(told([group('a', [1], heavy), group('b', [1], { ...heavy, priority: 1 })], maglevPolicy)).toBe('');
  });
});

const cluster = (more: object) => ({ name: 'c', ...more });
const any = { load_balancing_policy: { policies: [] } };
const partial =
  'load_balancing_policy: cluster: load_balancing_policy cannot be combined with partial fields (zone_aware_lb_config, locality_weighted_lb_config, consistent_hashing_lb_config) of common_lb_config';

const refused: readonly Refused[] = [
  [
    'a ring that is too large',
    clusterSchema,
    () => cluster({ ring_hash_lb_config: { minimum_ring_size: 8_388_609 } }),
    'ring_hash_lb_config.minimum_ring_size: expected a whole number from 0 to 8388608, got 8388609',
  ],
  [
    'a table that is too large',
    clusterSchema,
    () => cluster({ maglev_lb_config: { table_size: 5_000_012 } }),
    'maglev_lb_config.table_size: expected a whole number from 0 to 5000011, got 5000012',
  ],
  [
    'one choice',
    clusterSchema,
    () => cluster({ least_request_lb_config: { choice_count: 1 } }),
    'least_request_lb_config.choice_count: expected a whole number from 2 to 4294967295, got 1',
  ],
  [
    'a balance factor below the average',
    clusterSchema,
    () => cluster({ common_lb_config: { consistent_hashing_lb_config: { hash_balance_factor: 99 } } }),
    'common_lb_config.consistent_hashing_lb_config.hash_balance_factor: expected a whole number from 100 to 4294967295, got 99',
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
    'a policy beside subsets',
    clusterSchema,
    () => cluster({ ...any, lb_subset_config: {} }),
    'load_balancing_policy: cluster: load_balancing_policy cannot be combined with lb_subset_config',
  ],
  ...['zone_aware_lb_config', 'locality_weighted_lb_config', 'consistent_hashing_lb_config'].map(
    (field): Refused => [
      `a policy beside ${field}`,
      clusterSchema,
      () => cluster({ ...any, common_lb_config: { [field]: {} } }),
      partial,
    ],
  ),
  [
    'options of two policies',
    clusterSchema,
    () => cluster({ ring_hash_lb_config: {}, maglev_lb_config: {} }),
    'maglev_lb_config: only one of ring_hash_lb_config, maglev_lb_config may be given',
  ],
  [
    'zones and weights',
    clusterSchema,
    () => cluster({ common_lb_config: { zone_aware_lb_config: {}, locality_weighted_lb_config: {} } }),
    'common_lb_config.locality_weighted_lb_config: only one of zone_aware_lb_config, locality_weighted_lb_config may be given',
  ],
  [
    'subsets of what the cluster provides',
    clusterSchema,
    () => cluster({ lb_policy: 'CLUSTER_PROVIDED', lb_subset_config: { subset_selectors: selectors } }),
    'lb_policy: cluster: LB policy CLUSTER_PROVIDED cannot be combined with lb_subset_config',
  ],
  [
    'subsets that know places when the cluster does not',
    clusterSchema,
    () => cluster({ lb_subset_config: { locality_weight_aware: true } }),
    'lb_subset_config.locality_weight_aware: Locality weight aware subset LB requires that a locality_weighted_lb_config be set in c',
  ],
];

describe('load balancing', () => {
  it.each(refusals(refused))('$name is refused', ({ schema, value, messages }) =>
    expectRefused(schema, value(), messages),
  );

  it('takes options of a policy that is not in force, and the panic threshold beside a typed policy', () => {
    const config = cluster({
      ...any,
      maglev_lb_config: { table_size: 10 },
      common_lb_config: { healthy_panic_threshold: { value: 10 } },
    });
    expect(clusterSchema.safeParse(config).success).toBe(true);
  });
});
