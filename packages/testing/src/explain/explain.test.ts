import net from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { explain } from './explain.ts';
import { ask, count, counting, HOSTS, withHosts } from './fixture.ts';

describe('explain outcome', () => {
  it.each([
    ['http://api.test/users/7', 'forward', 200],
    ['http://api.test/old', 'redirect', 302],
    ['http://api.test/health', 'direct_response', 200],
    ['http://api.test/none', 'no_route', 404],
    ['http://nowhere.test/', 'no_route', 404],
    ['http://api.test/a%00b', 'refused', 400],
  ])('%s: %s', async (url, outcome, status) => {
    const seen = await ask(`GET ${url}`);
    expect(seen.outcome).toBe(outcome);
    expect(seen.response?.status).toBe(status);
  });

  it('tells details and flags of a local answer', async () => {
    expect((await ask('http://api.test/none')).response).toMatchObject({ details: 'route_not_found', flags: 'NR' });
  });

  it('is the same for the same question', async () => {
    expect(await ask('http://api.test/users')).toEqual(await ask('http://api.test/users'));
  });

  it('takes the method GET when none is given', async () => {
    expect((await ask('http://api.test/')).request.method).toBe('GET');
    expect((await ask('POST http://api.test/')).request.method).toBe('POST');
  });
});

describe('explain virtualHost', () => {
  it.each([
    ['api.test', 'exact', 'api.test'],
    ['API.test', 'exact', 'api.test'],
    ['v1.api.test', 'suffix', '*.api.test'],
    ['api.other', 'prefix', 'api.*'],
  ])('%s is found as %s', async (host, match, domain) => {
    const { virtualHost } = await ask(`http://${host}/users`);
    expect(virtualHost).toMatchObject({ name: 'api', match, domain });
  });

  it('any host is told as any', async () => {
    const config = withHosts([{ name: 'all', domains: ['*'], routes: [] }]);
    expect((await explain(config, 'http://x/')).virtualHost).toMatchObject({ name: 'all', match: 'any', domain: '*' });
  });

  it('a port in the URL belongs to the host', async () => {
    expect((await ask('http://rest.test:8080/')).virtualHost?.name).toBe('rest');
    expect((await ask('http://rest.test/')).virtualHost).toBeUndefined();
  });

  it('-H host replaces that of the URL', async () => {
    const seen = await ask('http://127.0.0.1/users', { headers: { Host: 'api.test' } });
    expect(seen.virtualHost?.name).toBe('api');
    expect(seen.request.headers).toEqual([['Host', 'api.test']]);
  });

  it('says why there is none', async () => {
    expect((await ask('http://api.tset/')).noVirtualHost).toBeUndefined();
    expect((await ask('http://resd.test:8080/')).noVirtualHost).toEqual({
      host: 'resd.test:8080',
      domains: ['api.test', '*.api.test', 'api.*', 'rest.test:8080'],
      hint: 'did you mean "rest.test:8080"?',
    });
  });

  it('says when only the port is in the way', async () => {
    expect((await ask('http://v1.api.test:8080/')).noVirtualHost?.hint).toBe(
      'the port is part of the host; without it this would be api',
    );
  });

  it('require_tls is told, and no route is asked', async () => {
    const routes = [{ match: { prefix: '/' }, route: { cluster: 'users' } }];
    const config = withHosts([{ name: 'tls', domains: ['*'], require_tls: 'ALL', routes }]);
    const plain = await explain(config, 'http://x/p');
    expect(plain).toMatchObject({ outcome: 'redirect', virtualHost: { needsTls: true }, earlierRoutes: [] });
    expect(plain.response?.headers).toContainEqual(['location', 'https://x/p']);
    expect((await explain(config, 'https://x/p')).outcome).toBe('forward');
    expect((await explain(config, 'http://x/p', { tls: true })).outcome).toBe('forward');
  });
});

