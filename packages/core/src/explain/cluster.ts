/** The cluster that a request goes to, how it was chosen, and the hosts in it. */
import type { Host } from '../api/cluster.ts';
import type { ForwardAction } from '../api/route.ts';
import { staticEndpoints } from '../config/build.ts';
import type { ClusterConfig } from '../config/cluster.ts';
import { typeName } from '../config/cluster-type.ts';
import { balancingName } from '../config/load-balancing.ts';
import type { CompiledRoute } from '../routing/compiled-route.ts';
import { endpointAddress } from '../upstream/host.ts';
import type { ExplainedCluster, ExplainedDraw, ExplainedHost } from './explanation.ts';
import type { Head } from './head.ts';
import type { ExplainSource } from './source.ts';

/** `admitted` is the head that the router looked at. */
export function explainedCluster(
  route: CompiledRoute,
  action: ForwardAction,
  admitted: Head | undefined,
  source: ExplainSource,
): ExplainedCluster {
  const weighted = drawOf(route);
  const header = action.clusterHeader;
  const name = header === undefined ? action.cluster : valueOf(admitted, header);
  const config = source.bootstrap.staticResources.clusters.find((one) => one.name === name);
  const at = config && source.placeOf(config);
  return {
    name,
    by: weighted !== undefined ? 'weighted_clusters' : header !== undefined ? 'cluster_header' : 'cluster',
    ...(header !== undefined && { header }),
    ...(weighted !== undefined && { weighted }),
    ...(config === undefined
      ? { missing: true }
      : {
          type: typeName(config),
          lbPolicy: balancingName(config).replace(/^envoy\.load_balancing_policies\./, ''),
        }),
    ...(at && { at }),
    hosts: config === undefined ? [] : hostsOf(config, source),
  };
}

function valueOf(head: Head | undefined, name: string): string {
  if (name === ':authority' || name === 'host') return head?.host ?? '';
  return head?.fields.find(([field]) => field === name)?.[1] ?? '';
}

function drawOf(route: CompiledRoute): ExplainedDraw | undefined {
  const entries = route.source.settings.route?.weightedClusters?.clusters;
  if (entries === undefined) return undefined;
  const totalWeight = entries.reduce((sum, { weight }) => sum + weight, 0);
  const shares = entries.map(({ name, clusterHeader, weight }) => {
    const percent = totalWeight === 0 ? 0 : Math.round((10_000 * weight) / totalWeight) / 100;
    return { cluster: name || `header ${clusterHeader}`, weight, percent };
  });
  return { totalWeight, shares };
}

function hostsOf(config: ClusterConfig, source: ExplainSource): ExplainedHost[] {
  const running = source.hostsOf(config.name);
  if (running !== undefined) return running.map((host) => ({ ...described(host), healthy: host.healthy }));
  const unresolved = config.type !== 'STATIC' || config.clusterType !== undefined;
  return staticEndpoints(config).map((endpoint) => {
    const host = described({ ...endpoint, address: endpointAddress(endpoint) });
    return unresolved && endpoint.port >= 0 ? { ...host, unresolved: true } : host;
  });
}

type Known = Pick<Host, 'address' | 'hostname' | 'weight' | 'priority' | 'locality'>;

function described({ address, hostname, weight, priority, locality }: Known): ExplainedHost {
  const somewhere = locality.region !== '' || locality.zone !== '' || locality.subZone !== '';
  return {
    address,
    ...(hostname !== '' && { hostname }),
    weight,
    priority,
    ...(somewhere && { locality: { region: locality.region, zone: locality.zone, subZone: locality.subZone } }),
  };
}
