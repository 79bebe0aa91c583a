/** Writes docs/envoy-map.md: what of Envoy there is here, read from the schemas and from the flags of the command. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FLAGS } from '../packages/cli/src/flags.ts';
import { configSupport, type FieldSupport } from '../packages/core/src/index.ts';
import { standard } from '../packages/standard/src/index.ts';

/** What the table alone does not tell about implemented fields. */
const NOTES: Readonly<Record<string, string>> = {
  'bootstrap.v3.Bootstrap.layered_runtime': 'empty layers only: there are no runtime keys',
  'listener.v3.Listener.enable_reuse_port': 'one worker needs one socket: both values do the same',
  'listener.v3.Listener.per_connection_buffer_limit_bytes': 'default 32 KiB (Envoy: 1 MiB)',
  'listener.v3.Listener.drain_type': '`MODIFY_ONLY` listeners do not drain on `/healthcheck/fail`',
  'listener.v3.Listener.traffic_direction': 'used by `/drain_listeners?inboundonly`',
  'listener.v3.Listener.metadata': 'shown by `/config_dump`',
  'listener.v3.FilterChain.name': 'shown by `/config_dump`',
  'listener.v3.FilterChain.metadata': 'shown by `/config_dump`',
  'listener.v3.Listener.filter_chains': 'one, for all connections',
  'listener.v3.Listener.default_filter_chain':
    'used when `filter_chains` is empty; otherwise the one chain takes every connection',
  'cluster.v3.Cluster.per_connection_buffer_limit_bytes': 'default 32 KiB (Envoy: 1 MiB)',
  'cluster.v3.Cluster.metadata': 'shown by `/config_dump`',
  'cluster.v3.Cluster.dns_refresh_rate': 'as all `dns_` fields, for `STRICT_DNS` only',
  'cluster.v3.CircuitBreakers.Thresholds.max_retries': 'shown by `/clusters`; there are no retries to limit yet',
  'cluster.v3.CircuitBreakers.Thresholds.priority':
    '`HIGH` limits are shown by `/clusters`; no route can ask for that priority yet',
  'core.v3.HttpProtocolOptions.headers_with_underscores_action': 'of connection managers; refused for clusters',
  'core.v3.HttpProtocolOptions.max_stream_duration': 'of connection managers; refused for clusters',
  'core.v3.Http1ProtocolOptions.accept_http_10': 'of connection managers; refused for clusters',
  'core.v3.Http1ProtocolOptions.default_host_for_http_10': 'of connection managers; refused for clusters',
  'core.v3.Http1ProtocolOptions.allow_chunked_length': 'of connection managers; refused for clusters',
  'core.v3.SocketAddress.ipv4_compat': 'of listeners and of the admin server',
  'core.v3.Pipe.mode': 'of listeners and of the admin server',
  'core.v3.Node.metadata': 'shown by `/server_info` and `/config_dump`',
  'core.v3.Node.locality': 'shown by `/server_info` and `/config_dump`',
  'core.v3.DataSource.filename': 'read once, when the configuration is loaded',
  'core.v3.HeaderValue.value': 'literal: no `%COMMAND%` substitutions yet',
  'core.v3.HeaderValue.key':
    'not `host`, pseudo headers, or the fields that the codec writes (`connection`, `content-length`, `keep-alive`, `proxy-connection`, `transfer-encoding`)',
  'endpoint.v3.Endpoint.hostname': 'shown by `/clusters`',
  'endpoint.v3.LocalityLbEndpoints.locality': 'shown by `/clusters`',
  'endpoint.v3.ClusterLoadAssignment.cluster_name':
    'required, and not used, as in Envoy for clusters of the configuration',
  'route.v3.Route.metadata': 'shown by `/config_dump`',
  'route.v3.VirtualHost.metadata': 'shown by `/config_dump`',
  'route.v3.RouteConfiguration.metadata': 'shown by `/config_dump`',
  'route.v3.RouteConfiguration.name': 'shown by `/config_dump`',
  'route.v3.RouteMatch.case_sensitive': 'not for `safe_regex`, as in Envoy',
  'route.v3.DirectResponseAction.body': 'UTF-8 text of at most 4096 bytes',
  'type.matcher.v3.RegexMatcher.regex': 'RE2 syntax without Unicode classes; matched in linear time',
  'type.matcher.v3.StringMatcher.ignore_case': 'refused beside `safe_regex`, as in Envoy',
  'core.v3.TcpKeepalive.keepalive_time': 'seconds',
};