describe('explain route', () => {
  it('tells position, name and conditions', async () => {
    const { route } = await ask('http://api.test/users', { headers: { 'x-version': '2' } });
    expect(route).toMatchObject({ index: 2, name: 'v2', match: 'prefix "/users", header "x-version" exact "2"' });
  });

  it('tells why each earlier route does not match', async () => {
    const { earlierRoutes } = await ask('http://api.test/users?x=1', { headers: { 'x-version': '3' } });
    expect(earlierRoutes.map(({ index, reason }) => [index, reason])).toEqual([
      [0, 'path: wanted path "/health", got "/users"'],
      [1, 'path: wanted prefix "/old", got "/users"'],
      [2, 'header "x-version": wanted exact "2", got "3"'],
    ]);
  });

  it('tells why no route matches', async () => {
    const { earlierRoutes, route } = await ask('http://rest.test:8080x/');
    expect(route).toBeUndefined();
    expect(earlierRoutes).toEqual([]);
    const none = await ask('http://api.test/none');
    expect(none.earlierRoutes).toHaveLength(HOSTS[0]?.routes.length ?? 0);
    expect(none.earlierRoutes.every(({ reason }) => reason !== '')).toBe(true);
  });

  it.each([
    [{}, 'beta'],
    [{ random: 9 }, 'beta'],
    [{ random: 10 }, undefined],
    [{ random: 10, runtime: { beta: '11' } }, 'beta'],
    [{ runtime: { beta: '0' } }, undefined],
  ])('the draw and runtime values decide shares: %j', async (options, name) => {
    expect((await ask('http://api.test/beta', options)).route?.name).toBe(name);
  });

  it('carries metadata', async () => {
    const routes = [
      { match: { prefix: '/' }, route: { cluster: 'users' }, metadata: { filter_metadata: { f: { a: 1 } } } },
    ];
    const seen = await explain(withHosts([{ name: 'v', domains: ['*'], routes }]), 'http://x/');
    expect(seen.route?.metadata).toEqual({ f: { a: 1 } });
  });
});

describe('explain connectionManager', () => {
  it('tells what it does to the head first', async () => {
    const headers = { 'x-envoy-internal': 'true', 'x-forwarded-for': '8.8.8.8' };
    const { connectionManager } = await ask('http://api.test/a/../users', { headers, sourceIp: '192.0.2.7' });
    expect(connectionManager).toMatchObject({
      statPrefix: 'web',
      routeConfig: 'table',
      clientIp: '192.0.2.7',
      internal: false,
    });
    expect(connectionManager.changes.map(({ op, name, value }) => `${op} ${name}: ${value}`)).toEqual([
      'removed :path: /a/../users',
      'added :path: /users',
      'removed x-envoy-internal: true',
      'removed x-forwarded-for: 8.8.8.8',
      'added x-forwarded-for: 8.8.8.8,192.0.2.7',
      'added x-forwarded-proto: http',
      'added x-envoy-external-address: 192.0.2.7',
      'added x-request-id: <generated>',
    ]);
  });

  it('shows a request id that the client sent and that is kept', async () => {
    const config = withHosts(HOSTS.slice(1));
    const { connectionManager } = await explain(config, 'http://rest.test:8080/', {
      headers: { 'x-request-id': 'mine' },
    });
    expect(connectionManager.changes.filter(({ name }) => name === 'x-request-id')).toEqual([]);
  });
});

describe('explain upstreamRequest', () => {
  it('is what the router sends, with what changed', async () => {
    const { upstreamRequest } = await ask('http://api.test/users/7?x=1', { headers: { 'x-secret': 's', a: 'b' } });
    expect(upstreamRequest).toMatchObject({ method: 'GET', path: '/u/7?x=1', host: 'inner' });
    expect(upstreamRequest?.headers).toContainEqual(['a', 'b']);
    const changes = upstreamRequest?.changes.map(({ op, name, value }) => `${op} ${name}: ${value}`);
    expect(changes).toEqual(
      expect.arrayContaining([
        'removed :path: /users/7?x=1',
        'added :path: /u/7?x=1',
        'removed host: api.test',
        'added host: inner',
        'removed x-secret: s',
        'added x-team: users',
        'added x-envoy-original-path: /users/7?x=1',
        'added x-envoy-expected-rq-timeout-ms: 3000',
      ]),
    );
    expect(changes).not.toContainEqual(expect.stringContaining(' a: '));
  });

  it('shows what the route does to a response', async () => {
    const { response } = await ask('http://api.test/users');
    expect(response?.headers).toEqual(
      expect.arrayContaining([
        ['x-served', 'mesh'],
        ['server', 'envoy'],
      ]),
    );
    expect(response?.headers.map(([name]) => name)).not.toContain('date');
  });
});

