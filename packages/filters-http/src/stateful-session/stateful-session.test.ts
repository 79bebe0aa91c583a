/** Sessions by cookie and header, against a running proxy. What is expected was seen of Envoy 1.40 with the same config. */
import type { LiveProxy } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { ask, closeAfterEach, get, proxyFor, upstreamOf } from '../router/fixture.ts';
import { router } from '../router/index.ts';
import { decodeCookie, encodeCookie } from './cookie-message.ts';
import { statefulSession } from './index.ts';

closeAfterEach();

const TYPES = 'type.googleapis.com/envoy.extensions';
const FILTER = 'envoy.filters.http.stateful_session';
const cookieState = (cookie: object) => ({
  name: 'envoy.http.stateful_session.cookie',
  typed_config: { '@type': `${TYPES}.http.stateful_session.cookie.v3.CookieBasedSessionState`, cookie },
});
const headerState = {
  name: 'envoy.http.stateful_session.header',
  typed_config: { '@type': `${TYPES}.http.stateful_session.header.v3.HeaderBasedSessionState`, name: 'X-Sess' },
};

const session = (stateful_session: object) => ({ stateful_session });
const routed = (prefix: string, own?: object, more: object = {}) => ({
  match: { prefix },
  route: { cluster: 'c', ...more },
  ...(own && {
    typed_per_filter_config: {
      [FILTER]: { '@type': `${TYPES}.filters.http.stateful_session.v3.StatefulSessionPerRoute`, ...own },
    },
  }),
});

const ROUTES = [
  routed('/off', { disabled: true }),
  routed('/strict', session({ strict: true, session_state: cookieState({ name: 's' }) })),
  routed(
    '/404',
    session({
      strict: true,
      status_on_strict_destination_not_found: 404,
      session_state: cookieState({ name: 's' }),
    }),
  ),
  routed('/header', session({ session_state: headerState })),
  routed(
    '/attr',
    session({
      session_state: cookieState({
        name: 's',
        path: '/attr',
        ttl: '5s',
        attributes: [{ name: 'SameSite', value: 'Strict' }, { name: 'Secure' }],
      }),
    }),
  ),
  routed('/none', session({})),
  routed('/retry', session({ session_state: cookieState({ name: 's' }) }), {
    retry_policy: { retry_on: '5xx', num_retries: 1 },
  }),
  routed('/'),
];

interface Hosts {
  /** Health status of `a`. */
  readonly health?: string;
  /** Those that a host may have. */
  readonly statuses?: readonly string[];
  /** Answers 503. */
  readonly failing?: string;
}

/** Three hosts that say their names. */
async function rig({ health, statuses, failing }: Hosts = {}) {
  const upstreams = await Promise.all(
    ['a', 'b', 'c'].map((body) => upstreamOf({ body, status: body === failing ? 503 : 200 })),
  );
  const lb_endpoints = upstreams.map(({ port }, i) => ({
    endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
    ...(i === 0 && health && { health_status: health }),
  }));
  const cluster = {
    name: 'c',
    load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints }] },
    ...(statuses && { common_lb_config: { override_host_status: { statuses } } }),
  };
  const manager = {
    '@type': `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'x',
    route_config: { virtual_hosts: [{ name: 'v', domains: ['*'], routes: ROUTES }] },
    http_filters: [
      {
        name: FILTER,
        typed_config: {
          '@type': `${TYPES}.filters.http.stateful_session.v3.StatefulSession`,
          stat_prefix: 'p',
          session_state: cookieState({ name: 's', path: '/p', ttl: '120s' }),
        },
      },
      { name: 'router', typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router` } },
    ],
  };
  const proxy = await proxyFor({
    config: {
      static_resources: {
        clusters: [cluster],
        listeners: [
          {
            address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
            filter_chains: [
              { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
            ],
          },
        ],
      },
    },
    extensions: [statefulSession, router],
  });
  const addressOf = (index: number) => `127.0.0.1:${upstreams[index]?.port}`;
  return { proxy, addressOf };
}

const cookie = (address: string, expires = 0) =>
  `cookie: s="${encodeCookie({ address, expires }).toString('base64')}"\r\n`;

