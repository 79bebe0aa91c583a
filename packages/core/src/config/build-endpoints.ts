/** `load_assignment` as endpoints: what a static cluster has at once, and other types give to what they find. */
import type { EndpointHealthCheck } from '../api/cluster.ts';
import type { AssignmentPolicy, Endpoint } from '../api/discovery.ts';
import type { ClusterConfig } from './cluster.ts';
import { DENOMINATORS } from './endpoint.ts';

const NOWHERE = Object.freeze({ region: '', zone: '', subZone: '' });

type Assignment = NonNullable<ClusterConfig['loadAssignment']>;
type Group = Assignment['endpoints'][number];
type Host = Group['lbEndpoints'][number];
type Address = NonNullable<Host['endpoint']>['address'];

/** The endpoints of a static cluster. */
export function staticEndpoints(config: ClusterConfig): Endpoint[] {
  return (config.loadAssignment?.endpoints ?? []).flatMap((group) =>
    group.lbEndpoints.map((host) => ({
      ...ipAndPort(host.endpoint?.address),
      hostname: host.endpoint?.hostname ?? '',
      ...endpointTraits(group, host),
    })),
  );
}

/** What an entry of `lb_endpoints` says of its endpoint besides the address: the same for all that its name resolves to. */
export function endpointTraits(group: Group, host: Host): Omit<Endpoint, 'ip' | 'port' | 'hostname' | 'key'> {
  const { healthCheckConfig, additionalAddresses = [] } = host.endpoint ?? {};
  return {
    weight: host.loadBalancingWeight,
    priority: group.priority,
    locality: group.locality ?? NOWHERE,
    localityWeight: group.loadBalancingWeight ?? 0,
    metadata: host.metadata?.filterMetadata,
    healthStatus: host.healthStatus,
    healthCheck: healthCheckConfig && healthCheckOf(healthCheckConfig),
    additionalAddresses:
      additionalAddresses.length === 0 ? undefined : additionalAddresses.map(({ address }) => ipAndPort(address)),
  };
}

/** `load_assignment.policy`. */
export function assignmentPolicy(config: ClusterConfig): AssignmentPolicy {
  const policy = config.loadAssignment?.policy;
  if (policy === undefined) return {};
  const { overprovisioningFactor, weightedPriorityHealth, dropOverloads = [] } = policy;
  const drops = dropOverloads.map(({ category, dropPercentage }) => ({
    category,
    numerator: dropPercentage?.numerator ?? 0,
    denominator: DENOMINATORS[dropPercentage?.denominator ?? 'HUNDRED'],
  }));
  return { overprovisioningFactor, weightedPriorityHealth, drops };
}

function healthCheckOf(config: NonNullable<NonNullable<Host['endpoint']>['healthCheckConfig']>): EndpointHealthCheck {
  const { address, portValue = 0, hostname = '', disableActiveHealthCheck = false } = config;
  const { ip, port } = address === undefined ? { ip: '', port: 0 } : ipAndPort(address);
  return { ip, port: portValue || port, hostname, disabled: disableActiveHealthCheck };
}

function ipAndPort(address: Address | undefined): { readonly ip: string; readonly port: number } {
  const { socketAddress, pipe } = address ?? {};
  return {
    ip: pipe?.path ?? socketAddress?.address ?? '',
    port: pipe === undefined ? (socketAddress?.portValue ?? 0) : -1,
  };
}
