/** Override host: the request itself says where it goes, in a header or in what filters have noted. */
import { defineLoadBalancer } from '@mesh/core';
import { NAME, overrideHostConfig } from './config.ts';
import { OverrideHostBalancer } from './override-host.ts';

/**
 * Sends a request to the first of the hosts that it names (`ip:port`, separated by commas), retries to the next; where they
 * are not in the cluster, or are used up, another policy decides.
 *
 * @example overrideHost({ overrideHostSources: [{ header: 'x-destination' }], fallbackPolicy: roundRobin() })
 */
export const overrideHost = defineLoadBalancer({
  name: 'envoy.load_balancing_policies.override_host',
  typeUrl: `type.googleapis.com/${NAME}`,
  config: overrideHostConfig,
  create: (settings, context) => new OverrideHostBalancer(settings, context.make(settings.fallbackPolicy)),
});
