/** The endpoints of a cluster's config: those with an address, and those whose name must be looked up. */
import type { ClusterConfig, Endpoint } from '@mesh/core';
import { isLiteral, nameProblem } from './name.ts';

/** One configured endpoint. */
export interface Target {
  /** Lower-cased name to look up; undefined when `ips` is final. */
  readonly name: string | undefined;
  readonly ips: readonly string[];
  /** Everything but the address. */
  readonly endpoint: Omit<Endpoint, 'ip'>;
}

const NOWHERE = Object.freeze({ region: '', zone: '', subZone: '' });

type Locality = NonNullable<ClusterConfig['loadAssignment']>['endpoints'][number];

/** Reads the endpoints in the order of the config. `problems` tells every name that may not be looked up. */
export function readTargets(config: ClusterConfig): { targets: readonly Target[]; problems: readonly string[] } {
  const targets = (config.loadAssignment?.endpoints ?? []).flatMap(targetsOf);
  const names = [...new Set(targets.flatMap(({ name }) => (name === undefined ? [] : [name])))];
  const problems = names.flatMap((name) => {
    const problem = nameProblem(name);
    return problem === undefined ? [] : [`${JSON.stringify(name)} cannot be looked up: ${problem}`];
  });
  return { targets, problems };
}

function targetsOf(group: Locality): Target[] {
  return group.lbEndpoints.map(({ endpoint, loadBalancingWeight, metadata }) => {
    const { socketAddress, pipe } = endpoint?.address ?? {};
    const address = pipe?.path ?? socketAddress?.address ?? '';
    const final = pipe !== undefined || isLiteral(address);
    return {
      name: final ? undefined : address.toLowerCase(),
      ips: final ? [address] : [],
      endpoint: {
        port: pipe === undefined ? (socketAddress?.portValue ?? 0) : -1,
        // As in Envoy, a host found by name is known by that name unless the endpoint has another.
        hostname: endpoint?.hostname || (final ? '' : address),
        weight: loadBalancingWeight,
        priority: group.priority,
        locality: group.locality ?? NOWHERE,
        metadata: metadata?.filterMetadata,
      },
    };
  });
}
