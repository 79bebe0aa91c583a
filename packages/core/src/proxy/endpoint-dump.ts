/** The endpoints of a cluster as `/config_dump?include_eds` shows them: who is there now, whatever the config says. */
import type { DumpedConfig, JsonObject } from '../admin/index.ts';
import type { HostHealth } from '../api/cluster.ts';
import type { Cluster } from '../upstream/cluster.ts';
import type { UpstreamHost } from '../upstream/host.ts';

const STATUS: Readonly<Record<HostHealth, string>> = {
  healthy: 'HEALTHY',
  degraded: 'DEGRADED',
  unhealthy: 'UNHEALTHY',
};

/** An Envoy `ClusterLoadAssignment`, made when it is read: there may be ten thousand of them. */
export function dumpEndpoints(cluster: Cluster): DumpedConfig {
  return {
    get config() {
      return loadAssignment(cluster);
    },
  };
}

/** With the fields that Envoy prints although they are empty. */
function loadAssignment({ name, sets }: Cluster): JsonObject {
  const endpoints = sets.priorities.flatMap(({ localities }) =>
    localities.filter(({ hosts }) => hosts.length > 0).map(({ hosts }) => place(hosts as readonly UpstreamHost[])),
  );
  return {
    cluster_name: name,
    ...(endpoints.length > 0 && { endpoints }),
    policy: { overprovisioning_factor: sets.overprovisioningFactor },
  };
}

function place(hosts: readonly UpstreamHost[]): JsonObject {
  const { locality, priority, localityWeight } = hosts[0] as UpstreamHost;
  const { region, zone, subZone } = locality;
  return {
    locality: { ...(region && { region }), ...(zone && { zone }), ...(subZone && { sub_zone: subZone }) },
    lb_endpoints: hosts.map(endpoint),
    load_balancing_weight: localityWeight,
    ...(priority > 0 && { priority }),
  };
}

function endpoint(host: UpstreamHost): JsonObject {
  const { ip, port, hostname, healthCheck, metadata, weight } = host;
  const address = port < 0 ? { pipe: { path: ip } } : { socket_address: { address: ip, port_value: port } };
  const check = healthCheck ?? { hostname: '', port: 0 };
  return {
    endpoint: {
      address,
      health_check_config: {
        ...(check.port > 0 && check.port !== port && { port_value: check.port }),
        ...(check.hostname && { hostname: check.hostname }),
      },
      ...(hostname && { hostname }),
    },
    health_status: STATUS[host.health],
    ...(metadata !== undefined && { metadata: { filter_metadata: metadata as JsonObject } }),
    load_balancing_weight: weight,
  };
}