describe('explain of requests that tunnel', () => {
  const tunnel = withHosts(
    [
      {
        name: 'v',
        domains: ['*'],
        routes: [
          {
            match: { connect_matcher: {} },
            route: { cluster: 'users', upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }] },
          },
          { match: { prefix: '/' }, route: { cluster: 'users' } },
        ],
      },
    ],
    [],
    { upgrade_configs: [{ upgrade_type: 'websocket' }] },
  );
  const upgrade = { headers: { connection: 'upgrade', upgrade: 'websocket' } };

  it('CONNECT goes upstream as TCP, and nothing is connected', async () => {
    const connect = vi.spyOn(net.Socket.prototype, 'connect');
    const seen = await explain(tunnel, 'CONNECT http://h:443');
    expect(seen).toMatchObject({
      outcome: 'forward',
      route: { index: 0, match: 'CONNECT' },
      upstreamRequest: { tcp: true },
    });
    expect(seen.cluster?.hosts).toHaveLength(2);
    expect(connect).not.toHaveBeenCalled();
    connect.mockRestore();
  });

  it('an upgrade that is allowed is forwarded, another is refused', async () => {
    expect(await explain(tunnel, 'http://h/ws', upgrade)).toMatchObject({ outcome: 'forward', route: { index: 1 } });
    const refused = await ask('http://api.test/users', upgrade);
    expect(refused).toMatchObject({ outcome: 'refused', response: { status: 403, details: 'upgrade_failed' } });
  });
});

describe('explain response', () => {
  it('has status and location of a redirect', async () => {
    const { response } = await ask('http://api.test/old/x?y');
    expect(response).toMatchObject({ status: 302, body: '' });
    expect(response?.headers).toContainEqual(['location', 'http://api.test/new/x?y']);
  });

  it('has status and body of a direct response', async () => {
    expect((await ask('http://api.test/health')).response).toMatchObject({ status: 200, body: 'ok' });
  });
});

describe('explain cluster', () => {
  it('lists the hosts that may be picked', async () => {
    const { cluster } = await ask('http://api.test/users');
    expect(cluster).toMatchObject({ name: 'users', by: 'cluster', type: 'static', lbPolicy: 'round_robin' });
    expect(cluster?.hosts).toEqual([
      { address: '10.0.0.1:80', weight: 1, priority: 0 },
      { address: '10.0.0.2:80', weight: 1, priority: 0 },
    ]);
  });

  it.each([
    [0, 'users'],
    [89, 'users'],
    [90, 'users-v2'],
    [190, 'users-v2'],
  ])('draws %i from weighted clusters: %s', async (random, name) => {
    const { cluster } = await ask('http://api.test/split', { random });
    expect(cluster).toMatchObject({ name, by: 'weighted_clusters' });
    expect(cluster?.weighted).toEqual({
      totalWeight: 100,
      shares: [
        { cluster: 'users', weight: 90, percent: 90 },
        { cluster: 'users-v2', weight: 10, percent: 10 },
      ],
    });
  });

  it('reads cluster_header, and tells when the cluster does not exist', async () => {
    const there = await ask('http://api.test/by-header', { headers: { 'x-cluster': 'users' } });
    expect(there.cluster).toMatchObject({ name: 'users', by: 'cluster_header', header: 'x-cluster' });
    const missing = await ask('http://api.test/by-header', { headers: { 'x-cluster': 'nobody' } });
    expect(missing.cluster).toMatchObject({ name: 'nobody', missing: true, hosts: [] });
    expect(missing.response).toMatchObject({ status: 503, flags: 'NC' });
  });
});