const INTRODUCTION = `# Envoy map

What of Envoy 1.40 this version has, what it refuses, and where it deliberately differs. The tables are generated from
the schemas that read the configuration (\`scripts/envoy-map.ts\`), so they cannot promise what is not there.

Nothing in a configuration is ignored. A field that Envoy has and this version has not is refused at start, with file,
line, column and the reason; a field that nobody knows is refused with the nearest known name. The exceptions are data
that has no effect in Envoy either; they are marked below.

## Features

| Feature | State |
|---|---|
| Listeners on IPv4, IPv6, unix sockets | yes; several addresses per listener |
| Filter chains | one per listener; no chain matching, no listener filters |
| Network filters | HTTP connection manager, echo, direct_response, and your own |
| HTTP/1.1 | yes, both sides; requests in HTTP/1.0 with \`accept_http_10\` |
| HTTP/2, HTTP/3, gRPC, WebSocket, CONNECT | not built yet |
| TLS, either side | not built yet |
| Routes: prefix, path, regex, separated prefix, headers, query parameters | yes |
| Redirects, direct responses, host and prefix rewrites, header mutations | yes; values are literal |
| Retries, hedging, mirroring, weighted clusters, rate limits, CORS, internal redirects | not built yet |
| HTTP filters | router, and your own; \`typed_per_filter_config\` for them |
| Clusters | STATIC, STRICT_DNS |
| Load balancing | round robin, with weights |
| Circuit breakers | connections, pending requests, requests, per priority |
| Health checks, outlier detection | not built yet |
| xDS | not built yet |
| Statistics | Envoy's names; \`/stats\` as text, JSON and Prometheus; no sinks |
| Access logs, tracing, runtime, overload manager, watchdog | not built yet |
| Configuration | v3 and the 2018 (v2) form, YAML and JSON, \`--config-yaml\` merged as Envoy does |
| Hot restart | no; a graceful drain on SIGTERM instead |

## Deliberate differences

- **Buffers.** \`per_connection_buffer_limit_bytes\` is 32 KiB when not given (Envoy: 1 MiB). It bounds what one slow peer
  can make the proxy hold; 0 (no limit) is refused.
- **SIGTERM and SIGINT** drain: nothing new is accepted, requests in flight end, then the process exits; a second signal
  ends it at once. Envoy stops at once and leaves draining to the admin interface.
- **One retry on a stale connection.** A request that went out on a reused connection and got no byte of an answer is
  sent once more when its method is idempotent. It needs no \`retry_policy\` and is counted as \`upstream_rq_retry\`.
- **HTTP/1 is read more strictly.** Among others: a transfer coding other than a single \`chunked\` is answered 501;
  Content-Length beside chunked is refused unless \`allow_chunked_length\` is set; bare LF, folded fields, spaces before
  colons and several Host fields are refused; \`connection\` may not take away framing, host or forwarding fields.
- **Framing fields belong to the codec.** \`connection\`, \`content-length\`, \`keep-alive\`, \`proxy-connection\` and
  \`transfer-encoding\` cannot be added or removed by header mutations; Envoy takes such settings and overwrites them.
- **Text that goes on the wire** is checked when it is loaded: hosts and paths of rewrites and redirects must be ASCII
  without spaces and control characters; \`server_name\` and \`via\` printable ASCII; header names tokens.
- **Chains without a terminal filter** are refused, also empty ones. Envoy takes empty chains and closes each connection.
- **Listener names** must be unique. Envoy takes two of the same name and keeps one.
- **\`typed_per_filter_config\`** must name a filter of the chain, and only one. Envoy ignores other names.
- **Regular expressions** are RE2 syntax without Unicode classes (\`\\pL\`), at most 2000 instructions.
- **\`socket_address\` \`::\`** takes IPv4 connections only with \`ipv4_compat\`, as in Envoy.
- **Durations** are kept in milliseconds, integers beyond 2^53 are rounded.

## Admin endpoints

Not here: \`/allocprofiler\`, \`/contention\`, \`/cpuprofiler\`, \`/heap_dump\`, \`/heapprofiler\`, \`/memory/tcmalloc\`,
\`/peak_heap_dump\` (use the profilers of Node.js), \`/certs\` (no TLS), \`/init_dump\` (no xDS), \`/stats/recentlookups\` and
what is below it (there is no symbol table to look up in). \`/runtime_modify\` answers, but there are no runtime keys.

## Statistics

For the same configuration and traffic these statistics of Envoy 1.40 are missing, each because what it counts is not
there: \`runtime.*\`, \`overload.*\`, \`envoy.overload_actions.*\`, \`filesystem.*\`, \`main_thread.*\`, \`workers.*\`,
\`server.main_thread.*\`, \`server.worker_<n>.*\`, \`server.envoy_notifications\`, \`thread_local_cluster_manager.*\`,
\`listener.<address>.worker_<n>.*\`, \`listener.admin.main_thread.*\`, \`http.async-client.*\`, \`http.<prefix>.tracing.*\`,
\`http.<prefix>.passthrough_internal_redirect_*\`, \`http.<prefix>.rq_redirect\`, \`http.<prefix>.rq_overload_local_reply\`,
\`http1.*\` and \`cluster.<name>.http1.*\` before their first event, \`dns.cares.*\` (names are asked of the system).

Only here: \`http.<prefix>.filter_error\` (exceptions of filters), \`server.dropped_dynamic_stats\` and \`overflow\` (bounds of
the number of statistics).
`;

