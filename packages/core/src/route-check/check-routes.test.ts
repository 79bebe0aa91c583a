import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../config/issues.ts';
import { checkRoutes, RouteCheckError } from './check-routes.ts';
import { one, ROUTES } from './fixture.ts';

/** Each expectation with the value that is seen, and one that fails. Why: the rule of Envoy's tool. */
const CASES: [why: string, input: object, seen: object, wrong: object][] = [
  ['the cluster of the first route that matches', {}, { cluster_name: 'all' }, { cluster_name: 'beta' }],
  ['the method is GET unless given', {}, { virtual_cluster_name: 'other' }, { virtual_cluster_name: 'posts' }],
  ['the method counts', { method: 'POST' }, { virtual_cluster_name: 'posts' }, { virtual_cluster_name: 'other' }],
  ['empty: no cluster is expected of a redirect', { path: '/moved' }, { cluster_name: '' }, { cluster_name: 'all' }],
  ['empty: no cluster for an unknown host', { authority: 'no.test' }, { cluster_name: '' }, { cluster_name: 'all' }],
  [
    'empty: no virtual host for an unknown host',
    { authority: 'no.test' },
    { virtual_host_name: '' },
    { virtual_host_name: 'web' },
  ],
  ['the virtual host of a forwarding route', {}, { virtual_host_name: 'web' }, { virtual_host_name: '' }],
  ['none of an answering route', { path: '/ping' }, { virtual_host_name: '' }, { virtual_host_name: 'web' }],
  ['the path after rewriting', { path: '/x?y' }, { path_rewrite: '/v1/x?y' }, { path_rewrite: '/x?y' }],
  ['the path as it was where nothing rewrites', { path: '/split' }, { path_rewrite: '/split' }, { path_rewrite: '' }],
  ['no path of an answering route', { path: '/moved' }, { path_rewrite: '' }, { path_rewrite: '/here' }],
  ['the host after rewriting', {}, { host_rewrite: 'inner' }, { host_rewrite: 'web.test' }],
  ['the host as it was where nothing rewrites', { path: '/split' }, { host_rewrite: 'web.test' }, { host_rewrite: '' }],
  [
    'the whole location of a redirect',
    { path: '/moved' },
    { path_redirect: 'http://web.test/here' },
    { path_redirect: '/here' },
  ],
  [
    'ssl makes the scheme https',
    { path: '/moved', ssl: true },
    { path_redirect: 'https://web.test/here' },
    { path_redirect: 'http://web.test/here' },
  ],
  ['no location where nothing redirects', {}, { path_redirect: '' }, { path_redirect: 'http://web.test/' }],
  ['the status of a redirect', { path: '/moved' }, { code_redirect: 303 }, { code_redirect: 301 }],
  ['the status of a direct response', { path: '/ping' }, { code_redirect: 200 }, { code_redirect: 0 }],
  ['no status of a forwarding route', {}, { code_redirect: 0 }, { code_redirect: 200 }],
  ["the route's timeout", {}, { timeout: '3s' }, { timeout: '15s' }],
  ['the default timeout', { path: '/split' }, { timeout: '15s' }, { timeout: '3s' }],
  [
    'random_value draws the first cluster',
    { path: '/split', random_value: 29 },
    { cluster_name: 'a' },
    { cluster_name: 'b' },
  ],
  [
    'random_value is taken modulo the sum',
    { path: '/split', random_value: 145 },
    { cluster_name: 'b' },
    { cluster_name: 'a' },
  ],
  [
    'random_value draws the last cluster',
    { path: '/split', random_value: 60 },
    { cluster_name: 'c' },
    { cluster_name: 'b' },
  ],
  [
    'a share with a key is off unless the key is on',
    { path: '/half' },
    { cluster_name: 'all' },
    { cluster_name: 'half' },
  ],
  ['runtime puts a key on', { path: '/half', runtime: 'half' }, { cluster_name: 'half' }, { cluster_name: 'all' }],
  ['another key does not', { path: '/half', runtime: 'beta' }, { cluster_name: 'all' }, { cluster_name: 'half' }],
  [
    'the draw counts against the share',
    { path: '/half', runtime: 'half', random_value: 50 },
    { cluster_name: 'all' },
    { cluster_name: 'half' },
  ],
  [
    'a share of 0 counts as 1 when its key is on',
    { path: '/beta', runtime: 'beta' },
    { cluster_name: 'beta' },
    { cluster_name: 'all' },
  ],
  [
    'but not for a draw of 1',
    { path: '/beta', runtime: 'beta', random_value: 1 },
    { cluster_name: 'all' },
    { cluster_name: 'beta' },
  ],
  [
    'a share without a key needs none',
    { path: '/share', random_value: 49 },
    { cluster_name: 'share' },
    { cluster_name: 'all' },
  ],
  ['and its draw counts', { path: '/share', random_value: 50 }, { cluster_name: 'all' }, { cluster_name: 'share' }],
  [
    'dynamic metadata',
    { path: '/meta', dynamic_metadata: [{ metadata_namespace: 'app', value: { tier: 'gold' } }] },
    { cluster_name: 'gold' },
    { cluster_name: 'all' },
  ],
  ['metadata that is not there', { path: '/meta' }, { cluster_name: 'all' }, { cluster_name: 'gold' }],
  [
    'metadata is kept unless overwriting is allowed',
    {
      path: '/meta',
      dynamic_metadata: [
        { metadata_namespace: 'app', value: { tier: 'tin' } },
        { metadata_namespace: 'app', value: { tier: 'gold' } },
      ],
    },
    { cluster_name: 'all' },
    { cluster_name: 'gold' },
  ],
  [
    'allow_overwrite',
    {
      path: '/meta',
      dynamic_metadata: [
        { metadata_namespace: 'app', value: { tier: 'tin' } },
        { metadata_namespace: 'app', value: { tier: 'gold' }, allow_overwrite: true },
      ],
    },
    { cluster_name: 'gold' },
    { cluster_name: 'all' },
  ],
  [
    'cluster_header',
    { path: '/named', additional_request_headers: [{ key: 'x-cluster', value: 'mine' }] },
    { cluster_name: 'mine' },
    { cluster_name: '' },
  ],
  ['cluster_header without the header', { path: '/named' }, { cluster_name: '' }, { cluster_name: 'x-cluster' }],
  [
    'headers of a virtual cluster',
    { path: '/split', additional_request_headers: [{ key: 'a', value: 'b' }] },
    { virtual_cluster_name: 'other' },
    { virtual_cluster_name: '' },
  ],
  [
    'no virtual clusters at all',
    { authority: 'secure.test', ssl: true },
    { virtual_cluster_name: '' },
    { virtual_cluster_name: 'other' },
  ],
  [
    'require_tls',
    { authority: 'secure.test' },
    { path_redirect: 'https://secure.test/', code_redirect: 301 },
    { cluster_name: 'secure' },
  ],
  [
    'internal requests are let through',
    { authority: 'secure.test', internal: true },
    { cluster_name: 'secure' },
    { cluster_name: '' },
  ],
  [
    'request headers, after those that the route adds',
    {},
    { request_header_matches: [{ name: 'x-ip', string_match: { exact: '127.0.0.1' } }] },
    { request_header_matches: [{ name: 'x-ip', invert_match: true }] },
  ],
  [
    'pseudo-headers, after rewriting',
    {},
    { request_header_matches: [{ name: ':authority', string_match: { exact: 'inner' } }] },
    { request_header_matches: [{ name: ':path', string_match: { exact: '/' } }] },
  ],
  [
    'the rewritten path of a redirect',
    { path: '/was/x' },
    { request_header_matches: [{ name: ':path', string_match: { exact: '/is/x' } }] },
    { request_header_matches: [{ name: ':path', string_match: { exact: '/was/x' } }] },
  ],
  [
    'x-forwarded-proto',
    { ssl: true },
    { request_header_fields: [{ key: 'x-forwarded-proto', value: 'https' }] },
    { request_header_fields: [{ key: 'x-forwarded-proto', value: 'http' }] },
  ],
  [
    'x-envoy-internal',
    { internal: true },
    { request_header_fields: [{ key: 'x-envoy-internal', value: 'true' }] },
    { request_header_fields: [{ key: 'x-envoy-internal' }] },
  ],
  [
    'a field that is not there counts as empty',
    {},
    { request_header_fields: [{ key: 'cookie', value: '' }] },
    { request_header_fields: [{ key: 'cookie', value: 'a' }] },
  ],
  [
    'the names of 2019',
    { additional_headers: [{ key: 'a', value: 'b' }] },
    { header_fields: [{ key: 'a', value: 'b' }], custom_header_fields: [{ key: 'x-ip', value: '127.0.0.1' }] },
    { header_fields: [{ key: 'a', value: 'c' }] },
  ],
  [
    'response headers, after those that the route adds',
    {},
    { response_header_matches: [{ name: 'x-served', present_match: true }] },
    { response_header_matches: [{ name: 'x-served', present_match: false }] },
  ],
  [
    'additional response headers',
    { additional_response_headers: [{ key: 'x-up', value: '1' }] },
    { response_header_fields: [{ key: 'x-up', value: '1' }] },
    { response_header_fields: [{ key: 'x-up', value: '2' }] },
  ],
  [
    'the response of a direct response',
    { path: '/ping' },
    {
      response_header_matches: [
        { name: 'content-type', string_match: { exact: 'text/plain' } },
        { name: 'content-length', range_match: { start: 4, end: 5 } },
        { name: ':status', string_match: { exact: '200' } },
      ],
    },
    { response_header_matches: [{ name: 'content-length', range_match: { start: 0, end: 4 } }] },
  ],
];

