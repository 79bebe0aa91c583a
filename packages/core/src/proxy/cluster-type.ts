/** Which extension tells a cluster its hosts, and whether that fits the rest of its config. */
import type { Discovery } from '../api/discovery.ts';
import type { LoadBalancer } from '../api/load-balancer.ts';
import type { ClusterConfig } from '../config/cluster.ts';
import { balancingName } from '../config/load-balancing.ts';
import type { DiscoveryDefinition } from '../define/index.ts';
import { MeshError } from '../errors.ts';
import type { Registry } from '../registry.ts';

const CLUSTER_PROVIDED = 'envoy.load_balancing_policies.cluster_provided';

/**
 * The definition behind `cluster_type` or `type`; `undefined` for static clusters.
 * @throws MeshError `CONFIG_INVALID` when there is none.
 */
export function discoveryDefinition(config: ClusterConfig, registry: Registry): DiscoveryDefinition | undefined {
  if (config.clusterType !== undefined) return config.clusterType.definition as unknown as DiscoveryDefinition;
  if (config.type === 'STATIC') return undefined;
  const definition = registry.discovery(config.type);
  if (definition !== undefined) return definition;
  throw invalid(config, `no extension serves type ${config.type}; pass extensions: [...standard]`);
}

/**
 * How hosts are chosen: by what the type brings along, or by `policy`, and `lb_policy` must say which; in Envoy's words.
 * @throws MeshError `CONFIG_INVALID`.
 */
export function chosenBalancer(config: ClusterConfig, discovery: Discovery, policy: () => LoadBalancer): LoadBalancer {
  const provided = balancingName(config) === CLUSTER_PROVIDED;
  const { name } = config;
  if (provided === (discovery.balancer !== undefined)) return discovery.balancer ?? policy();
  throw new MeshError(
    'CONFIG_INVALID',
    provided
      ? `cluster manager: cluster provided LB specified but cluster '${name}' did not provide one. Check cluster documentation.`
      : `cluster manager: cluster provided LB not specified but cluster '${name}' provided one. Check cluster documentation.`,
  );
}

function invalid({ name }: ClusterConfig, problem: string): MeshError {
  return new MeshError('CONFIG_INVALID', `cluster ${name}: ${problem}`);
}
