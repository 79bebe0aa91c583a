/** The config of `envoy.filters.network.rbac`. */
import {
  duration,
  enumOf,
  fields,
  message,
  nonEmpty,
  rbacRules,
  required,
  string,
  withDefault,
} from '@mesh/core/proto';

const matcherTrees = 'matcher trees are not built yet; use rules';

/** Envoy `RBAC` (network). */
export const rbacSchema = message(
  {
    rules: rbacRules,
    shadow_rules: rbacRules,
    shadow_rules_stat_prefix: withDefault(string(), ''),
    stat_prefix: required(nonEmpty()),
    enforcement_type: withDefault(enumOf(['ONE_TIME_ON_FIRST_BYTE', 'CONTINUOUS']), 'ONE_TIME_ON_FIRST_BYTE'),
    delay_deny: duration(),
  },
  {
    name: 'envoy.extensions.filters.network.rbac.v3.RBAC',
    known: fields('matcher shadow_matcher', matcherTrees),
    check({ rules, shadowRules }, report) {
      for (const [field, engine] of [
        ['rules', rules],
        ['shadow_rules', shadowRules],
      ] as const) {
        for (const [name, policy] of Object.entries(engine?.policies ?? {})) {
          if (!asksForHttp(policy)) continue;
          report({
            path: [field, 'policies', name],
            message: 'header and url_path rules are not supported by RBAC network filter',
          });
        }
      }
    },
  },
);

/** Somewhere in the tree there is a condition on a request head. */
function asksForHttp(node: unknown): boolean {
  if (typeof node !== 'object' || node === null) return false;
  return Object.entries(node).some(([key, value]) => {
    return ((key === 'header' || key === 'urlPath') && value !== undefined) || asksForHttp(value);
  });
}
