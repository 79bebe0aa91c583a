/** Envoy `OverrideHost`. */
import { list, loadBalancingPolicy, message, nonEmpty, required, string, withDefault } from '@mesh/core/proto';

/** Full name of the message. */
export const NAME = 'envoy.extensions.load_balancing_policies.override_host.v3.OverrideHost';

const metadataKey = message(
  {
    key: required(nonEmpty()),
    path: list(message({ key: required(nonEmpty()) }, { name: 'envoy.type.metadata.v3.MetadataKey.PathSegment' }), {
      min: 1,
    }),
  },
  { name: 'envoy.type.metadata.v3.MetadataKey' },
);

const source = message(
  { header: withDefault(string(), ''), metadata: metadataKey },
  {
    name: `${NAME}.OverrideHostSource`,
    check({ header, metadata }, report) {
      if (header === '' && metadata === undefined) report({ message: 'Empty override source' });
      if (header && metadata !== undefined) report({ message: 'Only one override source must be set' });
    },
  },
);

/** The config message. */
export const overrideHostConfig = message(
  {
    override_host_sources: list(source, { min: 1 }),
    fallback_policy: required(
      loadBalancingPolicy(
        "dynamic forwarding LB: didn't find a registered fallback load balancer factory with names from ",
      ),
    ),
  },
  { name: NAME, known: { selected_host_key: 'policies cannot write metadata of requests' } },
);

/** What the policy is configured with. */
export type OverrideHostConfig = ReturnType<typeof overrideHostConfig.parse>;
