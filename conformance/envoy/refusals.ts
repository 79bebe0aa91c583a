/** Configurations near the edge of what Envoy takes: does this proxy draw the line at the same place? */
import { add, prefix, type Scenario, TO_A, type Yaml } from './scenario.ts';

/** A configuration to be accepted or refused as Envoy does. */
export type Edge = Omit<Scenario, 'requests'>;

const edge = (name: string, why: string, rest: Partial<Scenario>): Edge => ({ name, why, routes: [TO_A], ...rest });
const route = (name: string, why: string, fields: Yaml): Edge =>
  edge(`route-${name}`, why, { routes: [{ match: { prefix: '/' }, route: { cluster: '<a>' }, ...fields }] });
const match = (name: string, why: string, fields: Yaml): Edge =>
  edge(`match-${name}`, why, { routes: [{ match: fields, route: { cluster: '<a>' } }] });
const action = (name: string, why: string, fields: Yaml): Edge =>
  edge(`action-${name}`, why, { routes: [{ match: { prefix: '/' }, route: { cluster: '<a>', ...fields } }] });
const redirect = (name: string, why: string, fields: Yaml): Edge =>
  edge(`redirect-${name}`, why, { routes: [{ match: { prefix: '/' }, redirect: fields }] });
const direct = (name: string, why: string, fields: Yaml, table: Yaml = {}): Edge =>
  edge(`direct-${name}`, why, { routes: [{ match: { prefix: '/' }, direct_response: fields }], table });
const header = (name: string, why: string, matcher: Yaml): Edge =>
  match(`header-${name}`, why, { prefix: '/', headers: [matcher] });
const manager = (name: string, why: string, fields: Yaml): Edge => edge(`manager-${name}`, why, { manager: fields });
const weighted = (name: string, why: string, fields: Yaml): Edge =>
  edge(`weighted-${name}`, why, { routes: [{ match: { prefix: '/' }, route: { weighted_clusters: fields } }] });
const host = (name: string, domains: readonly string[], rest: Yaml = {}): Yaml => ({
  name,
  domains,
  routes: [TO_A],
  ...rest,
});
const hosts = (name: string, why: string, ...virtualHosts: readonly Yaml[]): Edge =>
  edge(`hosts-${name}`, why, { virtualHosts });
const template = (path_template: string): Yaml => ({
  path_match_policy: {
    name: 'envoy.path.match.uri_template.uri_template_matcher',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
      path_template,
    },
  },
});
const rewriter = (path_template_rewrite: string): Yaml => ({
  path_rewrite_policy: {
    name: 'envoy.path.rewrite.uri_template.uri_template_rewriter',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig',
      path_template_rewrite,
    },
  },
});
const regex = (text: string, substitution: string): Yaml => ({
  regex_rewrite: { pattern: { regex: text }, substitution },
});
const ROUTER: Yaml = {
  name: 'envoy.filters.http.router',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
};

const virtualHosts: readonly Edge[] = [
  hosts('two-same', 'one domain in two hosts', host('a', ['x.test']), host('b', ['x.test'])),
  hosts('two-same-case', 'one domain in two spellings', host('a', ['x.test']), host('b', ['X.test'])),
  hosts('twice', 'one domain twice in a host', host('a', ['x.test', 'x.test'])),
  hosts('two-stars', 'two catch-alls', host('a', ['*']), host('b', ['*'])),
  hosts('two-suffixes', 'one suffix wildcard twice', host('a', ['*.x.test']), host('b', ['*.x.test'])),
  hosts('inner-star', 'a wildcard within', host('a', ['a.*.test'])),
  hosts('both-stars', 'wildcards at both ends', host('a', ['*.x.*'])),
  hosts('no-domains', 'no domain', host('a', [])),
  hosts('empty-domain', 'an empty domain', host('a', [''])),
  hosts('same-name', 'two hosts of one name', host('a', ['x.test']), host('a', ['y.test'])),
  hosts('no-name', 'a host without a name', host('', ['x.test'])),
  hosts('no-routes', 'a host without routes', { name: 'a', domains: ['x.test'] }),
  hosts('bad-tls', 'require_tls that is none', host('a', ['*'], { require_tls: 'SOME' })),
  edge('hosts-none', 'a table without hosts', { virtualHosts: [] }),
];

