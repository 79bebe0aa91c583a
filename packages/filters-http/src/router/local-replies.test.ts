/** What the router answers by itself, and what it tells of the inside: section 6.4 of Envoy's behaviour. */
import { cluster, route } from '@mesh/core';
import { answer, neverAnswer, refusedPort } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { router } from '../index.ts';
import {
  ask,
  clientOf,
  closeAfterEach,
  get,
  observer,
  post,
  proxyFor,
  routed,
  TRUSTING,
  turns,
  upstreamOf,
} from './fixture.ts';

closeAfterEach();

const told = { includeAttemptCountInResponse: true };
const marked = { responseHeadersToAdd: [{ header: { key: 'x-mark', value: 'route' } }] };

async function replied(options: Parameters<typeof proxyFor>[0], request = get('/')) {
  const { filter, outcomes } = observer();
  const own = options?.filters ?? [];
  const proxy = await proxyFor({ ...TRUSTING, ...options, filters: [filter, ...own] });
  return { response: await ask(proxy, request), outcome: () => outcomes[0], proxy };
}

describe('no cluster', () => {
  it.each([
    ['SERVICE_UNAVAILABLE', 503],
    ['NOT_FOUND', 404],
    ['INTERNAL_SERVER_ERROR', 500],
  ])('%s: %i, NC, with the fields of the route', async (clusterNotFoundResponseCode, status) => {
    const action = { cluster: undefined, clusterHeader: 'x-to', clusterNotFoundResponseCode };
    const { response, outcome, proxy } = await replied({ ...routed(action, marked) }, get('/', 'x-to: nowhere\r\n'));
    expect([response.status, response.body, response.headers['x-mark']]).toEqual([status, '', 'route']);
    expect(outcome()).toEqual({ status, flags: 'NC', details: 'cluster_not_found' });
    expect(proxy.stats('http.ingress_http.no_cluster')).toBe(1);
  });

  it('a field that names none is no cluster', async () => {
    const upstream = await upstreamOf({ body: 'x' });
    const action = routed({ cluster: undefined, clusterHeader: 'x-to' });
    expect((await replied({ upstream, ...action })).response.status).toBe(503);
    expect((await replied({ upstream, ...action }, get('/', 'x-to: upstream\r\n'))).response.body).toBe('x');
  });
});

it('no host: 503 `no healthy upstream`, UH, attempt 1', async () => {
  const { response, outcome } = await replied({ upstream: [], ...routed({}, { ...told, ...marked }) });
  expect(response).toMatchObject({
    status: 503,
    body: 'no healthy upstream',
    headers: { 'x-envoy-attempt-count': '1', 'x-mark': 'route' },
  });
  expect(outcome()).toEqual({ status: 503, flags: 'UH', details: 'no_healthy_upstream' });
});

it('a local reply carries the fields of its route', async () => {
  const { response } = await replied({ upstream: await refusedPort(), ...routed({}, { ...told, ...marked }) });
  expect(response.headers).toMatchObject({ 'x-mark': 'route', 'x-envoy-attempt-count': '1' });
});

describe('strict_check_headers', () => {
  it.each([
    ['x-envoy-max-retries', 'many'],
    ['x-envoy-upstream-rq-timeout-ms', '1s'],
    ['x-envoy-upstream-rq-per-try-timeout-ms', '-1'],
    ['x-envoy-retry-on', '5xx,6xx'],
    ['x-envoy-retry-grpc-on', 'cancelled, tired'],
  ])('answers 400, IH for %s: %s', async (name, value) => {
    const upstream = await upstreamOf();
    const filters = [router({ strictCheckHeaders: [name] })];
    const { response, outcome } = await replied({ upstream, filters }, get('/', `${name}: ${value}\r\n`));
    expect([response.status, response.body]).toEqual([400, `invalid header '${name}' with value '${value}'`]);
    expect(outcome()).toEqual({ status: 400, flags: 'IH', details: `request_headers_failed_strict_check{${name}}` });
    expect(upstream.requests).toHaveLength(0);
  });

  it('lets valid values and fields that it does not name pass', async () => {
    const upstream = await upstreamOf({ body: 'x' });
    const filters = [router({ strictCheckHeaders: ['x-envoy-retry-on'] })];
    const fields = 'x-envoy-retry-on: 5xx , reset\r\nx-envoy-max-retries: many\r\n';
    expect((await replied({ upstream, filters }, get('/', fields))).response.body).toBe('x');
  });
});

