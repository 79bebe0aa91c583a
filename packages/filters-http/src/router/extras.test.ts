/** Mirrors, internal redirects and retry host predicates, as they are configured. */
import { type ClusterConfig, type ClusterOptions, cluster, route, virtualHost } from '@mesh/core';
import { answer, type Behaviour, type StartProxyOptions, type Upstream } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { ask, clientOf, closeAfterEach, get, observer, post, proxyFor, turns, upstreamOf } from './fixture.ts';
import { router } from './index.ts';

closeAfterEach();

function clusterOf(name: string, upstream: Upstream, more: Partial<ClusterOptions> = {}): ClusterConfig {
  return cluster(name, { endpoints: [`127.0.0.1:${upstream.port}`], ...more });
}

describe('request_mirror_policies', () => {
  it('copy the request as it goes upstream, whatever happens to it', async () => {
    const upstream = await upstreamOf({ status: 503 });
    const mirror = await upstreamOf();
    const routes = [
      route('/a', 'upstream', {
        route: { prefixRewrite: '/b', requestMirrorPolicies: [{ cluster: 'mirror' }], timeoutMs: 3000 } as never,
      }),
    ];
    const proxy = await proxyFor({ upstream, routes, clusters: [clusterOf('mirror', mirror)] });
    expect((await ask(proxy, post('/a', 'hello'))).status).toBe(503);
    await mirror.untilRequests(1);
    expect(mirror.requests[0]).toMatchObject({
      method: 'POST',
      path: '/b',
      body: 'hello',
      headers: { host: 'a-shadow', 'x-envoy-original-path': '/a', 'x-envoy-expected-rq-timeout-ms': '3000' },
    });
    expect(upstream.requests[0]?.headers['x-envoy-internal']).toBeUndefined();
  });

  it('copy nothing when there is no host for the request', async () => {
    const mirror = await upstreamOf();
    const routes = [route('/', 'empty', { route: { requestMirrorPolicies: [{ cluster: 'mirror' }] } as never })];
    const clusters = [cluster('empty', { endpoints: [] }), clusterOf('mirror', mirror)];
    const proxy = await proxyFor({ routes, clusters });
    expect((await ask(proxy)).status).toBe(503);
    await turns();
    expect(mirror.peers).toHaveLength(0);
  });

  it('copy once, however often the request is tried', async () => {
    const upstream = await upstreamOf({ status: 503 });
    const mirror = await upstreamOf();
    const routes = [
      route('/', 'upstream', {
        route: {
          retryPolicy: { retryOn: '5xx', numRetries: 2 },
          requestMirrorPolicies: [{ cluster: 'mirror' }],
        } as never,
      }),
    ];
    const proxy = await proxyFor({ upstream, routes, clusters: [clusterOf('mirror', mirror)] });
    await ask(proxy, post('/', 'hello'));
    await mirror.untilRequests(1);
    expect([upstream.requests.length, mirror.requests.length]).toEqual([3, 1]);
  });
});

/** Redirects to what the query asks for, once; the rest is answered. */
const redirecting: Behaviour = (request, peer) => {
  const to = new URL(`http://x${request.path}`).searchParams.get('to');
  if (to === null) return answer({ body: `${request.method} ${request.path} ${request.body}` })(request, peer);
  const status = Number(new URL(`http://x${request.path}`).searchParams.get('status') ?? 302);
  return answer({ status, headers: { location: to, 'x-from': 'first' }, body: 'moved' })(request, peer);
};

async function redirected(policy: object, more: StartProxyOptions = {}) {
  const upstream = await upstreamOf(redirecting);
  const { filter, outcomes } = observer();
  const action = { internalRedirectPolicy: policy } as never;
  const proxy = await proxyFor({
    upstream,
    filters: [filter],
    virtualHosts: [
      virtualHost('other', {
        domains: ['other'],
        requestHeadersToAdd: [{ header: { key: 'x-other', value: '1' } }] as never,
        routes: [route('/', 'upstream', { name: 'target' })],
      }),
      virtualHost('rest', { domains: ['*'], routes: [route('/', 'upstream', { route: action, name: 'start' })] }),
    ],
    ...more,
  } as never);
  return { upstream, outcomes, proxy };
}

