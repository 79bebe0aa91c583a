/** How a cluster chooses its hosts: `lb_policy` with its options, or `load_balancing_policy`. */
import type { z } from 'zod';
import type { BalancingChoice } from '../api/load-balancer.ts';
import type { RingHashSettings } from '../upstream/settings.ts';
import { type DeepPartial, fields, message, required, withDefault } from './message.ts';
import { bool, enumOf, list, uint64 } from './proto-json.ts';
import type { Report } from './schema-type.ts';
import { type TypedExtension, typedExtension } from './typed-extension.ts';

/** Why the other policies are refused. */
export const otherBalancing = 'only round robin and ring hash are built';

const boundedLoads = 'bounded loads are not built yet';
const localityWeights = 'locality-weighted load balancing is not built yet';

/** Default and limit of both ring sizes' upper end. */
const MOST_PLACES = 8_388_608;
const DEFAULT_PLACES = 1024;

/** Envoy `Cluster.LbPolicy`. */
export const lbPolicy = enumOf(
  ['ROUND_ROBIN', 'RING_HASH', 'LOAD_BALANCING_POLICY_CONFIG'],
  {
    LEAST_REQUEST: { number: 1, reason: otherBalancing },
    RANDOM: { number: 3, reason: otherBalancing },
    ORIGINAL_DST_LB: { number: 4, reason: otherBalancing },
    MAGLEV: { number: 5, reason: otherBalancing },
    CLUSTER_PROVIDED: { number: 6, reason: otherBalancing },
  },
  [0, 2, 7],
);

const ringSizes = {
  minimum_ring_size: withDefault(uint64({ max: MOST_PLACES }), DEFAULT_PLACES),
  maximum_ring_size: withDefault(uint64({ max: MOST_PLACES }), MOST_PLACES),
};

/** Envoy `Cluster.RingHashLbConfig`. */
export const ringHashLbConfig = message(
  { ...ringSizes, hash_function: withDefault(enumOf(['XX_HASH', 'MURMUR_HASH_2']), 'XX_HASH') },
  { name: 'envoy.config.cluster.v3.Cluster.RingHashLbConfig' },
);

/** Envoy `Cluster.CommonLbConfig`. */
export const commonLbConfig = message(
  {
    consistent_hashing_lb_config: message(
      { use_hostname_for_hashing: withDefault(bool(), false) },
      {
        name: 'envoy.config.cluster.v3.Cluster.CommonLbConfig.ConsistentHashingLbConfig',
        known: { hash_balance_factor: boundedLoads },
      },
    ),
  },
  {
    name: 'envoy.config.cluster.v3.Cluster.CommonLbConfig',
    known: {
      zone_aware_lb_config: 'zone-aware routing is not built yet',
      locality_weighted_lb_config: localityWeights,
      ...fields(
        'healthy_panic_threshold ignore_new_hosts_until_first_hc override_host_status',
        'health checks are not built yet',
      ),
      ...fields('update_merge_window close_connections_on_host_set_change', 'not built yet'),
    },
  },
);

const ringHash = message(
  {
    ...ringSizes,
    hash_function: withDefault(enumOf(['DEFAULT_HASH', 'XX_HASH', 'MURMUR_HASH_2']), 'DEFAULT_HASH'),
    use_hostname_for_hashing: withDefault(bool(), false),
    consistent_hashing_lb_config: message(
      { use_hostname_for_hashing: withDefault(bool(), false) },
      {
        name: 'envoy.extensions.load_balancing_policies.common.v3.ConsistentHashingLbConfig',
        known: { hash_balance_factor: boundedLoads, hash_policy: 'use the hash_policy of routes' },
      },
    ),
  },
  {
    name: 'envoy.extensions.load_balancing_policies.ring_hash.v3.RingHash',
    known: { hash_balance_factor: boundedLoads, locality_weighted_lb_config: localityWeights },
    check: checkRingSizes,
  },
);