const matches: readonly Edge[] = [
  match('nothing', 'no condition on the path', {}),
  match('two', 'two conditions on the path', { prefix: '/', path: '/x' }),
  match('prefix-no-slash', 'a prefix that does not begin with a slash', { prefix: 'x' }),
  match('prefix-empty', 'an empty prefix', { prefix: '' }),
  match('path-query', 'a path with a question mark', { path: '/x?y' }),
  match('separated-slash', 'a separated prefix with a slash at its end', { path_separated_prefix: '/x/' }),
  match('separated-query', 'with a question mark', { path_separated_prefix: '/x?y' }),
  match('separated-fragment', 'with a fragment', { path_separated_prefix: '/x#y' }),
  match('separated-no-slash', 'that does not begin with a slash', { path_separated_prefix: 'x' }),
  match('separated-root', 'that is the root', { path_separated_prefix: '/' }),
  match('regex-broken', 'a regular expression that is none', { safe_regex: { regex: '(' } }),
  match('regex-empty', 'an empty one', { safe_regex: { regex: '' } }),
  match('regex-backreference', 'a back reference', { safe_regex: { regex: '(a)\\1' } }),
  match('regex-lookahead', 'a lookahead', { safe_regex: { regex: '/(?=a).*' } }),
  match('regex-lookbehind', 'a lookbehind', { safe_regex: { regex: '/(?<=a).*' } }),
  match('regex-nested', 'nested quantifiers, which are harmless in linear time', { safe_regex: { regex: '/(a+)+' } }),
  match('regex-count', 'a large count', { safe_regex: { regex: '/a{1000}' } }),
  match('regex-count-too-large', 'a count over 1000', { safe_regex: { regex: '/a{1001}' } }),
  match('template-same-name', 'a variable twice', template('/{a}/{a}')),
  match('template-middle-rest', 'a rest in the middle', template('/**/x')),
  match('template-no-slash', 'a template without its slash', template('a/b')),
  match('template-two-rests', 'two rests', template('/{a=**}/{b=**}')),
  match('template-in-segment', 'a variable within a segment', template('/a{b}c')),
  match('template-many', 'six variables', template('/{a}/{b}/{c}/{d}/{e}/{f}')),
  match('template-open', 'a brace that is not closed', template('/{a')),
  match('template-bad-name', 'a name that begins with a digit', template('/{1a}')),
  match('template-bad-literal', 'a character that no path has', template('/a b')),
  match('query-no-name', 'a query parameter without a name', { prefix: '/', query_parameters: [{ name: '' }] }),
  match('query-long-name', 'a very long name', { prefix: '/', query_parameters: [{ name: 'x'.repeat(1025) }] }),
  match('fraction-no-default', 'a runtime fraction without a default', {
    prefix: '/',
    runtime_fraction: { runtime_key: 'x' },
  }),
  match('fraction-bad-denominator', 'a denominator that is none', {
    prefix: '/',
    runtime_fraction: { default_value: { numerator: 1, denominator: 'TEN' } },
  }),
  match('fraction-over-one', 'more than the whole', {
    prefix: '/',
    runtime_fraction: { default_value: { numerator: 200 } },
  }),
  match('metadata-no-path', 'metadata without a path', {
    prefix: '/',
    dynamic_metadata: [{ filter: 'x', path: [], value: { present_match: true } }],
  }),
  match('metadata-no-value', 'metadata without a value', {
    prefix: '/',
    dynamic_metadata: [{ filter: 'x', path: [{ key: 'k' }] }],
  }),
  match('unknown-field', 'a field that nobody knows', { prefix: '/', prefixx: '/' }),
  header('no-name', 'a field matcher without a name', { present_match: true }),
  header('two', 'two conditions', { name: 'x', exact_match: 'a', prefix_match: 'b' }),
  header('range-empty', 'an empty range', { name: 'x', range_match: { start: '5', end: '5' } }),
  header('range-backwards', 'a range that ends before it begins', { name: 'x', range_match: { start: '5', end: '1' } }),
  header('bad-name', 'a name with a blank', { name: 'x y', present_match: true }),
  header('regex-ignore-case', 'ignore_case of a regular expression', {
    name: 'x',
    string_match: { safe_regex: { regex: 'a' }, ignore_case: true },
  }),
  header('prefix-empty', 'an empty prefix', { name: 'x', string_match: { prefix: '' } }),
  header('prefix-old-empty', 'an empty prefix in the old form', { name: 'x', prefix_match: '' }),
  header('exact-empty', 'an empty text', { name: 'x', string_match: { exact: '' } }),
  header('string-nothing', 'a string matcher without a condition', { name: 'x', string_match: {} }),
];

