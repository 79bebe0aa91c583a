/** `envoy.load_balancing_policies.least_request`: the host with the fewest requests under way. */
import { defineLoadBalancer } from '@mesh/core';
import { enumOf, message, uint32, withDefault } from '@mesh/core/proto';
import { localityLbConfig } from '../locality/config.ts';
import { runtimeDouble, slowStartConfig } from '../slow-start/config.ts';
import { LeastRequest } from './least-request.ts';

const config = message(
  {
    // Envoy checks no lower limit here, as it does in `least_request_lb_config`: one choice is a random host.
    choice_count: withDefault(uint32({ min: 1 }), 2),
    active_request_bias: runtimeDouble,
    slow_start_config: slowStartConfig,
    locality_lb_config: localityLbConfig,
    selection_method: withDefault(enumOf(['N_CHOICES', 'FULL_SCAN']), 'N_CHOICES'),
  },
  {
    name: 'envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest',
    known: { enable_full_scan: 'Envoy does nothing with it; use selection_method: FULL_SCAN' },
  },
);

const DEFAULTS = { choiceCount: 2, selectionMethod: 'N_CHOICES' } as const;

/**
 * The host with the fewest requests under way, of `choiceCount` drawn ones. Where weights differ, hosts in turn by weight,
 * which requests under way lower.
 *
 * @example cluster('api', { …, loadBalancing: leastRequest({ choiceCount: 3 }) })
 */
export const leastRequest = defineLoadBalancer({
  name: 'envoy.load_balancing_policies.least_request',
  typeUrl: 'type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest',
  config,
  create: (settings, context) => new LeastRequest(settings ?? DEFAULTS, context),
});