/** The whole document. */
export function envoyMap(): string {
  return `${INTRODUCTION}\n${flags()}\n${fields(configSupport(standard))}`;
}

function flags(): string {
  const list = (use: string) =>
    FLAGS.filter((flag) => flag.use === use).map(({ name, help, only }) => {
      return `| \`--${name}\` | ${only === undefined ? '' : `only \`${only}\`: `}${help} |`;
    });
  return [
    '## Command line',
    '',
    'Refused, because they would change what the proxy does:',
    '',
    '| Flag | Reason |',
    '|---|---|',
    ...list('refused'),
    '',
    'Accepted without effect, because what they ask for is meaningless here or always so:',
    '',
    '| Flag | Reason |',
    '|---|---|',
    ...list('ignored'),
    '',
    'All other flags of Envoy do what they do there, but for `--concurrency`: there is one worker, whatever is given.',
    '',
  ].join('\n');
}

function fields(table: readonly FieldSupport[]): string {
  const messages = [...new Set(table.map(({ message }) => message))].sort();
  const sections = messages.map((message) =>
    section(
      message,
      table.filter((row) => row.message === message),
    ),
  );
  return [
    '## Fields',
    '',
    'By message, in alphabetical order; messages that are refused as a whole are not listed.',
    '',
    ...sections,
  ].join('\n');
}

function section(message: string, rows: readonly FieldSupport[]): string {
  const implemented = rows.filter(({ status }) => status === 'implemented');
  const refused = rows.filter(({ status }) => status === 'refused');
  return [
    `### ${message}`,
    '',
    ...(implemented.length === 0 ? ['No fields.', ''] : [...implemented.map((row) => `- ${implementedText(row)}`), '']),
    ...(refused.length === 0 ? [] : ['| Refused | Reason |', '|---|---|', ...refused.map(refusedText), '']),
  ].join('\n');
}

function implementedText({ message, field, refusedValues = {} }: FieldSupport): string {
  const note = NOTES[`${message.replace(/^envoy\.(?:config\.)?/, '')}.${field}`];
  const values = Object.entries(refusedValues).map(([value, reason]) => `${value} (${reason})`);
  const refused = values.length === 0 ? undefined : `refused: ${values.join(', ')}`;
  const more = [note, refused].filter((part) => part !== undefined).join('; ');
  return more === '' ? `\`${field}\`` : `\`${field}\`: ${more}`;
}

function refusedText({ field, reason }: FieldSupport): string {
  return `| \`${field}\` | ${reason} |`;
}

/** Notes whose field is gone or misspelt. */
export function staleNotes(): string[] {
  const known = new Set(
    configSupport(standard).map(({ message, field }) => `${message.replace(/^envoy\.(?:config\.)?/, '')}.${field}`),
  );
  return Object.keys(NOTES).filter((name) => !known.has(name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('../docs/envoy-map.md', import.meta.url), envoyMap());
}
