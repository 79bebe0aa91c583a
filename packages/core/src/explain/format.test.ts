import { expect, it } from 'vitest';
import type { Explanation } from './explanation.ts';
import { formatExplanation } from './format.ts';

const at = (line: number) => ({ file: 'f.yaml', line, col: 3 });

const FORWARD: Explanation = {
  request: {
    method: 'GET',
    url: 'http://h/p',
    headers: [['host', 'h']],
    sourceIp: '192.0.2.1',
    tls: false,
    random: 0,
    runtime: {},
  },
  outcome: 'forward',
  listener: { name: 'l', address: '0.0.0.0:80', at: at(1) },
  filterChain: { name: '', index: -1, networkFilters: ['test.limit'] },
  connectionManager: {
    statPrefix: 'web',
    routeConfig: '',
    clientIp: '192.0.2.1',
    internal: false,
    changes: [{ op: 'added', name: 'x-request-id', value: '<generated>' }],
  },
  virtualHost: { name: 'v', domain: '*', match: 'any', host: 'h', routes: 2, at: at(2) },
  route: { name: 'r', index: 1, match: 'prefix "/"', at: at(4) },
  earlierRoutes: [{ name: '', index: 0, match: 'path "/x"', reason: 'path: wanted path "/x", got "/p"', at: at(3) }],
  cluster: {
    name: 'b',
    by: 'weighted_clusters',
    weighted: {
      totalWeight: 8,
      shares: [
        { cluster: 'a', weight: 7, percent: 87.5 },
        { cluster: 'b', weight: 1, percent: 12.5 },
      ],
    },
    type: 'strict_dns',
    lbPolicy: 'round_robin',
    hosts: [
      { address: 'h1.test:80', hostname: 'h1.test', weight: 1, priority: 0, unresolved: true },
      {
        address: '10.0.0.1:80',
        hostname: 'h2.test',
        weight: 2,
        priority: 1,
        healthy: false,
        locality: { region: 'eu', zone: '', subZone: 'x' },
      },
    ],
  },
  upstreamRequest: {
    method: 'GET',
    path: '/q',
    host: 'h',
    headers: [],
    changes: [
      { op: 'removed', name: ':path', value: '/p' },
      { op: 'added', name: ':path', value: '/q' },
    ],
  },
  policies: {
    timeoutMs: 1500,
    idleTimeoutMs: 0,
    maxStreamDurationMs: 60_000,
    priority: 'high',
    retry: { on: ['5xx'], times: 2, perTryTimeoutMs: 500, perTryIdleTimeoutMs: 0, statusCodes: [409] },
    mirrors: [{ cluster: 'm', percent: 5, runtimeKey: 'k' }],
    hash: '00000000000000ff',
    hashCookie: 'c="ff"',
  },
  response: { status: 200, headers: [['server', 'envoy']], body: '' },
  filters: [
    { name: 'a', type: 'test.a', runs: false, reason: 'disabled by the route', routeConfig: false },
    { name: 'envoy.filters.http.router', runs: true, routeConfig: true },
  ],
};

it('formatExplanation puts everything in short aligned lines', () => {
  expect(formatExplanation(FORWARD)).toBe(`GET http://h/p

listener        l (0.0.0.0:80)  (f.yaml:1:3)
filter chain    the default one, stat_prefix "web" behind test.limit
virtual host    v: any host  (f.yaml:2:3)
route           2 of 2 "r": prefix "/"  (f.yaml:4:3)

why earlier routes do not match
  1             path "/x"  (f.yaml:3:3)
                path: wanted path "/x", got "/p"

connection manager
  + x-request-id: <generated>

upstream request  GET /q, host h
  - :path: /p
  + :path: /q

cluster         b (strict_dns, round_robin), drawn
  share           a 7 of 8 (87.5 %)
  share         * b 1 of 8 (12.5 %)
  host          h1.test:80  a name, not looked up
  host          10.0.0.1:80  h2.test, weight 2, priority 1, in eu/x, unhealthy

timeouts        response 1.5s, idle off, at most 60s in all
priority        high
retries         up to 2 on 5xx (409), 0.5s each
mirror          m, 5 % of requests (runtime "k")
hash            00000000000000ff
hash cookie     c="ff"

response, if upstream answers 200
  + server: envoy

filters
  1             a (test.a): does not run, disabled by the route
  2             envoy.filters.http.router: runs, configured by the route
`);
});

it('formatExplanation tells an answer of the proxy itself', () => {
  const { route: _, virtualHost: __, cluster: ___, upstreamRequest: ____, policies: _____, ...rest } = FORWARD;
  const text = formatExplanation({
    ...rest,
    outcome: 'no_route',
    earlierRoutes: [],
    noVirtualHost: { host: 'h', domains: ['a', 'b'], hint: 'did you mean "a"?' },
    response: {
      status: 404,
      headers: [['server', 'envoy']],
      body: 'no\nsuch',
      details: 'route_not_found',
      flags: 'NR',
    },
  });
  expect(text).toContain(
    'virtual host    none has a domain for "h" (did you mean "a"?)\n                domains: a, b\n',
  );
  expect(text).toContain('response        404 (route_not_found, flag NR)\n  + server: envoy\n\n    no\n    such\n');
  expect(text).not.toContain('if upstream answers');
});

it('formatExplanation cuts long bodies, and says when nothing is answered', () => {
  const response = { status: 0, headers: [], body: 'x'.repeat(600) };
  const { upstreamRequest: _, ...rest } = FORWARD;
  const text = formatExplanation({ ...rest, response });
  expect(text).toContain('response        none, the connection is closed');
  expect(text).toContain(`${'x'.repeat(500)}… (600 characters)`);
});

it('formatExplanation has no control characters', () => {
  expect(formatExplanation(FORWARD)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
});
