/** The endpoints of a cluster's config: those with an address, and those whose name must be looked up. */
import { type ClusterConfig, type Endpoint, endpointTraits, MeshError } from '@mesh/core';
import { type DnsRecord, isLiteral, isServiceName, nameProblem } from '../resolver/index.ts';

/** One configured endpoint. */
export interface Target {
  /** Lower-cased name to look up; undefined when `records` is final. */
  readonly name: string | undefined;
  /** The name is that of a service, whose hosts tell their ports themselves. */
  readonly srv: boolean;
  readonly records: readonly DnsRecord[];
  /** Everything but the address. */
  readonly endpoint: Omit<Endpoint, 'ip'>;
}

type Group = NonNullable<ClusterConfig['loadAssignment']>['endpoints'][number];

/**
 * Reads the endpoints in the order of the config.
 * @throws MeshError `CONFIG_INVALID` with every name that can never be looked up.
 */
export function readTargets(config: ClusterConfig): readonly Target[] {
  const targets = (config.loadAssignment?.endpoints ?? []).flatMap(targetsOf);
  const names = [...new Set(targets.flatMap(({ name }) => name ?? []))];
  const problems = names.flatMap((name) => {
    const problem = nameProblem(name);
    return problem === undefined ? [] : [`${JSON.stringify(name)} cannot be looked up: ${problem}`];
  });
  for (const { name, endpoint } of targets) {
    if (name === undefined || endpoint.additionalAddresses === undefined) continue;
    problems.push(`${JSON.stringify(name)} has additional_addresses: those of a name are what it resolves to`);
  }
  if (problems.length === 0) return targets;
  throw new MeshError('CONFIG_INVALID', problems.map((text) => `cluster ${config.name}: ${text}`).join('\n'));
}

function targetsOf(group: Group): Target[] {
  return group.lbEndpoints.map((host) => {
    const { socketAddress, pipe } = host.endpoint?.address ?? {};
    const address = pipe?.path ?? socketAddress?.address ?? '';
    const port = pipe === undefined ? (socketAddress?.portValue ?? 0) : -1;
    const final = pipe !== undefined || isLiteral(address);
    return {
      name: final ? undefined : address.toLowerCase(),
      srv: !final && port === 0 && isServiceName(address),
      records: final ? [{ address }] : [],
      // As in Envoy, a host found by name is known by that name unless the endpoint has another.
      endpoint: { ...endpointTraits(group, host), port, hostname: host.endpoint?.hostname || (final ? '' : address) },
    };
  });
}

/** The endpoints that a target has become. */
export function endpointsOf({ srv, endpoint }: Target, records: readonly DnsRecord[]): Endpoint[] {
  if (!srv) return records.map(({ address }) => ({ ...endpoint, ip: address }));
  const priorities = [...new Set(records.map(({ priority = 0 }) => priority))].toSorted((a, b) => a - b);
  return records.map(({ address, target = '', port = 0, priority = 0, weight = 0 }) => ({
    ...endpoint,
    ip: address,
    port,
    hostname: target,
    // Priorities of the DNS have gaps, those of a cluster have none.
    priority: Math.min(endpoint.priority + priorities.indexOf(priority), MOST_PRIORITY),
    weight: endpoint.weight * Math.max(1, weight),
  }));
}

const MOST_PRIORITY = 128;
