/** What a route does with a request that it forwards. */
import { headerName, hostText, metadata, pathText } from '../common.ts';
import { type DeepPartial, fields, type MessageOutput, message, withDefault } from '../message.ts';
import { bool, duration, enumOf, list, nonEmpty, string, uint32 } from '../proto-json.ts';
import type { Report } from '../schema-type.ts';
import { corsPolicy } from './cors.ts';
import { hashPolicy } from './hash-policy.ts';
import { internalRedirectPolicy } from './internal-redirect.ts';
import { requestMirrorPolicy } from './mirror.ts';
import { checkFormat, pathRewritePolicy } from './path-rewrite.ts';
import { rateLimit } from './rate-limit.ts';
import { regexMatchAndSubstitute } from './regex-rewrite.ts';
import { hedgePolicy, retryPolicy } from './retry.ts';
import { upgradeConfig } from './upgrade.ts';
import { weightedCluster } from './weighted-cluster.ts';

const maxStreamDuration = message(
  { max_stream_duration: duration(), grpc_timeout_header_max: duration(), grpc_timeout_header_offset: duration() },
  { name: 'envoy.config.route.v3.RouteAction.MaxStreamDuration' },
);

const clusterFields = {
  cluster: nonEmpty(),
  cluster_header: headerName(),
  weighted_clusters: weightedCluster,
  cluster_not_found_response_code: withDefault(
    enumOf(['SERVICE_UNAVAILABLE', 'NOT_FOUND', 'INTERNAL_SERVER_ERROR']),
    'SERVICE_UNAVAILABLE',
  ),
  metadata_match: metadata,
  priority: withDefault(enumOf(['DEFAULT', 'HIGH']), 'DEFAULT'),
  hash_policy: list(hashPolicy),
};

const rewriteFields = {
  prefix_rewrite: pathText(),
  regex_rewrite: regexMatchAndSubstitute,
  path_rewrite_policy: pathRewritePolicy,
  path_rewrite: string(),
  host_rewrite_literal: hostText(),
  auto_host_rewrite: bool(),
  host_rewrite_header: headerName(),
  host_rewrite_path_regex: regexMatchAndSubstitute,
  host_rewrite: string(),
  append_x_forwarded_host: withDefault(bool(), false),
};

/** `timeout` 0 is off. */
const timeoutFields = {
  timeout: withDefault(duration(), 15_000),
  idle_timeout: duration(),
  flush_timeout: duration(),
  max_stream_duration: maxStreamDuration,
  max_grpc_timeout: duration(),
  grpc_timeout_offset: duration(),
};

const policyFields = {
  retry_policy: retryPolicy,
  hedge_policy: hedgePolicy,
  request_mirror_policies: list(requestMirrorPolicy),
  internal_redirect_policy: internalRedirectPolicy,
  internal_redirect_action: enumOf(['PASS_THROUGH_INTERNAL_REDIRECT', 'HANDLE_INTERNAL_REDIRECT']),
  max_internal_redirects: uint32(),
  upgrade_configs: list(upgradeConfig),
  rate_limits: list(rateLimit),
  include_vh_rate_limits: withDefault(bool(), false),
  cors: corsPolicy,
};

/** Envoy `RouteAction`: forward to a cluster. */
export const routeAction = message(
  { ...clusterFields, ...rewriteFields, ...timeoutFields, ...policyFields },
  {
    name: 'envoy.config.route.v3.RouteAction',
    known: {
      ...fields(
        'cluster_specifier_plugin inline_cluster_specifier_plugin',
        'cluster specifier plugins are not built yet',
      ),
      early_data_policy: 'early data (0-RTT) is not available in Node.js',
      retry_policy_typed_config: 'Envoy does not implement it',
      request_mirror_policy: 'use request_mirror_policies',
    },
    oneofs: [
      {
        fields: [
          'cluster',
          'cluster_header',
          'weighted_clusters',
          'cluster_specifier_plugin',
          'inline_cluster_specifier_plugin',
        ],
        required: true,
      },
      {
        fields: [
          'host_rewrite_literal',
          'auto_host_rewrite',
          'host_rewrite_header',
          'host_rewrite_path_regex',
          'host_rewrite',
        ],
      },
    ],
    check(output, report) {
      checkPathRewrites(output, report);
      checkUpgrades(output.upgradeConfigs, report);
    },
  },
);

type Rewrites = DeepPartial<MessageOutput<typeof rewriteFields>>;

function checkPathRewrites(output: Rewrites, report: Report): void {
  const given = {
    prefix_rewrite: output.prefixRewrite || undefined,
    regex_rewrite: output.regexRewrite,
    path_rewrite_policy: output.pathRewritePolicy,
    path_rewrite: output.pathRewrite || undefined,
  };
  const fields = Object.entries(given).flatMap(([field, value]) => (value === undefined ? [] : [field]));
  if (fields[1] !== undefined) {
    const message = 'Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy';
    report({ path: [fields[1]], at: 'key', message });
  }
  checkSubstitution('regex_rewrite', output.regexRewrite?.substitution, report);
  checkSubstitution('host_rewrite_path_regex', output.hostRewritePathRegex?.substitution, report);
  checkFormat('path_rewrite', output.pathRewrite, report);
  checkFormat('host_rewrite', output.hostRewrite, report);
}

/** What comes from it stands in a request line or in `host`. */
function checkSubstitution(field: string, substitution: string | undefined, report: Report): void {
  if (substitution === undefined || /^[!-~]*$/.test(substitution)) return;
  const message = 'expected ASCII without spaces and control characters, all else percent-encoded';
  report({ path: [field, 'substitution'], message });
}

type Upgrades = readonly ({ readonly upgradeType?: string | undefined } | undefined)[] | undefined;

function checkUpgrades(upgrades: Upgrades, report: Report): void {
  const seen = new Set<string>();
  for (const [index, upgrade] of (upgrades ?? []).entries()) {
    if (upgrade?.upgradeType === undefined) continue;
    const type = upgrade.upgradeType.toLowerCase();
    const path = ['upgrade_configs', index, 'upgrade_type'];
    if (seen.has(type)) report({ path, message: `Duplicate upgrade ${upgrade.upgradeType}` });
    seen.add(type);
  }
}