describe('checkRoutes compares', () => {
  it.each(CASES)('%s: %j', (_why, input, seen, wrong) => {
    const good = one(input, seen).tests[0];
    expect(good?.fields.filter(({ ok }) => !ok)).toEqual([]);
    expect(good).toMatchObject({ ok: true });
    const bad = one(input, wrong);
    expect(bad.ok).toBe(false);
    expect(bad.tests[0]?.fields.some(({ ok }) => !ok)).toBe(true);
  });

  it('tells what was expected beside what was seen', () => {
    const validate = {
      cluster_name: 'x',
      code_redirect: 301,
      timeout: '1.5s',
      request_header_matches: [{ name: 'x-ip', string_match: { prefix: '10.' } }],
      response_header_fields: [{ key: 'x-none', value: 'v' }],
    };
    expect(one({}, validate).tests[0]?.fields).toEqual([
      { field: 'cluster_name', expected: '"x"', actual: '"all"', ok: false },
      { field: 'code_redirect', expected: '301', actual: '0', ok: false },
      { field: 'timeout', expected: '1.5s', actual: '3s', ok: false },
      { field: 'request_header_matches: x-ip', expected: 'prefix "10."', actual: '"127.0.0.1"', ok: false },
      { field: 'response_header_fields: x-none', expected: '"v"', actual: '""', ok: false },
    ]);
  });

  it.each([
    [{ path: '/split' }, 'virtual host web, route 9 "split"'],
    [{ path: '/ping' }, 'virtual host web, route 1'],
    [{ authority: 'no.test' }, 'no route'],
    [{ authority: 'secure.test' }, 'virtual host secure, require_tls'],
  ])('names the route of %j', (input, route) => {
    expect(one(input, {}).tests[0]?.route).toBe(route);
  });

  it('the runtime map of the file gives keys values', () => {
    const half = { path: '/half', random_value: 30 };
    expect(one(half, { cluster_name: 'half' }, { half: 31 }).ok).toBe(true);
    expect(one(half, { cluster_name: 'all' }, { half: 30 }).ok).toBe(true);
  });

  it('each test begins anew', () => {
    const base = { authority: 'web.test', path: '/half' };
    const tests = [
      { test_name: 'on', input: { ...base, runtime: 'half' }, validate: { cluster_name: 'half' } },
      { test_name: 'off', input: base, validate: { cluster_name: 'all' } },
    ];
    expect(checkRoutes({ config: ROUTES, tests: { tests } }).ok).toBe(true);
  });
});

