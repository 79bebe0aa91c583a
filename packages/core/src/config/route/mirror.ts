/** Copies of requests that are sent to another cluster beside the real one. */
import { hostText } from '../common.ts';
import { headerMutation } from '../header-mutation.ts';
import { message, withDefault } from '../message.ts';
import { bool, list, runtimeFractionalPercent, string } from '../proto-json.ts';
import { optionalHeaderName } from './weighted-cluster.ts';

/** Envoy `RouteAction.RequestMirrorPolicy`. */
export const requestMirrorPolicy = message(
  {
    cluster: withDefault(string(), ''),
    cluster_header: withDefault(optionalHeaderName(), ''),
    runtime_fraction: runtimeFractionalPercent,
    disable_shadow_host_suffix_append: withDefault(bool(), false),
    request_headers_mutations: list(headerMutation),
    host_rewrite_literal: withDefault(hostText(), ''),
  },
  {
    name: 'envoy.config.route.v3.RouteAction.RequestMirrorPolicy',
    known: { trace_sampled: 'tracing is not built yet' },
    check({ cluster = '', clusterHeader = '' }, report) {
      if (cluster !== '' && clusterHeader !== '') {
        const message = `Only one of cluster '${cluster}' or cluster_header '${clusterHeader}' in request mirror policy can be specified`;
        report({ path: ['cluster_header'], at: 'key', message });
      } else if (cluster === '' && clusterHeader === '') {
        report({
          message: 'Exactly one of cluster or cluster_header in request mirror policy need to be specified',
        });
      }
    },
  },
);
