/** An explanation for people: short aligned lines, what was asked first and what comes of it last. */
import type {
  ExplainedCluster,
  ExplainedFilter,
  ExplainedHost,
  ExplainedPolicies,
  ExplainedResponse,
  Explanation,
  HeaderChange,
  SourcePlace,
} from './explanation.ts';

/** Width of the first column. */
const LABEL = 16;
/** Longest body that is shown whole. */
const MOST_BODY = 500;

/** The text that `mesh explain` prints, ended by a line feed; plain, without colours. */
export function formatExplanation(explanation: Explanation): string {
  const parts = [
    head(explanation),
    earlier(explanation),
    changes('connection manager', explanation.connectionManager.changes),
    upstream(explanation),
    explanation.cluster === undefined ? [] : cluster(explanation.cluster),
    explanation.policies === undefined ? [] : policies(explanation.policies),
    answer(explanation),
    filters(explanation.filters),
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function head(explanation: Explanation): string[] {
  const { request, listener, filterChain, connectionManager, virtualHost, noVirtualHost, route } = explanation;
  const note = listener.note === undefined ? '' : `, ${listener.note}`;
  const chain = filterChain.index < 0 ? 'the default one' : `${filterChain.index + 1}`;
  const asked = filterChain.match === undefined ? '' : ` for ${filterChain.match}`;
  const before = filterChain.networkFilters.length === 0 ? '' : ` behind ${filterChain.networkFilters.join(', ')}`;
  const table = connectionManager.routeConfig === '' ? '' : `, routes ${quote(connectionManager.routeConfig)}`;
  const lines = [
    `${request.method} ${request.url}`,
    '',
    row('listener', `${listener.name} (${listener.address})${note}`, listener.at),
    row(
      'filter chain',
      `${named(chain, filterChain.name)}${asked}, stat_prefix ${quote(connectionManager.statPrefix)}${before}${table}`,
      filterChain.at,
    ),
  ];
  if (virtualHost !== undefined) {
    const { name, domain, match, needsTls } = virtualHost;
    const how = match === 'any' ? 'any host' : `${match} ${quote(domain)}`;
    lines.push(row('virtual host', `${name}: ${how}${needsTls ? ', require_tls' : ''}`, virtualHost.at));
  }
  if (noVirtualHost !== undefined) {
    const { host, domains, hint } = noVirtualHost;
    lines.push(row('virtual host', `none has a domain for ${quote(host)}${hint === undefined ? '' : ` (${hint})`}`));
    lines.push(row('', `domains: ${domains.join(', ')}`));
  }
  if (route !== undefined) {
    const count = virtualHost === undefined ? '' : ` of ${virtualHost.routes}`;
    lines.push(row('route', `${named(`${route.index + 1}${count}`, route.name)}: ${route.match}`, route.at));
  } else if (virtualHost !== undefined && virtualHost.needsTls !== true) {
    lines.push(row('route', `none of ${virtualHost.routes} matches`));
  }
  return lines;
}

function named(position: string, name: string): string {
  return name === '' ? position : `${position} ${quote(name)}`;
}

function earlier({ earlierRoutes, earlierRoutesLeftOut = 0, route }: Explanation): string[] {
  if (earlierRoutes.length === 0) return [];
  const title = route === undefined ? 'why no route matches' : 'why earlier routes do not match';
  return [
    title,
    ...(earlierRoutesLeftOut === 0 ? [] : [`  (the first ${earlierRoutesLeftOut} are not told)`]),
    ...earlierRoutes.flatMap(({ index, name, match, reason, at }) => [
      row(`  ${index + 1}`, name === '' ? match : `${quote(name)}: ${match}`, at),
      row('', reason),
    ]),
  ];
}

function changes(title: string, list: readonly HeaderChange[]): string[] {
  return list.length === 0 ? [] : [title, ...list.map(({ op, name, value }) => `  ${sign(op)} ${name}: ${value}`)];
}

function sign(op: HeaderChange['op']): string {
  return op === 'added' ? '+' : '-';
}

function upstream({ upstreamRequest }: Explanation): string[] {
  if (upstreamRequest === undefined) return [];
  const { method, path, host, tcp } = upstreamRequest;
  return [
    row('upstream request', tcp ? '  the payload only, as TCP' : `  ${method} ${path}, host ${host}`),
    ...(tcp ? [] : changes('', upstreamRequest.changes).slice(1)),
  ];
}

function cluster(found: ExplainedCluster): string[] {
  const { name, by, header, weighted, missing, type, lbPolicy, hosts } = found;
  const how = by === 'cluster_header' ? `, named by header ${quote(header ?? '')}` : weighted ? ', drawn' : '';
  const what = missing ? 'does not exist' : `${type}, ${lbPolicy}`;
  return [
    row('cluster', `${name === '' ? 'none' : name} (${what})${how}`, found.at),
    ...(weighted?.shares ?? []).map((share) =>
      row(
        '  share',
        `${share.cluster === name ? '*' : ' '} ${share.cluster} ${share.weight} of ${weighted?.totalWeight} (${share.percent} %)`,
      ),
    ),
    ...hosts.map((host) => row('  host', hostText(host))),
    ...(hosts.length === 0 && !missing ? [row('  host', 'none')] : []),
  ];
}

function hostText({ address, hostname, weight, priority, healthy, unresolved, locality }: ExplainedHost): string {
  const notes = [
    hostname === undefined || address.startsWith(`${hostname}:`) ? '' : hostname,
    weight === 1 ? '' : `weight ${weight}`,
    priority === 0 ? '' : `priority ${priority}`,
    locality === undefined ? '' : `in ${[locality.region, locality.zone, locality.subZone].filter(Boolean).join('/')}`,
    unresolved ? 'a name, not looked up' : '',
    healthy === undefined ? '' : healthy ? 'healthy' : 'unhealthy',
  ].filter((note) => note !== '');
  return notes.length === 0 ? address : `${address}  ${notes.join(', ')}`;
}

function policies({
  timeoutMs,
  idleTimeoutMs,
  maxStreamDurationMs,
  priority,
  retry,
  mirrors,
  hash,
  hashCookie,
}: ExplainedPolicies): string[] {
  const longest = maxStreamDurationMs === undefined ? '' : `, at most ${time(maxStreamDurationMs)} in all`;
  const lines = [row('timeouts', `response ${time(timeoutMs)}, idle ${time(idleTimeoutMs)}${longest}`)];
  if (priority === 'high') lines.push(row('priority', 'high'));
  if (retry === undefined) lines.push(row('retries', 'none'));
  else {
    const codes = retry.statusCodes.length === 0 ? '' : ` (${retry.statusCodes.join(', ')})`;
    const each = retry.perTryTimeoutMs === 0 ? '' : `, ${time(retry.perTryTimeoutMs)} each`;
    const idle = retry.perTryIdleTimeoutMs === 0 ? '' : `, ${time(retry.perTryIdleTimeoutMs)} idle each`;
    lines.push(row('retries', `up to ${retry.times} on ${retry.on.join(', ') || 'nothing'}${codes}${each}${idle}`));
  }
  for (const { cluster: name, percent, runtimeKey } of mirrors) {
    const key = runtimeKey === undefined ? '' : ` (runtime ${quote(runtimeKey)})`;
    lines.push(row('mirror', `${name}, ${percent} % of requests${key}`));
  }
  if (hash !== undefined) lines.push(row('hash', hash));
  if (hashCookie !== undefined) lines.push(row('hash cookie', hashCookie));
  return lines;
}

/** `1500` → `1.5s`; 0 is off. */
function time(ms: number): string {
  return ms === 0 ? 'off' : `${ms / 1000}s`;
}

function answer({ response, upstreamRequest }: Explanation): string[] {
  if (response === undefined) return [];
  const forwarded = upstreamRequest !== undefined && response.flags === undefined;
  const accepted = upstreamRequest?.tcp ? 'accepts the connection' : 'answers 200';
  const title = forwarded ? `response, if upstream ${accepted}` : 'response';
  const shown = response.headers.map(([name, value]) => `  + ${name}: ${value}`);
  if (forwarded) return [title, ...shown];
  return [row(title, statusText(response)), ...shown, ...bodyLines(response.body)];
}

function statusText({ status, details, flags }: ExplainedResponse): string {
  const why = [details, flags === undefined ? undefined : `flag ${flags}`].filter((text) => text !== undefined);
  return `${status === 0 ? 'none, the connection is closed' : status}${why.length === 0 ? '' : ` (${why.join(', ')})`}`;
}

function bodyLines(body: string): string[] {
  if (body === '') return [];
  const cut = body.length > MOST_BODY ? `${body.slice(0, MOST_BODY)}… (${body.length} characters)` : body;
  return ['', ...cut.split('\n').map((line) => `    ${line}`)];
}

function filters(list: readonly ExplainedFilter[]): string[] {
  return [
    'filters',
    ...list.map(({ name, type, runs, reason, routeConfig }, index) => {
      const notes = [
        runs ? 'runs' : 'does not run',
        ...(reason === undefined ? [] : [reason]),
        ...(routeConfig ? ['configured by the route'] : []),
      ];
      return row(`  ${index + 1}`, `${name}${type === undefined ? '' : ` (${type})`}: ${notes.join(', ')}`);
    }),
  ];
}

function row(label: string, text: string, at?: SourcePlace): string {
  const place = at === undefined ? '' : `  (${at.file}:${at.line}:${at.col})`;
  return `${label.padEnd(LABEL)}${text}${place}`.trimEnd();
}

function quote(text: string): string {
  return JSON.stringify(text);
}