describe('checkRoutes coverage', () => {
  it('counts a weighted cluster as a route, and names what no test touches', () => {
    const { coverage } = one({ path: '/split' }, { cluster_name: 'a' });
    expect(coverage).toMatchObject({ routes: 13, touched: 1, percent: 7.692 });
    expect(coverage.untested).toHaveLength(12);
    expect(coverage.untested).toContainEqual({
      virtualHost: 'web',
      index: 8,
      name: 'split',
      match: 'prefix "/split"',
      cluster: 'b',
      at: { file: 'routes.json', line: expect.any(Number), col: expect.any(Number) },
    });
  });

  it('an expectation that fails touches nothing', () => {
    expect(one({}, { cluster_name: 'x' }).coverage.touched).toBe(0);
    expect(one({}, { cluster_name: 'x', host_rewrite: 'inner' }).coverage.touched).toBe(1);
  });

  it('a request without a route touches nothing', () => {
    expect(one({ authority: 'no.test' }, { cluster_name: '' }).coverage.touched).toBe(0);
  });

  it.each([
    [{}, { cluster_name: 'all' }, 1 / 5],
    [
      {},
      {
        cluster_name: 'all',
        virtual_cluster_name: 'other',
        virtual_host_name: 'web',
        path_rewrite: '/v1/',
        host_rewrite: 'inner',
      },
      1,
    ],
    [{ path: '/moved' }, { code_redirect: 303 }, 1 / 2],
  ])('percentOfFields counts every field that could be compared: %j %j', (input, validate, part) => {
    expect(one(input, validate).coverage.percentOfFields).toBeCloseTo((100 * part) / 13, 2);
  });

  it('is whole for a table without routes', () => {
    const config = { virtual_hosts: [{ name: 'v', domains: ['*'] }] };
    const tests = { tests: [{ test_name: 't', input: { authority: 'a', path: '/' }, validate: {} }] };
    expect(checkRoutes({ config, tests }).coverage.percent).toBe(100);
  });
});

