/** How a cluster chooses its hosts: `load_balancing_policy`, or `lb_policy` with its options. */
import type { Extensions } from './extension.ts';
import { type ParsedExtensionConfig, parseExtensionConfig } from './extension-config.ts';
import type { SchemaIssue } from './issues.ts';
import type { LegacyBalancing } from './load-balancing-legacy.ts';
import { type ChosenPolicy, loadBalancingPolicy, PolicyListRef } from './load-balancing-policy.ts';
import { legacyPath, POLICY_PREFIX, typedPolicy, type WrittenPolicy } from './load-balancing-typed.ts';
import type { DeepPartial } from './message.ts';
import { resolveExtensions } from './resolve-extensions.ts';
import type { Report } from './schema-type.ts';
import { rawMap } from './source-map.ts';

/** Envoy `LoadBalancingPolicy` of a cluster. */
export const clusterBalancingPolicy = loadBalancingPolicy('');

/** What of a cluster has to do with the choice of its hosts. */
export interface BalancedCluster extends LegacyBalancing {
  readonly type: string;
  readonly loadBalancingPolicy?: ChosenPolicy;
  readonly loadAssignment?: Weighted;
}

interface Weighted {
  readonly endpoints: readonly {
    readonly priority?: number;
    readonly loadBalancingWeight?: number;
    readonly lbEndpoints: readonly { readonly loadBalancingWeight: number }[];
  }[];
}

/** The policy in force. */
export type Balancing = Omit<ChosenPolicy, 'definition'> & Partial<Pick<ChosenPolicy, 'definition'>>;

const NOTHING = Object.freeze({});

/**
 * The policy in force: `load_balancing_policy` takes the place of `lb_policy`. The definition is absent when nobody
 * serves it.
 */
export function balancingOf(cluster: BalancedCluster, extensions: Extensions): Balancing {
  if (cluster.loadBalancingPolicy !== undefined) return cluster.loadBalancingPolicy;
  const written = legacyPolicy(cluster, extensions);
  const definition = extensions.find('load-balancer', { name: written.name });
  if (definition === undefined) return { name: written.name, config: written.config };
  return { name: written.name, definition, config: parseWritten(written, extensions).value ?? NOTHING };
}

/** The name of the policy in force, e.g. `envoy.load_balancing_policies.maglev`. */
export function balancingName(cluster: BalancedCluster): string {
  return cluster.loadBalancingPolicy?.name ?? typedPolicy(cluster, () => undefined).name;
}

/** `common_lb_config.healthy_panic_threshold` in percent, rounded as Envoy does. Default 50. */
export function panicThresholdOf({ commonLbConfig }: Pick<LegacyBalancing, 'commonLbConfig'>): number {
  const given = commonLbConfig?.healthyPanicThreshold;
  return given === undefined ? 50 : Math.round(given.value);
}

function legacyPolicy(cluster: LegacyBalancing, extensions: Extensions): WrittenPolicy {
  return typedPolicy(cluster, (name) => extensions.find('load-balancer', { name })?.typeUrl);
}

/** Checks a config made of old fields with the schema of the policy itself. */
function parseWritten({ name, config }: WrittenPolicy, extensions: Extensions): ParsedExtensionConfig {
  const definition = extensions.find('load-balancer', { name });
  if (definition === undefined) return { value: config, issues: [] };
  const raw = rawMap(Object.entries(config));
  const { value, issues } = parseExtensionConfig(definition.config, raw);
  const resolution = resolveExtensions(value, raw, extensions);
  return { value, issues: [...issues, ...resolution.issues] };
}

/** Envoy's rules across the fields of one cluster; what it leaves alone because another policy is in force is left alone here. */
export function checkBalancing(cluster: DeepPartial<BalancedCluster>, report: Report): void {
  const { loadBalancingPolicy: list, lbPolicy, commonLbConfig, lbSubsetConfig, name = '' } = cluster;
  checkHostnameHashing(cluster, report);
  if (list instanceof PolicyListRef) {
    list.seeker = `cluster: didn't find a registered load balancer factory implementation for cluster: '${name}' with names from `;
  }
  if (list !== undefined) {
    checkCombinations(cluster, report);
    return;
  }
  if (lbPolicy === 'LOAD_BALANCING_POLICY_CONFIG') {
    report({ path: ['lb_policy'], message: 'cluster: field load_balancing_policy need to be set' });
  }
  if (lbSubsetConfig === undefined) return;
  if (lbPolicy === 'CLUSTER_PROVIDED' && (lbSubsetConfig.subsetSelectors ?? []).length > 0) {
    report({
      path: ['lb_policy'],
      message: 'cluster: LB policy CLUSTER_PROVIDED cannot be combined with lb_subset_config',
    });
  }
  if (lbSubsetConfig.localityWeightAware === true && commonLbConfig?.localityWeightedLbConfig === undefined) {
    report({
      path: ['lb_subset_config', 'locality_weight_aware'],
      message: `Locality weight aware subset LB requires that a locality_weighted_lb_config be set in ${name}`,
    });
  }
}