const actions: readonly Edge[] = [
  edge('route-no-action', 'a route without an action', { routes: [{ match: { prefix: '/' } }] }),
  edge('route-two-actions', 'two actions', {
    routes: [{ match: { prefix: '/' }, route: { cluster: '<a>' }, redirect: { path_redirect: '/x' } }],
  }),
  edge('route-no-match', 'a route without a match', { routes: [{ route: { cluster: '<a>' } }] }),
  edge('action-no-cluster', 'no cluster', { routes: [{ match: { prefix: '/' }, route: {} }] }),
  edge('action-empty-cluster', 'a cluster without a name', {
    routes: [{ match: { prefix: '/' }, route: { cluster: '' } }],
  }),
  edge('action-unknown-cluster', 'a cluster that does not exist', { routes: [prefix('/', '<unknown>')] }),
  edge('action-unknown-cluster-allowed', 'unless clusters are not validated', {
    routes: [prefix('/', '<unknown>')],
    table: { validate_clusters: false },
  }),
  edge('action-empty-cluster-header', 'a cluster_header without a name', {
    routes: [{ match: { prefix: '/' }, route: { cluster_header: '' } }],
  }),
  edge('action-two-clusters', 'a cluster and a header for it', {
    routes: [{ match: { prefix: '/' }, route: { cluster: '<a>', cluster_header: 'x' } }],
  }),
  weighted('none', 'no entries', { clusters: [] }),
  weighted('zero', 'weights that add up to nothing', { clusters: [{ name: '<a>', weight: 0 }] }),
  weighted('no-weight', 'an entry without a weight', { clusters: [{ name: '<a>' }] }),
  weighted('one-no-weight', 'one of two entries without a weight', {
    clusters: [{ name: '<a>' }, { name: '<b>', weight: 1 }],
  }),
  weighted('no-name', 'an entry without a name', { clusters: [{ weight: 1 }] }),
  weighted('name-and-header', 'an entry with a name and a header', {
    clusters: [{ name: '<a>', cluster_header: 'x', weight: 1 }],
  }),
  weighted('unknown', 'an entry that does not exist', { clusters: [{ name: '<unknown>', weight: 1 }] }),
  weighted('total', 'a total that is not the sum', { total_weight: 100, clusters: [{ name: '<a>', weight: 1 }] }),
  action('prefix-and-regex', 'two rewrites of the path', { prefix_rewrite: '/x', ...regex('a', 'b') }),
  action('two-hosts', 'two rewrites of the host', { host_rewrite_literal: 'x', auto_host_rewrite: true }),
  action('regex-bad-group', 'a group that is not there', regex('a(b)', '\\2')),
  action('regex-bad-escape', 'an escape that is none', regex('a', '\\x')),
  action('regex-broken', 'a pattern that is none', regex('(', 'x')),
  action('prefix-rewrite-newline', 'a line break in a rewrite', { prefix_rewrite: '/x\r\ny' }),
  action('host-rewrite-newline', 'a line break in a host', { host_rewrite_literal: 'x\r\ny' }),
  action('host-rewrite-blank', 'a blank in a host', { host_rewrite_literal: 'x y' }),
  action('template-without-match', 'a template rewrite without a template match', rewriter('/{a}')),
  edge('action-template-unknown', 'a variable that the match does not have', {
    routes: [{ match: template('/{a}'), route: { cluster: '<a>', ...rewriter('/{b}') } }],
  }),
  edge('action-template-known', 'a variable that it has', {
    routes: [{ match: template('/{a}'), route: { cluster: '<a>', ...rewriter('/x/{a}') } }],
  }),
  action('timeout-negative', 'a negative timeout', { timeout: '-1s' }),
  action('timeout-no-unit', 'a timeout without a unit', { timeout: '15' }),
  action('timeout-ms', 'a timeout in milliseconds', { timeout: '15ms' }),
  action('not-found-code', 'a code that is none', { cluster_not_found_response_code: 'TEAPOT' }),
  action('priority', 'a priority that is none', { priority: 'LOW' }),
  action('retry-negative', 'a negative number of retries', { retry_policy: { num_retries: -1 } }),
  action('retry-back-off-zero', 'a back-off of nothing', { retry_policy: { retry_back_off: { base_interval: '0s' } } }),
  action('retry-back-off-backwards', 'a largest back-off below the first', {
    retry_policy: { retry_back_off: { base_interval: '2s', max_interval: '1s' } },
  }),
  action('retry-back-off-no-base', 'a back-off without its first', {
    retry_policy: { retry_back_off: { max_interval: '1s' } },
  }),
  action('retry-rate-limited-none', 'rate limited back-off without fields', {
    retry_policy: { rate_limited_retry_back_off: { reset_headers: [] } },
  }),
  action('retry-unknown-token', 'a token that nobody knows', { retry_policy: { retry_on: 'nonsense' } }),
  action('retry-predicate-unknown', 'a predicate that nobody knows', {
    retry_policy: { retry_host_predicate: [{ name: 'nonsense' }] },
  }),
  action('retry-status-code', 'a status code that is none', {
    retry_policy: { retry_on: 'retriable-status-codes', retriable_status_codes: [99999] },
  }),
  action('hash-nothing', 'a hash policy without a source', { hash_policy: [{}] }),
  action('hash-cookie-no-name', 'a cookie without a name', { hash_policy: [{ cookie: {} }] }),
  action('hash-header-no-name', 'a field without a name', { hash_policy: [{ header: { header_name: '' } }] }),
  action('mirror-two', 'a mirror with a cluster and a header', {
    request_mirror_policies: [{ cluster: '<a>', cluster_header: 'x' }],
  }),
  action('mirror-nothing', 'a mirror without a cluster', { request_mirror_policies: [{}] }),
  action('mirror-unknown', 'a mirror that does not exist', { request_mirror_policies: [{ cluster: '<unknown>' }] }),
  action('follow-many-codes', 'six redirect codes', {
    internal_redirect_policy: { redirect_response_codes: [301, 302, 303, 307, 308, 300] },
  }),
  action('follow-bad-code', 'a code that is no redirect', {
    internal_redirect_policy: { redirect_response_codes: [200] },
  }),
  action('upgrade-no-type', 'an upgrade without a type', { upgrade_configs: [{}] }),
  action('upgrade-twice', 'one upgrade twice', {
    upgrade_configs: [{ upgrade_type: 'websocket' }, { upgrade_type: 'WebSocket' }],
  }),
  action('connect-config', 'a connect_config of another upgrade', {
    upgrade_configs: [{ upgrade_type: 'websocket', connect_config: {} }],
  }),
  redirect('two-paths', 'two paths', { path_redirect: '/x', prefix_rewrite: '/y' }),
  redirect('two-schemes', 'two schemes', { https_redirect: true, scheme_redirect: 'http' }),
  redirect('bad-code', 'a code that is none', { response_code: 'TEAPOT' }),
  redirect('newline-host', 'a line break in a host', { host_redirect: 'x\r\ny' }),
  redirect('newline-path', 'a line break in a path', { path_redirect: '/x\r\ny' }),
  redirect('newline-prefix', 'a line break in a prefix', { prefix_rewrite: '/x\r\ny' }),
  redirect('port-large', 'a port that is none', { port_redirect: 70000 }),
  direct('100', 'an interim status', { status: 100 }),
  direct('199', 'below 200', { status: 199 }),
  direct('600', 'over 599', { status: 600 }),
  direct('none', 'no status', {}),
  direct('large', 'a body over 4096 bytes', { status: 200, body: { inline_string: 'x'.repeat(4097) } }),
  direct('full', 'a body of 4096 bytes', { status: 200, body: { inline_string: 'x'.repeat(4096) } }),
  direct(
    'larger',
    'a larger limit',
    { status: 200, body: { inline_string: 'x'.repeat(4097) } },
    { max_direct_response_body_size_bytes: 5000 },
  ),
  direct('no-file', 'a file that is not there', { status: 200, body: { filename: '/nonexistent/file' } }),
  direct('empty-body', 'an empty data source', { status: 200, body: {} }),
];

