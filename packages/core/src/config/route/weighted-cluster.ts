/** Several clusters that share the requests of a route. */
import { headerName, hostText, metadata } from '../common.ts';
import { checkRemovals, headerMutationFields } from '../header-mutation.ts';
import { message, required, withDefault } from '../message.ts';
import { bool, list, string, uint32 } from '../proto-json.ts';
import { perFilterConfig } from '../route-filter-config.ts';

/** A header name, or '' for none. */
export function optionalHeaderName() {
  return string({ pattern: /^:?[!#$%&'*+\-.^_`|~0-9A-Za-z]*$/, expected: 'a header name' });
}

const clusterWeight = message(
  {
    name: withDefault(string(), ''),
    cluster_header: withDefault(optionalHeaderName(), ''),
    weight: required(uint32()),
    metadata_match: metadata,
    typed_per_filter_config: perFilterConfig(),
    host_rewrite_literal: hostText(),
    ...headerMutationFields,
  },
  {
    name: 'envoy.config.route.v3.WeightedCluster.ClusterWeight',
    known: { per_filter_config: 'use typed_per_filter_config' },
    check(output, report) {
      checkRemovals(output, report);
      const { name = '', clusterHeader = '' } = output;
      if ((name === '') !== (clusterHeader === '')) return;
      const message =
        name === ''
          ? 'At least one of name or cluster_header need to be specified'
          : 'Only one of name or cluster_header can be specified';
      report({ message });
    },
  },
);

/** Envoy `WeightedCluster`. As in Envoy `total_weight` is accepted and means nothing: the sum of the weights counts. */
export const weightedCluster = message(
  {
    clusters: { ...list(clusterWeight, { min: 1 }), presence: 'required' },
    total_weight: uint32(),
    runtime_key_prefix: withDefault(string(), ''),
    header_name: headerName(),
    use_hash_policy: bool(),
  },
  {
    name: 'envoy.config.route.v3.WeightedCluster',
    oneofs: [{ fields: ['header_name', 'use_hash_policy'] }],
    check({ clusters = [] }, report) {
      const weights = clusters.map((each) => each?.weight);
      if (weights.length === 0 || weights.includes(undefined)) return;
      const sum = weights.reduce<number>((total, weight) => total + (weight ?? 0), 0);
      if (sum === 0) report({ message: 'Sum of weights in the weighted_cluster must be greater than 0.' });
      if (sum > 0xffff_ffff) report({ message: `The sum of weights of all weighted clusters exceeds ${0xffff_ffff}` });
    },
  },
);