it('maintenance mode: 503, UO, overloaded, and no attempt', async () => {
  const upstream = await upstreamOf();
  const port = upstream.port;
  const endpoint = { endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } };
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'i',
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': router.typeUrl } }],
    route_config: {
      virtual_hosts: [
        {
          name: 'v',
          domains: ['*'],
          include_attempt_count_in_response: true,
          routes: [{ match: { prefix: '/' }, route: { cluster: 'c' } }],
        },
      ],
    },
  };
  const config = {
    layered_runtime: { layers: [{ name: 's', static_layer: { 'upstream.maintenance_mode.c': 100 } }] },
    static_resources: {
      listeners: [
        {
          name: 'l',
          address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
          filter_chains: [
            { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
          ],
        },
      ],
      clusters: [{ name: 'c', load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: [endpoint] }] } }],
    },
  };
  const proxy = await proxyFor({ config, extensions: [router] });
  const { status, body, headers } = await ask(proxy);
  expect([status, body, headers['x-envoy-overloaded']]).toEqual([503, 'maintenance mode', 'true']);
  expect(headers).not.toHaveProperty('x-envoy-attempt-count');
  expect(proxy.stats('cluster.c.upstream_rq_maintenance_mode')).toBe(1);
  expect(upstream.requests).toHaveLength(0);
});

describe('the router config', () => {
  it('suppress_envoy_headers adds none to request, response and local replies', async () => {
    const upstream = await upstreamOf();
    const filters = [router({ suppressEnvoyHeaders: true })];
    const { response } = await replied({
      upstream,
      filters,
      ...routed({ prefixRewrite: '/x', hostRewriteLiteral: 'h' }),
    });
    const added = Object.keys({ ...upstream.requests[0]?.headers, ...response.headers });
    expect(added.filter((name) => name.startsWith('x-envoy-') && name !== 'x-envoy-internal')).toEqual([]);
    const limits = { circuitBreakers: { thresholds: [{ maxPendingRequests: 0 }] } } as never;
    const refused = (await replied({ upstream, filters, cluster: limits })).response;
    expect([refused.status, refused.headers['x-envoy-overloaded']]).toEqual([503, undefined]);
  });

  it('respect_expected_rq_timeout takes the time that the proxy before it had', async () => {
    const upstream = await upstreamOf();
    const fields = 'x-envoy-expected-rq-timeout-ms: 77\r\nx-envoy-upstream-rq-timeout-ms: 99\r\n';
    for (const respectExpectedRqTimeout of [true, false]) {
      await replied({ upstream, filters: [router({ respectExpectedRqTimeout })] }, get('/', fields));
    }
    expect(upstream.requests.map(({ headers }) => headers['x-envoy-expected-rq-timeout-ms'])).toEqual(['77', '99']);
  });

  it('dynamic_stats: false counts no codes', async () => {
    const upstream = await upstreamOf({ status: 404 });
    const { proxy } = await replied({ upstream, filters: [router({ dynamicStats: false })] });
    expect(proxy.stats('cluster.upstream.upstream_rq_404')).toBe(0);
    expect(proxy.stats('cluster.upstream.upstream_rq_total')).toBe(1);
  });

  it('suppress_grpc_request_failure_code_stats counts gRPC calls without codes', async () => {
    const upstream = await upstreamOf({ status: 503 });
    const grpc = post('/', 'x', 'content-type: application/grpc\r\n');
    const { proxy } = await replied(
      { upstream, filters: [router({ suppressGrpcRequestFailureCodeStats: true })] },
      grpc,
    );
    expect(proxy.stats('cluster.upstream.upstream_rq_503')).toBe(0);
    expect(proxy.stats('cluster.upstream.upstream_rq_completed')).toBe(1);
  });
});