const roundRobin = message(
  {},
  {
    name: 'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin',
    known: { slow_start_config: 'slow start is not built yet', locality_lb_config: localityWeights },
  },
);

/** Other policies by the last part of their name, with their message. */
const OTHERS = {
  client_side_weighted_round_robin: 'ClientSideWeightedRoundRobin',
  cluster_provided: 'ClusterProvided',
  least_request: 'LeastRequest',
  maglev: 'Maglev',
  override_host: 'OverrideHost',
  random: 'Random',
  subset: 'Subset',
  wrr_locality: 'WrrLocality',
};

const policyExtension = typedExtension('envoy.config.core.v3.TypedExtensionConfig', [
  { name: 'envoy.load_balancing_policies.round_robin', schema: roundRobin },
  { name: 'envoy.load_balancing_policies.ring_hash', schema: ringHash },
  ...Object.entries(OTHERS).map(([name, type]) => ({
    name: `envoy.load_balancing_policies.${name}`,
    schema: undefined,
    type: `envoy.extensions.load_balancing_policies.${name}.v3.${type}`,
    reason: otherBalancing,
  })),
]);

/** Envoy `LoadBalancingPolicy`: the first one is used. */
export const loadBalancingPolicy = message(
  {
    policies: list(
      message(
        { typed_extension_config: required(policyExtension) },
        { name: 'envoy.config.cluster.v3.LoadBalancingPolicy.Policy' },
      ),
    ),
  },
  { name: 'envoy.config.cluster.v3.LoadBalancingPolicy' },
);

/** What of a cluster has to do with the choice of its hosts. */
interface BalancedCluster {
  readonly name: string;
  readonly type: string;
  readonly lbPolicy: z.output<typeof lbPolicy>;
  readonly ringHashLbConfig?: z.output<typeof ringHashLbConfig>;
  readonly commonLbConfig?: z.output<typeof commonLbConfig>;
  readonly loadBalancingPolicy?: z.output<typeof loadBalancingPolicy>;
  readonly loadAssignment?: Weighted;
}

interface Weighted {
  readonly endpoints: readonly { readonly lbEndpoints: readonly { readonly loadBalancingWeight: number }[] }[];
}

/** The policy in force: `load_balancing_policy` takes the place of `lb_policy`. */
export function balancingOf(cluster: BalancedCluster): BalancingChoice {
  const given = cluster.loadBalancingPolicy?.policies[0]?.typedExtensionConfig;
  const ringHash = given === undefined ? oldRingHash(cluster) : typedRingHash(given);
  if (ringHash !== undefined) return { name: 'envoy.load_balancing_policies.ring_hash', config: ringHash };
  return { name: 'envoy.load_balancing_policies.round_robin', config: undefined };
}

function oldRingHash({ lbPolicy, ringHashLbConfig, commonLbConfig }: BalancedCluster): RingHashSettings | undefined {
  if (lbPolicy !== 'RING_HASH') return undefined;
  return ringHashSettings(ringHashLbConfig ?? {}, commonLbConfig?.consistentHashingLbConfig);
}

function typedRingHash({ name, config }: TypedExtension): RingHashSettings | undefined {
  if (name !== 'envoy.load_balancing_policies.ring_hash') return undefined;
  const given = (config ?? {}) as DeepPartial<z.output<typeof ringHash>>;
  return ringHashSettings(given, given.consistentHashingLbConfig ?? given);
}

/** What a cluster made in code leaves out has its default here. */
function ringHashSettings(
  ring: DeepPartial<Pick<z.output<typeof ringHash>, 'minimumRingSize' | 'maximumRingSize' | 'hashFunction'>>,
  common: { readonly useHostnameForHashing?: boolean | undefined } | undefined,
): RingHashSettings {
  return {
    minimumRingSize: ring.minimumRingSize ?? DEFAULT_PLACES,
    maximumRingSize: ring.maximumRingSize ?? MOST_PLACES,
    hashFunction: ring.hashFunction === 'MURMUR_HASH_2' ? 'MURMUR_HASH_2' : 'XX_HASH',
    useHostnameForHashing: common?.useHostnameForHashing ?? false,
  };
}

