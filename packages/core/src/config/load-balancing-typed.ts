/** The old fields of a cluster as the config of the policy that they stand for, as Envoy itself converts them. */
import type { LegacyBalancing } from './load-balancing-legacy.ts';

/** Names that Envoy registers its policies under begin so. */
export const POLICY_PREFIX = 'envoy.load_balancing_policies.';

/** A policy with its config in the JSON form of its message. */
export interface WrittenPolicy {
  readonly name: string;
  readonly config: Written;
}

/** Absent fields are `undefined`, which schemas take as such. */
export type Written = { readonly [field: string]: unknown };

/** The type URL that a policy is registered with. */
export type TypeUrlOf = (name: string) => string | undefined;

/** The policy of `lb_policy` with its options, divided into subsets where `lb_subset_config` has selectors. */
export function typedPolicy(cluster: LegacyBalancing, typeUrlOf: TypeUrlOf): WrittenPolicy {
  const whole = wholePolicy(cluster);
  const subsets = cluster.lbSubsetConfig;
  if (subsets === undefined || subsets.subsetSelectors.length === 0) return whole;
  const typedConfig = { '@type': typeUrlOf(whole.name), ...whole.config };
  const subsetLbPolicy = { policies: [{ typedExtensionConfig: { name: whole.name, typedConfig } }] };
  return { name: `${POLICY_PREFIX}subset`, config: { ...subsets, subsetLbPolicy } };
}

function wholePolicy(cluster: LegacyBalancing): WrittenPolicy {
  switch (cluster.lbPolicy) {
    case 'LEAST_REQUEST':
      return named('least_request', { ...leastRequest(cluster), localityLbConfig: locality(cluster) });
    case 'RANDOM':
      return named('random', { localityLbConfig: locality(cluster) });
    case 'RING_HASH':
      return named('ring_hash', { ...cluster.ringHashLbConfig, ...hashing(cluster) });
    case 'MAGLEV':
      return named('maglev', { ...cluster.maglevLbConfig, ...hashing(cluster) });
    case 'CLUSTER_PROVIDED':
      return named('cluster_provided', {});
    default:
      return named('round_robin', {
        slowStartConfig: slowStart(cluster.roundRobinLbConfig?.slowStartConfig),
        localityLbConfig: locality(cluster),
      });
  }
}

function named(name: string, config: Written): WrittenPolicy {
  const given = Object.entries(config).filter(([, value]) => value !== undefined);
  return { name: POLICY_PREFIX + name, config: Object.fromEntries(given) };
}

function leastRequest({ leastRequestLbConfig: given }: LegacyBalancing): Written {
  const { choiceCount, activeRequestBias, slowStartConfig } = given ?? {};
  return { choiceCount, activeRequestBias, slowStartConfig: slowStart(slowStartConfig) };
}

type SlowStart = NonNullable<LegacyBalancing['roundRobinLbConfig']>['slowStartConfig'];

function slowStart(given: SlowStart): Written | undefined {
  if (given === undefined) return undefined;
  const { slowStartWindowMs, ...rest } = given;
  return { ...rest, ...(slowStartWindowMs !== undefined && { slowStartWindow: `${slowStartWindowMs / 1000}s` }) };
}

/** Of the policies that know places: by their weights, or with regard to the proxy's own. */
function locality({ commonLbConfig }: LegacyBalancing): Written | undefined {
  const { localityWeightedLbConfig, zoneAwareLbConfig } = commonLbConfig ?? {};
  if (localityWeightedLbConfig !== undefined) return { localityWeightedLbConfig: {} };
  return zoneAwareLbConfig && { zoneAwareLbConfig };
}

/** Of the policies that hash. */
function hashing({ commonLbConfig }: LegacyBalancing): Written {
  const { localityWeightedLbConfig, consistentHashingLbConfig } = commonLbConfig ?? {};
  return { localityWeightedLbConfig, consistentHashingLbConfig };
}

/** Where a problem with the converted config was written. */
export function legacyPath(cluster: LegacyBalancing, path: readonly (string | number)[]): (string | number)[] {
  const inChild = path[0] === 'subset_lb_policy' || path[0] === 'subsetLbPolicy';
  if (isDivided(cluster) && !inChild) return ['lb_subset_config', ...path];
  // subset_lb_policy.policies.0.typed_extension_config.typed_config
  const [field, ...rest] = inChild ? path.slice(5) : path;
  if (field === undefined) return ['lb_policy'];
  const snake = String(field).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (snake === 'locality_lb_config') return ['common_lb_config', ...rest];
  if (snake === 'consistent_hashing_lb_config' || snake === 'locality_weighted_lb_config') {
    return ['common_lb_config', snake, ...rest];
  }
  return [`${cluster.lbPolicy.toLowerCase()}_lb_config`, snake, ...rest];
}

function isDivided({ lbSubsetConfig }: LegacyBalancing): boolean {
  return lbSubsetConfig !== undefined && lbSubsetConfig.subsetSelectors.length > 0;
}