describe('internal_redirect_policy', () => {
  it('follows in the place of the client', async () => {
    const { upstream, outcomes, proxy } = await redirected({});
    const response = await ask(proxy, get('/x?to=http://other/y?z=1'));
    expect([response.status, response.body, response.headers['x-from']]).toEqual([200, 'GET /y?z=1 ', undefined]);
    expect(upstream.requests[1]?.headers).toMatchObject({
      host: 'other',
      'x-other': '1',
      'x-envoy-original-url': 'http://a/x?to=http://other/y?z=1',
    });
    expect(outcomes.map(({ details }) => details)).toEqual(['internal_redirect', 'via_upstream']);
    expect(proxy.stats('cluster.upstream.upstream_internal_redirect_succeeded_total')).toBe(1);
    expect(proxy.stats('cluster.upstream.upstream_rq_302')).toBe(0);
    expect(proxy.stats('http.ingress_http.downstream_rq_completed')).toBe(1);
  });

  it('sends the body again, but not with 303', async () => {
    const { proxy } = await redirected({ redirectResponseCodes: [303, 307] });
    expect((await ask(proxy, post('/x?status=307&to=http://other/y', 'hello'))).body).toBe('POST /y hello');
    expect((await ask(proxy, post('/x?status=303&to=http://other/y', 'hello'))).body).toBe('GET /y ');
  });

  it('leaves other codes, and what it may not follow, to the client', async () => {
    const { proxy } = await redirected({});
    const other = await ask(proxy, get('/x?status=301&to=http://other/y'));
    expect([other.status, other.headers.location, other.body]).toEqual([301, 'http://other/y', 'moved']);
    const relative = await ask(proxy, get('/x?to=/y'));
    expect([relative.status, relative.headers.location, relative.body]).toEqual([302, '/y', 'moved']);
    expect(proxy.stats('cluster.upstream.upstream_internal_redirect_failed_total')).toBe(1);
    expect(proxy.stats('http.ingress_http.passthrough_internal_redirect_bad_location')).toBe(1);
  });

  it('does not follow while the request is still coming', async () => {
    const upstream = await upstreamOf({ atHead: true, behave: redirecting });
    const { proxy } = await redirected({}, { upstream });
    const client = await clientOf(proxy);
    await client.send('POST /x?to=http://other/y HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345');
    expect((await client.readResponse()).status).toBe(302);
    expect(proxy.stats('cluster.upstream.upstream_internal_redirect_failed_total')).toBe(1);
  });

  it('does not follow with a body that is too long to be kept', async () => {
    const { proxy } = await redirected({ redirectResponseCodes: [307] });
    const client = await clientOf(proxy);
    await client.send(post('/x?status=307&to=http://other/y', 'x'.repeat(3_000_000)));
    expect((await client.readResponse()).status).toBe(307);
    expect(proxy.stats('cluster.upstream.retry_or_shadow_abandoned')).toBe(1);
  });

  it('keeps the connection for the next request', async () => {
    const { proxy } = await redirected({});
    const client = await clientOf(proxy);
    for (let i = 0; i < 3; i++) {
      await client.send(get(`/x?to=http://other/y${i}`));
      expect((await client.readResponse()).body).toBe(`GET /y${i} `);
    }
  });
});

describe('retry_host_predicate', () => {
  const hosts = 'type.googleapis.com/envoy.extensions.retry.host';
  const metadata = { filter_metadata: { 'envoy.lb': { canary: true, zone: 'a' } } };
  const criteria = { filter_metadata: { 'envoy.lb': { zone: 'a' } } };

  /** Nine of ten choices are the host that fails. */
  async function failing(predicates: readonly object[]) {
    const bad = await upstreamOf({ status: 503 });
    const good = await upstreamOf({ status: 200 });
    const lb_endpoints = [
      { ...endpoint(bad), load_balancing_weight: 9, metadata },
      { ...endpoint(good), load_balancing_weight: 1 },
    ];
    const clusters = [{ name: 'c', load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints }] } }];
    const listeners = [
      {
        name: 'l',
        address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
        filter_chains: [{ filters: [manager(predicates)] }],
      },
    ];
    return proxyFor({ config: { static_resources: { listeners, clusters } }, extensions: [router] });
  }

  it.each([
    ['previous_hosts', { '@type': `${hosts}.previous_hosts.v3.PreviousHostsPredicate` }],
    ['omit_canary_hosts', { '@type': `${hosts}.omit_canary_hosts.v3.OmitCanaryHostsPredicate` }],
    [
      'omit_host_metadata',
      { '@type': `${hosts}.omit_host_metadata.v3.OmitHostMetadataConfig`, metadata_match: criteria },
    ],
  ])('%s keeps a retry from the host that fails', async (_name, typed_config) => {
    const proxy = await failing([{ name: 'any', typed_config }]);
    for (let i = 0; i < 8; i++) expect((await ask(proxy)).status).toBe(200);
    const without = await failing([]);
    const statuses: number[] = [];
    for (let i = 0; i < 8; i++) statuses.push((await ask(without)).status);
    expect(statuses).toContain(503);
  });
});

function endpoint({ port }: Upstream) {
  return { endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } };
}

function manager(retry_host_predicate: readonly object[]) {
  const types = 'type.googleapis.com/envoy.extensions.filters';
  const retry_policy = {
    retry_on: '5xx',
    num_retries: 1,
    host_selection_retry_max_attempts: 20,
    retry_host_predicate,
  };
  const typed_config = {
    '@type': `${types}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'i',
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': `${types}.http.router.v3.Router` } }],
    route_config: {
      virtual_hosts: [
        { name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'c', retry_policy } }] },
      ],
    },
  };
  return { name: 'envoy.filters.network.http_connection_manager', typed_config };
}