const adding = (name: string, why: string, ...entries: readonly Yaml[]): Edge =>
  route(`add-${name}`, why, { request_headers_to_add: entries });
const value = (name: string, why: string, text: string): Edge => adding(`value-${name}`, why, add('x-a', text));

const mutations: readonly Edge[] = [
  adding('pseudo', 'a pseudo field', add(':path', '/x')),
  adding('host', 'the host', add('host', 'x')),
  adding('host-case', 'the host in another case', add('Host', 'x')),
  adding('no-name', 'no name', add('', 'x')),
  adding('blank-name', 'a blank in the name', add('x y', 'x')),
  adding('newline-name', 'a line break in the name', add('x\ny', 'x')),
  adding('colon-name', 'a colon in the name', add('x:y', 'x')),
  adding('both-appends', 'both ways to say append', add('x-a', 'x', 'ADD_IF_ABSENT', { append: true })),
  adding('bad-action', 'an action that is none', add('x-a', 'x', 'REPLACE')),
  adding('many', 'a thousand and one', ...Array.from({ length: 1001 }, (_, i) => add(`x-${i}`, 'x'))),
  value('newline', 'a line break', 'a\r\nb'),
  value('nul', 'a NUL', 'a\0b'),
  value('unknown', 'a command that nobody knows', '%NONSENSE%'),
  value('open', 'a command that does not end', '%REQ(x)'),
  value('percent', 'a percent sign alone', '100%'),
  value('percents', 'two percent signs', '100%%'),
  value('no-argument', 'a command without its argument', '%REQ%'),
  value('open-argument', 'an argument that does not end', '%REQ(x%'),
  value('extra-argument', 'an argument that nobody wants', '%PROTOCOL(x)%'),
  value('bad-length', 'a length that is none', '%REQ(x):y%'),
  value('zero-length', 'a length of nothing', '%REQ(x):0%'),
  value('lower-case', 'a command in lower case', '%req(x)%'),
  value('two-alternatives', 'three fields', '%REQ(a?b?c)%'),
  value('start-time', 'a time format', '%START_TIME(%Y-%m)%'),
  value('request-newline', 'a line break in an argument', '%REQ(a\nb)%'),
  value('old-metadata', 'metadata in the old form', '%UPSTREAM_METADATA(["ns","key"])%'),
  value('per-request-state', 'PER_REQUEST_STATE', '%PER_REQUEST_STATE(key)%'),
  route('remove-pseudo', 'removing a pseudo field', { request_headers_to_remove: [':method'] }),
  route('remove-host', 'removing the host', { request_headers_to_remove: ['host'] }),
  route('remove-empty', 'removing nothing', { request_headers_to_remove: [''] }),
  route('remove-blank', 'removing a name with a blank', { request_headers_to_remove: ['x y'] }),
  route('remove-response-status', 'removing :status', { response_headers_to_remove: [':status'] }),
  route('per-filter-unknown', 'config of a filter that is not there', {
    typed_per_filter_config: {
      nonsense: { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', disabled: true },
    },
  }),
];

const managers: readonly Edge[] = [
  manager('no-filters', 'no filters', { http_filters: [] }),
  manager('two-routers', 'two routers', { http_filters: [ROUTER, { ...ROUTER, name: 'second' }] }),
  manager('no-stat-prefix', 'no stat_prefix', { stat_prefix: '' }),
  manager('both-strips', 'both ways to strip a port', { strip_any_host_port: true, strip_matching_host_port: true }),
  manager('detection-and-remote', 'two ways to find the client', {
    use_remote_address: true,
    original_ip_detection_extensions: [
      {
        name: 'envoy.http.original_ip_detection.xff',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.http.original_ip_detection.xff.v3.XffConfig' },
      },
    ],
  }),
  manager('headers-kb-zero', 'no head at all', { max_request_headers_kb: 0 }),
  manager('headers-kb-large', 'over the largest head', { max_request_headers_kb: 8193 }),
  manager('headers-count-zero', 'no fields', { common_http_protocol_options: { max_headers_count: 0 } }),
  manager('server-newline', 'a line break in the server name', { server_name: 'a\r\nb' }),
  manager('via-newline', 'a line break in via', { via: 'a\r\nb' }),
  manager('prefix-length', 'an IPv4 range of 40 bits', {
    internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 40 }] },
  }),
  manager('bad-range', 'an address that is none', {
    internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0', prefix_len: 8 }] },
  }),
  manager('upgrade-twice', 'one upgrade twice', {
    upgrade_configs: [{ upgrade_type: 'websocket' }, { upgrade_type: 'websocket' }],
  }),
  manager('reply-no-filter', 'a mapper without a filter', { local_reply_config: { mappers: [{ status_code: 400 }] } }),
  manager('reply-status', 'a mapper with an interim status', {
    local_reply_config: {
      mappers: [
        {
          filter: { status_code_filter: { comparison: { value: { default_value: 1, runtime_key: 'x' } } } },
          status_code: 100,
        },
      ],
    },
  }),
  manager('reply-format-nothing', 'a format without a form', { local_reply_config: { body_format: {} } }),
  manager('reply-format-unknown', 'a format with an unknown command', {
    local_reply_config: { body_format: { text_format_source: { inline_string: '%NONSENSE%' } } },
  }),
  manager('reply-flag', 'a filter on a flag that is none', {
    local_reply_config: { mappers: [{ filter: { response_flag_filter: { flags: ['NONSENSE'] } } }] },
  }),
  manager('scheme-overwrite', 'a scheme that is none', {
    scheme_header_transformation: { scheme_to_overwrite: 'ftp' },
  }),
  manager('idle-negative', 'a negative idle timeout', { stream_idle_timeout: '-1s' }),
  manager('escaped-slashes', 'an action that is none', { path_with_escaped_slashes_action: 'NONSENSE' }),
  manager('http10-no-host', 'an empty default host', {
    http_protocol_options: { accept_http_10: true, default_host_for_http_10: '' },
  }),
  manager('unknown', 'a field that nobody knows', { nonsense: 1 }),
];

/** All of them. */
export const edges: readonly Edge[] = [...virtualHosts, ...matches, ...actions, ...mutations, ...managers];