describe('explain policies', () => {
  it('tells timeouts and retries', async () => {
    expect((await ask('http://api.test/users')).policies).toMatchObject({ timeoutMs: 3000, idleTimeoutMs: 300_000 });
    expect((await ask('http://api.test/users')).policies?.retry).toBeUndefined();
    expect((await ask('http://api.test/split')).policies?.retry).toMatchObject({
      on: ['5xx', 'retriable-status-codes'],
      times: 3,
      statusCodes: [409],
    });
  });

  it('tells what an internal client asks for instead', async () => {
    const config = withHosts(HOSTS, [{ name: 'test.filters.http.counting' }], {
      use_remote_address: true,
      internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] },
    });
    const headers = {
      'x-envoy-upstream-rq-timeout-ms': '700',
      'x-envoy-retry-on': 'reset',
      'x-envoy-max-retries': '5',
      'x-envoy-upstream-rq-per-try-timeout-ms': '200',
    };
    const asked = (sourceIp: string) =>
      explain(config, 'http://api.test/users', { headers, sourceIp, extensions: [counting] });
    const retry = { on: ['reset'], times: 5, perTryTimeoutMs: 200 };
    expect((await asked('10.1.1.1')).policies).toMatchObject({ timeoutMs: 700, retry });
    const outside = (await asked('11.1.1.1')).policies;
    expect(outside).toMatchObject({ timeoutMs: 3000 });
    expect(outside?.retry).toBeUndefined();
  });

  it('tells mirrors and the hash', async () => {
    const { policies } = await ask('http://api.test/mirror', { headers: { 'x-user': 'u1' } });
    expect(policies?.mirrors).toEqual([{ cluster: 'users-v2', percent: 5, runtimeKey: 'shadow' }]);
    expect(policies?.hash).toMatch(/^[0-9a-f]{16}$/);
    expect((await ask('http://api.test/mirror', { headers: { 'x-user': 'u2' } })).policies?.hash).not.toBe(
      policies?.hash,
    );
  });

  it('hashes the head as it goes upstream', async () => {
    const header = { key: 'x-user', value: 'abc' };
    const routes = [
      {
        match: { prefix: '/' },
        request_headers_to_add: [{ header, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }],
        route: { cluster: 'users', hash_policy: [{ header: { header_name: 'x-user' } }] },
      },
    ];
    const config = withHosts([{ name: 'all', domains: ['*'], routes }]);
    const { policies } = await explain(config, 'http://x/', { headers: { 'x-user': 'u2' } });
    expect(policies?.hash).toBe('44bc2cf5ad770999');
  });
});

describe('explain filters', () => {
  it('lists them in order without running them', async () => {
    const before = count.called;
    const { filters } = await ask('http://api.test/users');
    expect(filters).toEqual([
      { name: 'test.filters.http.counting', runs: true, routeConfig: true },
      { name: 'envoy.filters.http.router', runs: true, routeConfig: false },
    ]);
    expect(count.called).toBe(before);
  });

  it('makes none besides those of the proxy itself', async () => {
    const before = count.created;
    await ask('http://api.test/users');
    expect(count.created).toBe(before + 1);
  });

  it('says which are switched off or on, and by whom', async () => {
    const off = await ask('http://api.test/off');
    expect(off.filters[0]).toMatchObject({ runs: false, reason: 'disabled by the route' });
    const chain = withHosts(HOSTS, [{ name: 'test.filters.http.counting', disabled: true }]);
    const [quiet] = (await explain(chain, 'http://api.test/split', { extensions: [counting] })).filters;
    expect(quiet).toMatchObject({ runs: false, reason: 'disabled in the chain' });
    const [woken] = (await explain(chain, 'http://api.test/users', { extensions: [counting] })).filters;
    expect(woken).toMatchObject({ runs: true, reason: 'disabled in the chain, enabled by the route' });
  });

  it('a request that is refused meets none', async () => {
    const { filters } = await ask('http://api.test/%00');
    expect(filters.map(({ runs, reason }) => [runs, reason])).toEqual([
      [false, 'answered before the filters'],
      [false, 'answered before the filters'],
    ]);
  });
});