describe('checkRoutes reads', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'mesh-routes-'));
  });
  afterAll(() => rmSync(dir, { recursive: true }));
  const file = (name: string, text: string): string => {
    const path = join(dir, name);
    writeFileSync(path, text);
    return path;
  };
  const yaml = 'tests:\n- test_name: t\n  input: { authority: web.test, path: / }\n  validate: { cluster_name: all }\n';

  it('tests in YAML and JSON, in both spellings of a key', () => {
    const config = file('routes.json', JSON.stringify(ROUTES));
    expect(checkRoutes({ config, tests: file('a.yaml', yaml) }).ok).toBe(true);
    const json =
      '{"tests": [{"testName": "t", "input": {"authority": "web.test", "path": "/"}, "validate": {"clusterName": "all"}}]}';
    expect(checkRoutes({ config, tests: file('a.json', json) }).ok).toBe(true);
  });

  it.each([
    [
      yaml.replace('cluster_name', 'cluster_nam'),
      /a.yaml:4:15 tests\[0\].validate.cluster_nam: unknown field "cluster_nam".*did you mean "cluster_name"/,
    ],
    [yaml.replace('path: /', 'pat: /'), /a.yaml:3:33 tests\[0\].input.pat: unknown field "pat".*did you mean "path"/],
    [yaml.replace('authority: web.test, ', ''), /a.yaml:3:10 tests\[0\].input.authority: is required/],
    [yaml.replace('test_name: t', 'test_name: ""'), /a.yaml:2:14 tests\[0\].test_name: expected a non-empty string/],
    ['tests: []', /a.yaml:1:8 tests: /],
    [yaml.replace('all }', 'all, code_redirect: x }'), /code_redirect: expected/],
  ])('problems with their places: %j', (text, message) => {
    const check = () => checkRoutes({ config: ROUTES, tests: file('a.yaml', text) });
    expect(check).toThrow(ConfigError);
    expect(check).toThrow(message);
  });

  it('problems of a route configuration with their places', () => {
    const config = file('r.yaml', 'virtual_hosts:\n- name: v\n  domains: ["*"]\n  routes: [{ match: { prefx: / } }]\n');
    expect(() => checkRoutes({ config, tests: file('a.yaml', yaml) })).toThrow(
      /r.yaml:4:23 virtual_hosts\[0\].routes\[0\].match.prefx/,
    );
  });

  it('a file that is not there', () => {
    expect(() => checkRoutes({ config: join(dir, 'none.yaml'), tests: {} })).toThrow(/none.yaml cannot be read/);
  });

  it('leaves out what a lone table says to filters that nobody knows', () => {
    const config = {
      virtual_hosts: [{ ...ROUTES.virtual_hosts[0], typed_per_filter_config: { any: { '@type': 'x/y' } } }],
    };
    expect(checkRoutes({ config, tests: file('a.yaml', yaml) }).ok).toBe(true);
  });
});