/** Envoy's rules across the fields; what it leaves alone because another policy is in force is left alone here. */
export function checkBalancing(cluster: DeepPartial<BalancedCluster>, report: Report): void {
  checkHostnameHashing(cluster, report);
  if (cluster.loadBalancingPolicy !== undefined) checkPolicies(cluster, report);
  else if (cluster.lbPolicy === 'LOAD_BALANCING_POLICY_CONFIG') {
    report({ path: ['lb_policy'], message: 'cluster: field load_balancing_policy need to be set' });
  } else if (cluster.lbPolicy === 'RING_HASH') {
    const below: Report = (issue) => report({ ...issue, path: ['ring_hash_lb_config', ...(issue.path ?? [])] });
    checkRingSizes(cluster.ringHashLbConfig ?? {}, below);
  }
  if (hashes(cluster)) checkWeights(cluster, report);
}

function checkHostnameHashing({ type, commonLbConfig }: DeepPartial<BalancedCluster>, report: Report): void {
  if (commonLbConfig?.consistentHashingLbConfig?.useHostnameForHashing !== true || type !== 'STATIC') return;
  report({
    path: ['common_lb_config', 'consistent_hashing_lb_config', 'use_hostname_for_hashing'],
    message: "Cannot use hostname for consistent hashing loadbalancing for cluster of type: 'envoy.cluster.static'",
  });
}

function checkPolicies(cluster: DeepPartial<BalancedCluster>, report: Report): void {
  if (cluster.loadBalancingPolicy?.policies?.length === 0) {
    const message = `cluster: didn't find a registered load balancer factory implementation for cluster: '${cluster.name ?? ''}' with names from []`;
    report({ path: ['load_balancing_policy'], message });
  }
  if (cluster.commonLbConfig?.consistentHashingLbConfig === undefined) return;
  report({
    path: ['load_balancing_policy'],
    at: 'key',
    message:
      'cluster: load_balancing_policy cannot be combined with partial fields (zone_aware_lb_config, locality_weighted_lb_config, consistent_hashing_lb_config) of common_lb_config',
  });
}

function checkRingSizes(
  {
    minimumRingSize,
    maximumRingSize,
  }: { readonly minimumRingSize?: number | undefined; readonly maximumRingSize?: number | undefined },
  report: Report,
): void {
  const minimum = minimumRingSize ?? DEFAULT_PLACES;
  const maximum = maximumRingSize ?? MOST_PLACES;
  if (minimum <= maximum) return;
  report({
    path: [minimumRingSize === undefined || minimum === DEFAULT_PLACES ? 'maximum_ring_size' : 'minimum_ring_size'],
    message: `ring hash: minimum_ring_size (${minimum}) > maximum_ring_size (${maximum})`,
  });
}

function hashes({ lbPolicy, loadBalancingPolicy }: DeepPartial<BalancedCluster>): boolean {
  if (loadBalancingPolicy === undefined) return lbPolicy === 'RING_HASH';
  return loadBalancingPolicy.policies?.[0]?.typedExtensionConfig?.name === 'envoy.load_balancing_policies.ring_hash';
}

function checkWeights({ loadAssignment }: DeepPartial<BalancedCluster>, report: Report): void {
  for (const [index, group] of (loadAssignment?.endpoints ?? []).entries()) {
    const sum = (group?.lbEndpoints ?? []).reduce((total, host) => total + (host?.loadBalancingWeight ?? 1), 0);
    if (sum <= 0xffff_ffff) continue;
    const message = `The sum of weights of all upstream hosts in a locality exceeds ${0xffff_ffff}`;
    report({ path: ['load_assignment', 'endpoints', index], message });
  }
}
