/** Envoy `Subset`. */
import {
  bool,
  enumOf,
  list,
  loadBalancingPolicy,
  message,
  required,
  string,
  struct,
  withDefault,
} from '@mesh/core/proto';
import type { z } from 'zod';

const SUBSET = 'envoy.extensions.load_balancing_policies.subset.v3.Subset';

const selector = message(
  {
    keys: list(string()),
    single_host_per_subset: withDefault(bool(), false),
    fallback_policy: withDefault(
      enumOf(['NOT_DEFINED', 'NO_FALLBACK', 'ANY_ENDPOINT', 'DEFAULT_SUBSET', 'KEYS_SUBSET']),
      'NOT_DEFINED',
    ),
    fallback_keys_subset: list(string()),
  },
  {
    name: `${SUBSET}.LbSubsetSelector`,
    check({ keys, fallbackPolicy, fallbackKeysSubset }, report) {
      if (keys === undefined || fallbackPolicy === undefined || fallbackKeysSubset === undefined) return;
      const problem = fallbackKeysProblem(new Set(keys), fallbackPolicy, new Set(fallbackKeysSubset));
      if (problem !== undefined) report({ path: ['fallback_keys_subset'], message: problem });
    },
  },
);

/** A parsed selector. */
export type SelectorConfig = z.output<typeof selector>;

/** The config message. */
export const subsetConfig = message(
  {
    fallback_policy: withDefault(enumOf(['NO_FALLBACK', 'ANY_ENDPOINT', 'DEFAULT_SUBSET']), 'NO_FALLBACK'),
    default_subset: withDefault(struct(), {}),
    subset_selectors: list(selector),
    locality_weight_aware: withDefault(bool(), false),
    scale_locality_weight: withDefault(bool(), false),
    panic_mode_any: withDefault(bool(), false),
    list_as_any: withDefault(bool(), false),
    metadata_fallback_policy: withDefault(enumOf(['METADATA_NO_FALLBACK', 'FALLBACK_LIST']), 'METADATA_NO_FALLBACK'),
    subset_lb_policy: required(
      loadBalancingPolicy(
        "cluster: didn't find a registered load balancer factory implementation for subset lb with names from ",
      ),
    ),
    allow_redundant_keys: withDefault(bool(), false),
  },
  { name: SUBSET },
);

/** A parsed config. */
export type SubsetConfig = z.output<typeof subsetConfig>;

/** Envoy's rules, in its order and words. */
function fallbackKeysProblem(
  keys: ReadonlySet<unknown>,
  policy: string,
  fallback: ReadonlySet<unknown>,
): string | undefined {
  if (policy !== 'KEYS_SUBSET') {
    return fallback.size === 0 ? undefined : 'fallback_keys_subset can be set only for KEYS_SUBSET fallback_policy';
  }
  if (fallback.size === 0) return 'fallback_keys_subset cannot be empty';
  if (![...fallback].every((key) => keys.has(key))) return 'fallback_keys_subset must be a subset of selector keys';
  return fallback.size === keys.size ? 'fallback_keys_subset cannot be equal to keys' : undefined;
}