describe('checkRoutes of a bootstrap', () => {
  const tests = { tests: [{ test_name: 't', input: { authority: 'a', path: '/' }, validate: { code_redirect: 201 } }] };
  const manager = (status: number, statPrefix: string) => ({
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
      stat_prefix: statPrefix,
      route_config: {
        virtual_hosts: [
          { name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status } }] },
        ],
      },
      http_filters: [{ name: 'test.last', typed_config: { '@type': 'type.googleapis.com/test.Last' } }],
    },
  });
  const last = {
    kind: 'http-filter',
    name: 'test.last',
    typeUrl: 'type.googleapis.com/test.Last',
    terminal: true,
    config: { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } },
    routeConfig: undefined,
    newState: undefined,
    create: () => ({}),
  } as const;
  const listener = (name: string, status: number, port: number) => ({
    name,
    address: { socket_address: { address: '127.0.0.1', port_value: port } },
    filter_chains: [{ filters: [manager(status, `${name}-stats`)] }],
  });
  const check = (listeners: object[], options: object = {}) =>
    checkRoutes({ config: { static_resources: { listeners } }, tests, extensions: [last], ...options });
  const both = [listener('one', 201, 1), listener('two', 202, 2)];

  it('takes the only table', () => {
    expect(check([listener('one', 201, 1)]).ok).toBe(true);
  });

  it.each([
    [{ listener: 'one' }, true],
    [{ listener: 'two' }, false],
    [{ statPrefix: 'one-stats' }, true],
    [{ statPrefix: 'two-stats' }, false],
  ])('takes the table chosen by %j', (options, ok) => {
    expect(check(both, options).ok).toBe(ok);
  });

  it.each([
    [both, {}, 'choose one of several route tables: listener one with stat_prefix one-stats; listener two'],
    [both, { listener: 'on' }, 'no such route table (did you mean "one"?); there are: '],
    [both, { statPrefix: 'tow-stats' }, 'no such route table (did you mean "two-stats"?)'],
    [[], {}, 'the configuration has no route table'],
  ])('does not guess: %#', (listeners, options, message) => {
    const run = () => check(listeners, options);
    expect(run).toThrow(RouteCheckError);
    expect(run).toThrow(message);
  });

  it('is checked whole, as the proxy does', () => {
    expect(() => check([{ ...listener('one', 201, 1), addres: {} }])).toThrow(/did you mean "address"/);
  });
});