describe('statistics that a request or response chooses', () => {
  it('x-envoy-upstream-alt-stat-name counts once more under that name', async () => {
    const upstream = await upstreamOf({ status: 404 });
    const { proxy } = await replied({ upstream }, get('/', 'x-envoy-upstream-alt-stat-name: mine\r\n'));
    expect(proxy.stats('cluster.upstream.mine.upstream_rq_404')).toBe(1);
    expect(upstream.requests[0]?.headers).not.toHaveProperty('x-envoy-upstream-alt-stat-name');
  });

  it('x-envoy-upstream-canary counts once more as canary', async () => {
    const upstream = await upstreamOf({ status: 404, headers: { 'x-envoy-upstream-canary': 'true' } });
    const { proxy } = await replied({ upstream });
    expect(proxy.stats('cluster.upstream.canary.upstream_rq_4xx')).toBe(1);
  });
});

describe('gRPC timeouts', () => {
  const grpc = (timeout: string) => get('/', `content-type: application/grpc\r\ngrpc-timeout: ${timeout}\r\n`);

  it.each([
    ['5S', { maxGrpcTimeoutMs: 2000 }, '2000', '2000m'],
    ['1S', { maxGrpcTimeoutMs: 2000 }, '1000', '1000m'],
    ['5S', { maxGrpcTimeoutMs: 0 }, '5000', '5000m'],
    ['5S', { maxGrpcTimeoutMs: 0, grpcTimeoutOffsetMs: 300 }, '4700', '4700m'],
    ['200m', { maxGrpcTimeoutMs: 0, grpcTimeoutOffsetMs: 300 }, '200', '200m'],
    ['bad', { maxGrpcTimeoutMs: 2000 }, '2000', '2000m'],
    ['5S', {}, '15000', '5S'],
  ])('%s with %j', async (timeout, action, expected, forwarded) => {
    const upstream = await upstreamOf();
    await replied({ upstream, ...routed(action) }, grpc(timeout));
    const { headers } = upstream.requests[0] ?? { headers: {} as Record<string, string> };
    expect([headers['x-envoy-expected-rq-timeout-ms'], headers['grpc-timeout']]).toEqual([expected, forwarded]);
  });
});

it('auto_host_rewrite sends the name of the chosen host', async () => {
  const upstream = await upstreamOf();
  const endpoint = {
    address: { socketAddress: { address: '127.0.0.1', portValue: upstream.port } },
    hostname: 'one.test',
  };
  const proxy = await proxyFor({
    routes: [route('/', 'named', { route: { autoHostRewrite: true, appendXForwardedHost: true } })],
    clusters: [named(endpoint)],
  });
  await ask(proxy);
  expect(upstream.requests[0]?.headers).toMatchObject({
    host: 'one.test',
    'x-envoy-original-host': 'a',
    'x-forwarded-host': 'a',
  });
});

function named(endpoint: object) {
  const made = cluster('named', { endpoints: [] });
  return {
    ...made,
    loadAssignment: {
      clusterName: 'named',
      endpoints: [{ lbEndpoints: [{ endpoint, loadBalancingWeight: 1 }], priority: 0 }],
    },
  } as unknown as typeof made;
}

it('a client that goes away while its request waits for a connection leaves nothing behind', async () => {
  const upstream = await upstreamOf({ behave: neverAnswer() });
  const limits = { circuitBreakers: { thresholds: [{ maxConnections: 1 }] } } as never;
  const proxy = await proxyFor({ upstream, cluster: limits });
  const [first, second] = [await clientOf(proxy), await clientOf(proxy)];
  await first.send(get('/'));
  await upstream.untilRequests(1);
  await second.send(get('/'));
  await proxy.untilStat('cluster.upstream.upstream_rq_pending_active', 1);
  second.reset();
  await proxy.untilStat('cluster.upstream.upstream_rq_pending_active', 0);
  first.reset();
  await proxy.untilStat('cluster.upstream.upstream_cx_active', 0);
  await turns();
});

it('an early answer is not charged with a time', async () => {
  const upstream = await upstreamOf({ atHead: true, behave: answer({ status: 413 }) });
  const client = await clientOf(await proxyFor({ upstream }));
  await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n');
  expect((await client.readResponse()).headers).not.toHaveProperty('x-envoy-upstream-service-time');
});