/** Who answered three requests in a row. */
async function threeTimes(proxy: LiveProxy, path: string, fields: string): Promise<string> {
  const seen: string[] = [];
  for (let i = 0; i < 3; i++) seen.push((await ask(proxy, get(path, fields))).body);
  return seen.join('');
}

const inTurn = /^(?:abc|bca|cab)$/;
const nobody = 'no healthy upstream';
const later = Math.floor(Date.now() / 1000) + 1000;
const earlier = later - 2000;

describe('statefulSession', () => {
  it('makes a cookie of Envoy, which leads back to the host', async () => {
    const { proxy, addressOf } = await rig();
    const { body, headers } = await ask(proxy, get('/p'));
    const made = headers['set-cookie'] ?? '';
    const [, value = ''] = /^s="([^"]+)"; Max-Age=120; Path=\/p; HttpOnly$/.exec(made) ?? [];
    const told = decodeCookie(Buffer.from(value, 'base64'));
    expect(told?.address).toBe(addressOf('abc'.indexOf(body)));
    expect(Math.abs((told?.expires ?? 0) - Date.now() / 1000 - 120)).toBeLessThan(10);
    for (let i = 0; i < 4; i++) {
      const again = await ask(proxy, get('/p', `cookie: s="${value}"\r\n`));
      expect([again.body, again.headers['set-cookie']]).toEqual([body, undefined]);
    }
  });

  it.each<readonly [what: string, path: string, fields: (address: string) => string, seen: string | RegExp]>([
    ['a cookie', '/p', (address) => cookie(address), 'bbb'],
    ['a cookie without quotes', '/p/x', (address) => cookie(address).replaceAll('"', ''), 'bbb'],
    ['a cookie that will expire', '/p?a', (address) => cookie(address, later), 'bbb'],
    ['a cookie that has expired', '/p', (address) => cookie(address, earlier), inTurn],
    ['a path that the cookie is not for', '/px', (address) => cookie(address), inTurn],
    ['a cookie of older releases', '/p', (address) => `cookie: s=${btoa(address)}\r\n`, 'bbb'],
    ['no base64', '/p', () => 'cookie: s=%%%\r\n', inTurn],
    ['an empty cookie', '/p', () => 'cookie: s=\r\n', inTurn],
    ['a host that is not there', '/p', () => cookie('127.0.0.99:1'), inTurn],
    ['a host that is not there, strictly', '/strict', () => cookie('127.0.0.99:1'), nobody.repeat(3)],
    ['no session, strictly', '/strict', () => '', inTurn],
    ['a route that has switched it off', '/off', (address) => cookie(address), inTurn],
    ['a route that keeps no sessions', '/none', (address) => cookie(address), inTurn],
    ['a header', '/header', (address) => `x-sess: ${btoa(address)}\r\n`, 'bbb'],
    ['the first of two headers', '/header', (address) => `x-sess: ${btoa(address)}\r\nx-sess: ${btoa('x')}\r\n`, 'bbb'],
    ['a header in plain text', '/header', (address) => `x-sess: ${address}\r\n`, inTurn],
  ])('goes by %s', async (_what, path, fields, seen) => {
    const { proxy, addressOf } = await rig();
    const answered = await threeTimes(proxy, path, fields(addressOf(1)));
    if (typeof seen === 'string') expect(answered).toBe(seen);
    else expect(answered).toMatch(seen);
  });

  it('answers with the status of its own when a strict session has lost its host', async () => {
    const { proxy } = await rig();
    const { status, body } = await ask(proxy, get('/404', cookie('127.0.0.99:1')));
    expect([status, body]).toEqual([404, nobody]);
    expect((await ask(proxy, get('/strict', cookie('127.0.0.99:1')))).status).toBe(503);
  });

  it('writes the attributes of the cookie', async () => {
    const { proxy } = await rig();
    const { headers } = await ask(proxy, get('/attr'));
    expect(headers['set-cookie']).toMatch(/^s="[^"]+"; Max-Age=5; Path=\/attr; SameSite=Strict; Secure; HttpOnly$/);
    expect((await ask(proxy, get('/strict'))).headers['set-cookie']).toMatch(/^s="[^"]+"; HttpOnly$/);
  });

  it('tells a new session by header', async () => {
    const { proxy, addressOf } = await rig();
    const first = await ask(proxy, get('/header'));
    const address = addressOf('abc'.indexOf(first.body));
    expect(first.headers['x-sess']).toBe(btoa(address));
    const again = await ask(proxy, get('/header', `x-sess: ${btoa(address)}\r\n`));
    expect([again.body, again.headers['x-sess']]).toEqual([first.body, undefined]);
  });

  it('retries elsewhere, and tells of it', async () => {
    const { proxy, addressOf } = await rig({ failing: 'b' });
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { status, body, headers } = await ask(proxy, get('/retry', cookie(addressOf(1))));
      statuses.push(status);
      expect(headers['set-cookie'] === undefined).toBe(body === 'b');
    }
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);
  });

  it.each<readonly [health: string, statuses: readonly string[] | undefined, stays: boolean]>([
    ['UNKNOWN', undefined, true],
    ['HEALTHY', undefined, true],
    ['DEGRADED', undefined, true],
    ['UNHEALTHY', undefined, false],
    ['DRAINING', undefined, false],
    ['UNHEALTHY', ['UNHEALTHY'], true],
    ['UNKNOWN', ['HEALTHY'], false],
    ['DRAINING', ['DRAINING'], true],
    ['TIMEOUT', ['DRAINING', 'UNHEALTHY'], false],
    ['HEALTHY', [], false],
  ])('stays with a host that is %s where %j will do: %s', async (health, statuses, stays) => {
    const { proxy, addressOf } = await rig({ health, ...(statuses && { statuses }) });
    const { status, body } = await ask(proxy, get('/strict', cookie(addressOf(0))));
    expect([status, body]).toEqual(stays ? [200, 'a'] : [503, nobody]);
  });

  it('counts where it was given a name', async () => {
    const { proxy, addressOf } = await rig();
    await ask(proxy, get('/p', cookie(addressOf(1))));
    await ask(proxy, get('/p'));
    await ask(proxy, get('/p', cookie('127.0.0.99:1')));
    await ask(proxy, get('/x'));
    await ask(proxy, get('/off'));
    await ask(proxy, get('/header'));
    const counted = ['routed', 'failed_open', 'failed_closed', 'no_session'].map((name) =>
      proxy.stats(`http.x.stateful_session.p.${name}`),
    );
    expect(counted).toEqual([1, 2, 0, 1]);
  });

  it.each([
    [{ session_state: cookieState({}) }, 'cookie.name: is required'],
    [{ status_on_strict_destination_not_found: 99 }, 'expected a status from 200 to 599, got 99'],
    [
      {
        session_state: {
          name: 'e',
          typed_config: { '@type': `${TYPES}.http.stateful_session.envelope.v3.EnvelopeSessionState` },
        },
      },
      'known to Envoy, not supported here: sessions in envelopes',
    ],
  ])('refuses %j', (config, message) => {
    expect(() => statefulSession(config as never)).toThrow(message);
  });
});

