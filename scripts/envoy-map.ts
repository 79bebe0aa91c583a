/** Writes docs/envoy-map.md: what of Envoy there is here, read from the schemas and from the flags of the command. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FLAGS } from '../packages/cli/src/flags.ts';
import { configSupport, type FieldSupport } from '../packages/core/src/index.ts';
import { standard } from '../packages/standard/src/index.ts';

/** What the table alone does not tell about implemented fields. */
const NOTES: Readonly<Record<string, string>> = {
  'bootstrap.v3.Bootstrap.layered_runtime':
    'static, disk and admin layers; files over 64 KiB and more than 10 000 files of a disk layer count as a load error',
  'listener.v3.Listener.enable_reuse_port': 'one worker needs one socket: both values do the same',
  'listener.v3.Listener.per_connection_buffer_limit_bytes': 'default 32 KiB (Envoy: 1 MiB)',
  'listener.v3.Listener.drain_type': '`MODIFY_ONLY` listeners do not drain on `/healthcheck/fail`',
  'listener.v3.Listener.traffic_direction': 'used by `/drain_listeners?inboundonly`',
  'listener.v3.Listener.metadata': 'shown by `/config_dump`',
  'listener.v3.FilterChain.name': 'shown by `/config_dump`',
  'listener.v3.FilterChain.metadata': 'shown by `/config_dump`',
  'cluster.v3.Cluster.per_connection_buffer_limit_bytes': 'default 32 KiB (Envoy: 1 MiB)',
  'cluster.v3.Cluster.metadata': 'shown by `/config_dump`',
  'cluster.v3.Cluster.dns_refresh_rate': 'as all `dns_` fields, for `STRICT_DNS` and `LOGICAL_DNS`',
  'core.v3.HttpProtocolOptions.headers_with_underscores_action': 'of connection managers; refused for clusters',
  'core.v3.Http1ProtocolOptions.accept_http_10': 'of connection managers; refused for clusters',
  'core.v3.Http1ProtocolOptions.default_host_for_http_10': 'of connection managers; refused for clusters',
  'core.v3.Http1ProtocolOptions.allow_chunked_length': 'of connection managers; refused for clusters',
  'core.v3.SocketAddress.ipv4_compat': 'of listeners and of the admin server',
  'core.v3.Pipe.mode': 'of listeners and of the admin server',
  'core.v3.Node.metadata': 'shown by `/server_info` and `/config_dump`',
  'core.v3.Node.locality': 'shown by `/server_info` and `/config_dump`',
  'core.v3.DataSource.filename': 'read once, when the configuration is loaded',
  'core.v3.HeaderValue.value': 'with `%COMMAND%` substitutions',
  'core.v3.HeaderValue.key':
    'not `host`, pseudo headers, or the fields that the codec writes (`connection`, `content-length`, `keep-alive`, `proxy-connection`, `transfer-encoding`)',
  'endpoint.v3.Endpoint.hostname': 'shown by `/clusters`',
  'endpoint.v3.LocalityLbEndpoints.locality': 'shown by `/clusters`',
  'endpoint.v3.ClusterLoadAssignment.cluster_name':
    'required, and not used, as in Envoy for clusters of the configuration',
  'route.v3.Route.metadata': 'shown by `/config_dump`; read by `%METADATA(ROUTE:…)%` and rate limit actions',
  'route.v3.VirtualHost.metadata': 'shown by `/config_dump`',
  'route.v3.RouteConfiguration.metadata': 'shown by `/config_dump`',
  'route.v3.RouteConfiguration.name': 'shown by `/config_dump`',
  'route.v3.RouteMatch.case_sensitive': 'not for `safe_regex`, as in Envoy',
  'route.v3.DirectResponseAction.body': 'UTF-8 text of at most `max_direct_response_body_size_bytes`',
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
| Filter chains | \`filter_chain_match\` with Envoy's precedence, \`default_filter_chain\`; no matcher trees |
| Listener filters | tls_inspector, http_inspector, proxy_protocol, and your own; original_dst without effect |
| Network filters | HTTP connection manager, tcp_proxy, connection_limit, local_ratelimit, rbac, sni_cluster, sni_dynamic_forward_proxy, echo, direct_response, and your own |
| HTTP/1.1 | yes, both sides; requests in HTTP/1.0 with \`accept_http_10\`; header names in their case on request |
| Upgrades (WebSocket and others), CONNECT | HTTP/1.1 on both sides; CONNECT forwarded, or ended here and sent on as TCP |
| HTTP/2 | both sides, every pair of versions, all flood limits; no \`Upgrade: h2c\` |
| HTTP/3 | not built yet |
| TLS, either side | server names, ALPN, client certificates, CRLs, session resumption, files that change; no SDS, no OCSP |
| gRPC | over HTTP/2, with trailers, deadlines and gRPC local replies |
| Route matching | all path kinds with URI templates and CONNECT, headers, query parameters, cookies, gRPC, TLS context, runtime fraction, dynamic metadata, filter state; scoped routes; virtual clusters |
| Route actions | clusters by name, header and weight; rewrites of path and host; redirects; direct responses; header mutations with \`%COMMAND%\`; mirroring; hash policies; timeouts; internal redirects; per-filter config on four levels |
| Retries, hedging, retry budgets, host predicates, retry priorities | yes |
| CORS, rate limits | carried on the route, for the filters that will use them |
| Connection manager | trust rules and address detection, request ids, path normalisation, local replies, proxy-status, all timeouts |
| Runtime | static, disk and admin layers; no RTDS |
| Explaining | \`mesh explain\`, \`POST /explain\`, \`mesh route-check\`: only here |
| HTTP filters | router, health_check, stateful_session, dynamic_forward_proxy, tap, and your own; \`typed_per_filter_config\` for them |
| Clusters | STATIC, STRICT_DNS, LOGICAL_DNS, \`envoy.clusters.dns\`, aggregate, dynamic forward proxy, ORIGINAL_DST behind an allow list, and your own; updates at run time through \`proxy.clusters\` |
| Load balancing | every policy but load-aware locality and dynamic modules: same tables, orders and shares; priorities, panic, locality weights, zone-aware routing, slow start, subsets; and your own |
| Circuit breakers | all thresholds per priority, retry budgets, connections per host, pools; preconnect; happy eyeballs |
| Health checks, outlier detection | HTTP (1 and 2), TCP, gRPC, event log; all detectors |
| Simulation | \`pnpm simulate\`: only here |
| xDS | not built yet |
| Statistics | Envoy's names and values (compared, see below); \`/stats\` as text, JSON, page and Prometheus; tags, matchers, histogram buckets, \`track_cluster_stats\` |
| Stats sinks | statsd (UDP, TCP), DogStatsD, Graphite, metrics service, OpenTelemetry by OTLP and by the application's SDK, and your own; prom-client bridge |
| Admin server | every endpoint but two, see below; \`/tap\` with the tap filter; unix sockets, \`allow_paths\`, access logs |
| Access logs | of requests, attempts, TCP connections, listeners, the admin server; text and JSON with every command operator but CEL; every filter but those of extensions; file, stdout, stderr, gRPC access log service (HTTP, TCP), OpenTelemetry, and your own |
| Tracing | Zipkin (JSON of version 1 and 2, protobuf; B3, W3C), the application's OpenTelemetry SDK, and your own; sampling, decorators, custom tags, spans for attempts, mirrors and side calls |
| Overload manager, watchdog | not built yet |
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
- **Rewritten paths keep their leading slash** (one is put in front; Envoy sends \`GET abc\`), and what may not stand in a
  request line is percent-encoded. Substitutions that name a group which does not exist are refused when loaded.
- **Header lines.** Where Envoy keeps a header as one line (\`accept\`, \`referer\`, \`x-forwarded-for\` and about forty others)
  it joins repeated lines with a comma on every hop. Here lines stay as they came, unless a mutation appends to them;
  matchers see them joined, as in Envoy.
- **\`OPTIONS *\`** is forwarded where a route takes it; Envoy answers 404.
- **Fields that \`Connection\` names** are taken off responses as well; Envoy lets them through.
- **\`x-forwarded-for\` of a loopback peer** is its address; Envoy writes the address of a network interface of the machine.
- **Response heads** are limited to 60 KiB by default (Envoy: 80 for HTTP/1); \`max_response_headers_kb\` sets it.
- **Start lines** other than HTTP/1.0 and 1.1 are answered 400; no 100 is sent to HTTP/1.0.
- **\`stream_flush_timeout\`** also works on HTTP/1.
- **A mirror that lags** is given up when the cluster's buffer limit is reached (\`retry_or_shadow_abandoned\`); in Envoy
  1.40 it stalls the client. Requests that ask for an upgrade are not mirrored.
- **Tunnels.** No byte of a tunnel goes upstream before its 101 or 2xx, whatever the type of upgrade. A 101 that nobody
  asked for, or without \`Upgrade\`, is a 502. An \`Upgrade\` beside a body or in HTTP/1.0 is not followed. When the upstream
  ends a tunnel the client sees FIN at once, not after \`delayed_close_timeout\`.
- **Scoped routes**: two scopes of one name or one key are refused; Envoy takes them.
- **URI templates** with \`*\` inside a literal are refused; Envoy repeats the character before it.
- **Bytes that may not stand in a header** and come out of a \`%COMMAND%\` become spaces; Envoy writes a decoded CR.
- **\`/runtime\`** sorts its keys and prints static fractions as JSON.
- **\`socket_address\` \`::\`** takes IPv4 connections only with \`ipv4_compat\`, as in Envoy.
- **DNS clusters keep their hosts** when a name has no addresses or does not exist; Envoy removes them. The open
  connections of a LOGICAL_DNS host outlive a move of its address ([decision 23](decisions/0023-last-good-answer.md)).
- **ORIGINAL_DST** needs a list of addresses that it may dial ([decision 20](decisions/0020-original-destination-allow-list.md)).
- **Dynamic forward proxy**: names are kept in lower case and checked before they are looked up; a cluster that no filter
  asks for has no hosts.
- **Weighted schedules** of hosts and places go on over updates of the host set; Envoy begins again.
- **\`update_merge_window\`** holds only where it is set; Envoy merges changes of health for one second by default.
- **\`alt_port\`** of health checks is used; Envoy 1.40 ignores it.
- **A host is ejected once** though two detectors want it out; Envoy counts it twice.
- **Log files** hold at most 1 MiB that waits and then drop lines, counted in \`access_logs.dropped\`; Envoy's buffer has no bound
  ([decision 27](decisions/0027-log-files.md)).
- **Zipkin reports** gather more than \`min_flush_spans\` under load, and spans that find no room are dropped and counted
  ([decision 29](decisions/0029-reports-gather.md)). JSON of version 1 is still written for \`/api/v1/spans\`.
- **Static resources** that an update names are an error (\`STATIC_RESOURCE\`); Envoy passes over the update.
- **Durations** are kept in milliseconds, integers beyond 2^53 are rounded.

## Admin endpoints

Not here: \`/memory/tcmalloc\`, \`/peak_heap_dump\`. \`/cpuprofiler\`, \`/heapprofiler\`, \`/allocprofiler\` and \`/heap_dump\` are
V8's; \`/contention\` and \`/stats/recentlookups\` have nothing to tell. \`/explain\`, \`/routes\` and \`format=html\` of \`/clusters\` and
\`/listeners\` are only here.
`;

/** One difference that the comparison with a real Envoy has found and that is meant. */
interface KnownDifference {
  readonly scenario: string;
  readonly reason: string;
}

/** `conformance/envoy/differences.json` in words: the comparison fails when an entry is no longer needed. */
function knownDifferences(): string {
  const path = new URL('../conformance/envoy/differences.json', import.meta.url);
  const scenarios = new Map<string, Set<string>>();
  for (const { scenario, reason } of JSON.parse(readFileSync(path, 'utf8')) as KnownDifference[]) {
    scenarios.set(reason, (scenarios.get(reason) ?? new Set()).add(scenario));
  }
  const lines = [...scenarios].map(([reason, names]) => `- ${reason} (\`${[...names].join('`, `')}\`)`);
  return `## Differences found by comparison

${COMPARED}

${lines.join('\n')}
`;
}

/** An entry of `conformance/envoy/stats/names.json`. */
interface NamedReason {
  readonly names: string;
  readonly shown?: string;
  readonly reason: string;
}

/** `conformance/envoy/stats/names.json` in words: the comparison fails when a name is missing from it, or an entry is idle. */
function statistics(): string {
  const path = new URL('../conformance/envoy/stats/names.json', import.meta.url);
  const known = JSON.parse(readFileSync(path, 'utf8')) as Record<'differing' | 'lacking' | 'ours', NamedReason[]>;
  const list = (entries: readonly NamedReason[]) =>
    entries
      .map(({ names, shown, reason }) => {
        const words = (shown ?? names.replaceAll('\\', '')).split(', ').map((name) => `\`${name}\``);
        return `- ${words.join(', ')}: ${reason}`;
      })
      .join('\n');
  return `## Statistics

The same configuration (TLS, HTTP/2, gRPC, TCP, retries, timeouts, health checks, outlier detection, circuit breakers, zones,
network and listener filters) and the same traffic go to Envoy 1.40 and to this proxy, and every name of \`/stats\` is
compared (\`conformance/envoy/stats\`). The values are equal, but for those that cannot be:

${list(known.differing)}

Envoy has these for the same configuration, and this version has not:

${list(known.lacking)}

Only here:

${list(known.ours)}
`;
}

const COMPARED = `More than 500 scenarios and 180 configurations are played against the recorded answers of Envoy 1.40
(\`conformance/envoy\`). These differ on purpose; everything else is equal, as is the table of route cases
(\`packages/core/src/routing/cases\`).`;

/** The whole document. */
export function envoyMap(): string {
  return `${INTRODUCTION}\n${statistics()}\n${knownDifferences()}\n${flags()}\n${fields(configSupport(standard))}`;
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
