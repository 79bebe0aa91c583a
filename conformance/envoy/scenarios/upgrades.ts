/** Upgrades and CONNECT: who may, what goes up, and what becomes of the connection. */
import { answer, type Behaviour } from '@mesh/testing';
import { prefix, type Scenario, type Yaml } from '../scenario.ts';

const ACCEPTED = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
const upgrade = (path = '/', type = 'websocket'): string =>
  `GET ${path} HTTP/1.1\r\nhost: h.test\r\nconnection: Upgrade\r\nupgrade: ${type}\r\n\r\n`;
const CONNECT = 'CONNECT up.test:443 HTTP/1.1\r\nhost: up.test:443\r\n\r\n';

/** Switches protocols, greets, and sends back what it gets in capitals. */
const echo =
  (head: string): Behaviour =>
  async (_request, peer) => {
    peer.socket.removeAllListeners('data');
    peer.socket.on('data', (chunk: Buffer) => peer.socket.write(chunk.toString('latin1').toUpperCase()));
    await peer.write(`${head}hello `);
  };

const allowing = (name: string, why: string, rest: Partial<Scenario>): Scenario => ({
  name: `upgrade-${name}`,
  why,
  routes: [prefix('/', '<a>')],
  manager: { upgrade_configs: [{ upgrade_type: 'websocket' }] },
  requests: [],
  ...rest,
});

const tunnels: readonly Scenario[] = [
  allowing('payload', 'bytes go both ways behind the 101', {
    upstreams: { a: echo(ACCEPTED) },
    requests: [{ raw: upgrade(), later: [[30, 'ping']], reads: 10 }],
    counters: ['http.downstream_cx_upgrades_total', 'http.downstream_rq_1xx', 'cluster.a.upstream_rq_101'],
  }),
  allowing('early-payload', 'bytes sent before the 101 wait for it', {
    upstreams: { a: echo(ACCEPTED) },
    requests: [{ raw: `${upgrade()}ping`, reads: 6 }],
  }),
  allowing('no-route-timeout', 'the timeout of the route does not end a tunnel', {
    routes: [prefix('/', '<a>', { timeout: '0.1s' })],
    upstreams: { a: echo(ACCEPTED) },
    requests: [{ raw: upgrade(), later: [[250, 'ping']], reads: 10 }],
  }),
  allowing('idle-timeout', 'the idle timeout does', {
    routes: [prefix('/', '<a>', { idle_timeout: '0.15s' })],
    upstreams: { a: echo(ACCEPTED) },
    requests: [{ raw: upgrade(), reads: 6, untilClosed: true }],
    counters: ['http.downstream_rq_idle_timeout'],
  }),
  allowing('rewrites', 'an upgrade is routed and rewritten as other requests', {
    routes: [prefix('/ws', '<a>', { prefix_rewrite: '/socket', host_rewrite_literal: 'up.test' })],
    upstreams: { a: echo(ACCEPTED) },
    requests: [{ raw: upgrade('/ws/x?q'), reads: 6 }],
  }),
  allowing('local-reply', 'a direct response to an upgrade', {
    routes: [{ match: { prefix: '/' }, direct_response: { status: 403, body: { inline_string: 'no' } } }],
    requests: [{ raw: upgrade() }],
  }),
  allowing('error-answer', 'an upstream that answers 400 with a body', {
    upstreams: { a: answer({ status: 400, reason: 'Bad Request', body: 'no websocket' }) },
    requests: [{ raw: upgrade() }],
  }),
  allowing('two-types', 'each type has a switch of its own', {
    manager: { upgrade_configs: [{ upgrade_type: 'websocket', enabled: false }, { upgrade_type: 'custom' }] },
    upstreams: { a: answer({ reason: 'OK', body: 'a' }) },
    requests: [{ raw: upgrade('/', 'custom') }, { raw: upgrade() }],
  }),
];

const CONNECT_CONFIG: Yaml = { upgrade_configs: [{ upgrade_type: 'CONNECT' }] };
const connecting = (name: string, why: string, rest: Partial<Scenario>): Scenario => ({
  name: `connect-${name}`,
  why,
  routes: [{ match: { connect_matcher: {} }, route: { cluster: '<a>' } }, prefix('/', '<b>')],
  manager: CONNECT_CONFIG,
  requests: [],
  ...rest,
});

const connects: readonly Scenario[] = [
  connecting('forwarded', 'a CONNECT goes to a proxy upstream as it is', {
    upstreams: { a: echo('HTTP/1.1 200 OK\r\n\r\n') },
    requests: [{ raw: CONNECT, later: [[30, 'ping']], reads: 10 }],
  }),
  connecting('refused', 'an answer that is no 2xx', {
    upstreams: { a: answer({ status: 407, reason: 'Proxy Authentication Required', body: 'who?' }) },
    requests: [{ raw: CONNECT }],
  }),
  connecting('not-allowed', 'without an upgrade_config it is 403', {
    manager: {},
    requests: [{ raw: CONNECT }],
    counters: ['http.downstream_rq_ws_on_non_ws_route'],
  }),
  connecting('no-matcher', 'only a connect_matcher takes it', {
    routes: [prefix('', '<b>')],
    requests: [{ raw: CONNECT }],
  }),
  connecting('others', 'a connect_matcher takes nothing else', {
    routes: [{ match: { connect_matcher: {} }, route: { cluster: '<a>' } }],
    requests: ['GET /'],
  }),
  connecting('by-host', 'virtual hosts are chosen by the authority, with its port', {
    virtualHosts: [
      {
        name: 'one',
        domains: ['up.test:443'],
        routes: [{ match: { connect_matcher: {} }, route: { cluster: '<a>' } }],
      },
      { name: 'two', domains: ['*'], routes: [{ match: { connect_matcher: {} }, route: { cluster: '<b>' } }] },
    ],
    upstreams: { a: answer({ status: 403, reason: 'Forbidden', body: 'a' }), b: answer({ status: 403, body: 'b' }) },
    requests: [{ raw: CONNECT }, { raw: CONNECT.replaceAll('443', '80') }],
  }),
  connecting('no-upstream', 'an upstream that refuses', {
    routes: [{ match: { connect_matcher: {} }, route: { cluster: '<refused>' } }],
    requests: [{ raw: CONNECT }],
  }),
];

/** Upgrades, then CONNECT. */
export const upgrades: readonly Scenario[] = [...tunnels, ...connects];