describe('decodeCookie', () => {
  const bytes = (...all: number[]) => decodeCookie(Uint8Array.from(all));
  const of = (address: string, expires = 0) => ({ address, expires });

  it.each([
    ['127.0.0.1:80', 0],
    ['[::1]:65535', 1_795_278_961],
  ])('reads what was written: %s', (address, expires) => {
    expect(decodeCookie(encodeCookie({ address, expires }))).toEqual({ address, expires });
  });

  it('passes over fields that it does not know, and takes the last of those that it does', () => {
    expect(bytes(0x18, 5, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2d, 1, 2, 3, 4, 0x0a, 1, 97, 0x0a, 1, 98)).toEqual(of('b'));
    expect(bytes(0x1b, 0x0a, 1, 97, 0x1c, 0x10, 7)).toEqual(of('', 7));
  });

  it.each([
    ['a length beyond the end', [0x0a, 5, 97]],
    ['a number without an end', [0x10, 0x80]],
    ['a field of number 0', [0x02, 0]],
    ['a type that there is not', [0x0e]],
    ['a group that does not end', [0x1b, 0x10, 1]],
    ['the end of another group', [0x1b, 0x24]],
    ['an address', [...Buffer.from('127.0.0.1:80')]],
  ])('takes no message for one: %s', (_what, all) => {
    expect(bytes(...all)).toBeUndefined();
  });
});