function checkHostnameHashing({ type, commonLbConfig }: DeepPartial<BalancedCluster>, report: Report): void {
  if (commonLbConfig?.consistentHashingLbConfig?.useHostnameForHashing !== true || type !== 'STATIC') return;
  report({
    path: ['common_lb_config', 'consistent_hashing_lb_config', 'use_hostname_for_hashing'],
    message: "Cannot use hostname for consistent hashing loadbalancing for cluster of type: 'envoy.cluster.static'",
  });
}

function checkCombinations({ commonLbConfig: common, lbSubsetConfig }: DeepPartial<BalancedCluster>, report: Report) {
  const refuse = (message: string) => report({ path: ['load_balancing_policy'], at: 'key', message });
  if (lbSubsetConfig !== undefined) {
    refuse('cluster: load_balancing_policy cannot be combined with lb_subset_config');
  }
  const { zoneAwareLbConfig, localityWeightedLbConfig, consistentHashingLbConfig } = common ?? {};
  if ((zoneAwareLbConfig ?? localityWeightedLbConfig ?? consistentHashingLbConfig) === undefined) return;
  refuse(
    'cluster: load_balancing_policy cannot be combined with partial fields (zone_aware_lb_config, locality_weighted_lb_config, consistent_hashing_lb_config) of common_lb_config',
  );
}

/** What only shows when the extensions are known; paths begin at the cluster. */
export function checkServedBalancing(cluster: DeepPartial<BalancedCluster>, extensions: Extensions): SchemaIssue[] {
  // Parts that were wrong in themselves have been told; what they mean is not known.
  const { lbPolicy, loadBalancingPolicy } = cluster;
  const whole = cluster as BalancedCluster;
  if (loadBalancingPolicy === undefined && (lbPolicy === undefined || lbPolicy === 'LOAD_BALANCING_POLICY_CONFIG')) {
    return [];
  }
  const issues = loadBalancingPolicy === undefined ? checkLegacy(whole, extensions) : [];
  return hashes(balancingOf(whole, extensions)) ? [...issues, ...checkWeights(cluster)] : issues;
}

function checkLegacy(cluster: BalancedCluster, extensions: Extensions): SchemaIssue[] {
  const written = legacyPolicy(cluster, extensions);
  if (extensions.find('load-balancer', { name: written.name }) !== undefined) {
    const { issues } = parseWritten(written, extensions);
    return issues.map((issue) => ({ ...issue, path: legacyPath(cluster, issue.path) }));
  }
  if (isBuiltIn(written)) return [];
  const hint = 'pass extensions: [...standard]';
  return [{ path: ['lb_policy'], message: `no extension serves ${written.name}`, hint }];
}

/** Core itself goes round robin, without options; and clusters may bring a policy of their own. */
function isBuiltIn({ name, config }: WrittenPolicy): boolean {
  if (name === `${POLICY_PREFIX}cluster_provided`) return true;
  return name === `${POLICY_PREFIX}round_robin` && Object.keys(config).length === 0;
}

const HASHING = new Set(['ring_hash', 'maglev'].map((name) => POLICY_PREFIX + name));

function hashes({ name, config }: Balancing): boolean {
  if (name !== `${POLICY_PREFIX}subset`) return HASHING.has(name);
  const inner = (config as { readonly subsetLbPolicy?: Balancing } | undefined)?.subsetLbPolicy;
  return inner?.name !== undefined && hashes(inner);
}

const MOST_WEIGHT = 0xffff_ffff;

/** Rings and tables are made of shares of a sum that must fit into 32 bits. */
function checkWeights({ loadAssignment }: DeepPartial<BalancedCluster>): SchemaIssue[] {
  const issues: SchemaIssue[] = [];
  const sums = new Map<number, number>();
  for (const [index, group] of (loadAssignment?.endpoints ?? []).entries()) {
    const path = ['load_assignment', 'endpoints', index];
    const sum = (group?.lbEndpoints ?? []).reduce((total, host) => total + (host?.loadBalancingWeight ?? 1), 0);
    if (sum > MOST_WEIGHT) {
      issues.push({ path, message: `The sum of weights of all upstream hosts in a locality exceeds ${MOST_WEIGHT}` });
    }
    const priority = group?.priority ?? 0;
    const before = sums.get(priority) ?? 0;
    const after = before + (group?.loadBalancingWeight ?? 0);
    sums.set(priority, after);
    if (before > MOST_WEIGHT || after <= MOST_WEIGHT) continue;
    issues.push({ path, message: `The sum of weights of all localities at the same priority exceeds ${MOST_WEIGHT}` });
  }
  return issues;
}
