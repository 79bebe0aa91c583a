/** Rules about addresses in `load_assignment` besides those of the endpoints themselves. */
import { isIP } from 'node:net';
import type { ClusterConfig } from './cluster.ts';
import type { DeepPartial } from './message.ts';
import type { Report } from './schema-type.ts';

/** Nothing resolves the further addresses of an endpoint, nor the one that its checks go to. */
export function checkEndpoints(cluster: DeepPartial<ClusterConfig>, report: Report): void {
  for (const [place, group] of (cluster.loadAssignment?.endpoints ?? []).entries()) {
    for (const [index, host] of (group?.lbEndpoints ?? []).entries()) {
      const { healthCheckConfig, additionalAddresses = [] } = host?.endpoint ?? {};
      const path = ['load_assignment', 'endpoints', place, 'lb_endpoints', index, 'endpoint'];
      const check = (address: string | undefined, at: readonly (string | number)[]) => {
        if (address === undefined || isIP(address) !== 0) return;
        const message = `malformed IP address: ${address}`;
        report({ path: [...path, ...at, 'address', 'socket_address', 'address'], message });
      };
      check(healthCheckConfig?.address?.socketAddress?.address, ['health_check_config']);
      for (const [at, each] of additionalAddresses.entries()) {
        check(each?.address?.socketAddress?.address, ['additional_addresses', at]);
      }
    }
  }
}
