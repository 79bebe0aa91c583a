/** The small network filters: rbac, echo, direct_response, connection_limit, local_ratelimit. */
import { call, SAY, TO, tcp } from '../byte-scenarios.ts';
import { dial } from '../dial.ts';
import { network, proxyProtocol, says } from '../pieces.ts';
import type { Scenario, Yaml } from '../scenario.ts';
import { byteServer, quiet } from '../server.ts';
import type { Talk } from '../talk.ts';

const rbac = (action: string, policies: Yaml, more: Yaml = {}): Yaml =>
  network('rbac', 'rbac.v3.RBAC', { stat_prefix: 'r', rules: { action, policies }, ...more });
const policy = (permission: Yaml, principal: Yaml = { any: true }): Yaml => ({
  permissions: [permission],
  principals: [principal],
});
const cidr = (address_prefix: string, prefix_len: number): Yaml => ({ address_prefix, prefix_len });
const guarded = (
  name: string,
  why: string,
  filter: Yaml,
  befores: readonly string[],
  rest: Partial<Scenario> = {},
): Scenario => ({
  name: `rbac-${name}`,
  why,
  requests: [],
  talks: befores.map((before) => call({ before, send: 'hello', halfBehind: 5 })),
  listener: {
    listener_filters: [proxyProtocol({ allow_requests_without_proxy_protocol: true })],
    filter_chains: [{ filters: [filter, TO] }],
  },
  servers: { a: byteServer(quiet) },
  ...rest,
});
const from = (ip: string, port = 1000, to = 443): string => `PROXY TCP4 ${ip} 10.2.2.2 ${port} ${to}\r\n`;
const CALLS = [from('10.1.1.1'), from('10.9.9.9'), from('10.1.1.1', 1000, 80)];

const guards: readonly Scenario[] = [
  guarded(
    'allow',
    'allow what matches',
    rbac('ALLOW', { p: policy({ destination_port: 443 }, { remote_ip: cidr('10.1.0.0', 16) }) }),
    CALLS,
  ),
  guarded(
    'deny',
    'deny what matches',
    rbac('DENY', { p: policy({ destination_port: 443 }, { remote_ip: cidr('10.1.0.0', 16) }) }),
    CALLS,
  ),
  guarded('log', 'LOG lets all pass', rbac('LOG', { p: policy({ any: true }) }), CALLS.slice(0, 1)),
  guarded('no-policy', 'allow without a policy', rbac('ALLOW', {}), CALLS.slice(0, 1)),
  guarded('no-rules', 'no rules', network('rbac', 'rbac.v3.RBAC', { stat_prefix: 'r' }), CALLS.slice(0, 1)),
  guarded(
    'direct',
    'direct_remote_ip and source_ip',
    rbac('ALLOW', { p: policy({ any: true }, { direct_remote_ip: cidr('127.0.0.0', 8) }) }),
    CALLS.slice(0, 1),
  ),
  guarded(
    'source',
    'source_ip',
    rbac('ALLOW', { p: policy({ any: true }, { source_ip: cidr('10.1.0.0', 16) }) }),
    CALLS.slice(0, 2),
  ),
  guarded(
    'and-or-not',
    'and, or, not',
    rbac('ALLOW', {
      p: policy(
        { or_rules: { rules: [{ destination_port: 80 }, { destination_port_range: { start: 400, end: 444 } }] } },
        { and_ids: { ids: [{ remote_ip: cidr('10.0.0.0', 8) }, { not_id: { remote_ip: cidr('10.9.0.0', 16) } }] } },
      ),
    }),
    [...CALLS, from('10.1.1.1', 1, 444)],
  ),
  guarded('destination', 'destination_ip', rbac('ALLOW', { p: policy({ destination_ip: cidr('10.2.2.2', 32) }) }), [
    ...CALLS.slice(0, 1),
    'PROXY TCP4 10.1.1.1 10.2.2.3 1 443\r\n',
  ]),
  guarded(
    'shadow',
    'shadow rules decide nothing',
    rbac(
      'ALLOW',
      { p: policy({ any: true }) },
      { shadow_rules: { action: 'DENY', policies: { q: policy({ any: true }) } } },
    ),
    CALLS.slice(0, 1),
  ),
];

const held = (
  name: string,
  why: string,
  filters: readonly Yaml[],
  talks: readonly Talk[],
  counters: readonly string[] = [],
): Scenario => ({
  ...tcp(name, why, filters, talks, counters.length === 0 ? {} : { counters }),
});
/** Three connections at once; the text that each of them got within a while. */
const three: Talk = async ({ port }) => {
  const all = await Promise.all([0, 1, 2].map(() => dial(port, { enough: 100 })));
  return all.map(({ end, text }) => `${end} ${text}`).sort();
};
const smalls: readonly Scenario[] = [
  held('echo', 'echo', [network('echo', 'echo.v3.Echo')], [call({ send: 'hello', enough: 5 })]),
  held('direct', 'direct_response', [says('hi')], [call(), call(SAY)]),
  held(
    'direct-empty',
    'direct_response without a text',
    [network('direct_response', 'direct_response.v3.Config', {})],
    [call()],
  ),
  held(
    'connection-limit',
    'connection_limit',
    [network('connection_limit', 'connection_limit.v3.ConnectionLimit', { stat_prefix: 'cl', max_connections: 2 }), TO],
    [three, call(SAY)],
    ['connection_limit.cl.limited_connections'],
  ),
  held(
    'connection-limit-delay',
    'a late close',
    [
      network('connection_limit', 'connection_limit.v3.ConnectionLimit', {
        stat_prefix: 'cld',
        max_connections: 2,
        delay: '0.1s',
      }),
      TO,
    ],
    [three],
    ['connection_limit.cld.limited_connections'],
  ),
  held(
    'ratelimit',
    'local_ratelimit',
    [
      network('local_ratelimit', 'local_ratelimit.v3.LocalRateLimit', {
        stat_prefix: 'rl',
        token_bucket: { max_tokens: 2, tokens_per_fill: 1, fill_interval: '60s' },
      }),
      TO,
    ],
    [call(SAY), call(SAY), call(SAY)],
    ['local_rate_limit.rl.rate_limited'],
  ),
];

/** Who may connect, then the rest. */
export const networkFilters: readonly Scenario[] = [...guards, ...smalls];
