/** Retry policies: every condition of `retry_on`, what a retry looks like, and when there is none. */
import { route, virtualHost } from '@mesh/core';
import {
  type Answer,
  answer,
  type Behaviour,
  closeUnanswered,
  neverAnswer,
  refusedPort,
  resetAfter,
  sequence,
  stall,
  truncate,
} from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import {
  ask,
  clientOf,
  closeAfterEach,
  get,
  observer,
  post,
  proxyFor,
  retrying,
  TRUSTING,
  turns,
  upstreamOf,
} from './fixture.ts';

closeAfterEach();

const BEFORE = 'upstream connect error or disconnect/reset before headers. ';
/** No jitter: retries come with the next tick. */
const NOW = { random: () => 0 };

/** Asks once of an upstream that does `first`, then answers 200. */
async function firstThenWell(first: Behaviour, policy: object, request = get('/'), more: object = {}) {
  const upstream = await upstreamOf(sequence(first, answer({ body: 'well' })));
  const { filter, outcomes } = observer();
  const proxy = await proxyFor({ upstream, filters: [filter], ...NOW, ...TRUSTING, ...retrying(policy), ...more });
  return { response: await ask(proxy, request), upstream, proxy, outcomes };
}

const says = (status: number, headers: Answer['headers'] = {}) => answer({ status, headers });
const rateLimited = says(503, { 'x-envoy-ratelimited': 'true' });
const grpc = (status: number) => says(200, { 'content-type': 'application/grpc', 'grpc-status': String(status) });

describe('retry_on', () => {
  it.each<[string, string, Behaviour]>([
    ['5xx', '500', says(500)],
    ['5xx', '599', says(599)],
    ['5xx', 'a close', closeUnanswered()],
    ['5xx', 'a reset', resetAfter()],
    ['5xx', 'half a head', truncate({ body: 'x' }, 12)],
    ['gateway-error', '502', says(502)],
    ['gateway-error', '503', says(503)],
    ['gateway-error', '504', says(504)],
    ['gateway-error', 'a close', closeUnanswered()],
    ['reset', 'a close', closeUnanswered()],
    ['envoy-ratelimited', 'x-envoy-ratelimited', rateLimited],
    ['retriable-4xx', '409', says(409)],
    ['cancelled', 'grpc-status 1', grpc(1)],
    ['deadline-exceeded', 'grpc-status 4', grpc(4)],
    ['resource-exhausted', 'grpc-status 8', grpc(8)],
    ['internal', 'grpc-status 13', grpc(13)],
    ['unavailable', 'grpc-status 14', grpc(14)],
    ['connect-failure, 5xx', '503: any of several', says(503)],
  ])('%s asks for a retry of %s', async (retryOn, _what, first) => {
    const { response, upstream } = await firstThenWell(first, { retryOn });
    expect([response.status, response.body, upstream.requests.length]).toEqual([200, 'well', 2]);
  });

  it.each<[string, string, Behaviour, number]>([
    ['5xx', '404', says(404), 404],
    ['5xx', 'x-envoy-ratelimited', rateLimited, 503],
    ['gateway-error', '500', says(500), 500],
    ['reset', '503', says(503), 503],
    ['reset-before-request', 'a close behind the request', closeUnanswered(), 503],
    ['connect-failure', 'a close', closeUnanswered(), 503],
    ['connect-failure', '503', says(503), 503],
    ['envoy-ratelimited', '503', says(503), 503],
    ['retriable-4xx', '429', says(429), 429],
    ['refused-stream', 'a close', closeUnanswered(), 503],
    ['http3-post-connect-failure', 'a close', closeUnanswered(), 503],
    ['retriable-status-codes', '503 that is not listed', says(503), 503],
    ['unavailable', 'grpc-status 13', grpc(13), 200],
    ['no-such-condition', '503', says(503), 503],
  ])('%s does not for %s', async (retryOn, _what, first, status) => {
    const { response, upstream } = await firstThenWell(first, { retryOn });
    expect([response.status, upstream.requests.length]).toEqual([status, 1]);
  });

  it.each([
    ['connect-failure', 3],
    ['reset-before-request', 3],
    ['5xx', 3],
    ['reset', 3],
    ['refused-stream', 1],
    ['retriable-4xx', 1],
  ])('%s makes %i attempts where nobody listens', async (retryOn, attempts) => {
    const { filter, outcomes } = observer();
    const proxy = await proxyFor({
      upstream: await refusedPort(),
      filters: [filter],
      ...NOW,
      ...retrying({ retryOn, numRetries: 2 }),
    });
    const response = await ask(proxy);
    const why = attempts === 1 ? 'reset reason' : 'retried and the latest reset reason';
    expect([response.status, response.body]).toEqual([503, `${BEFORE}${why}: remote connection failure`]);
    expect(proxy.stats('cluster.upstream.upstream_cx_connect_fail')).toBe(attempts);
    expect(outcomes[0]?.flags).toBe(attempts === 1 ? 'UF' : 'URX,UF');
  });

  it('retriable-status-codes goes by the listed codes', async () => {
    const policy = { retryOn: 'retriable-status-codes', retriableStatusCodes: [418, 429] };
    expect((await firstThenWell(says(429), policy)).response.body).toBe('well');
    expect((await firstThenWell(says(404), policy)).response.status).toBe(404);
  });

  it('retriable-headers goes by the response fields', async () => {
    const policy = { retryOn: 'retriable-headers', retriableHeaders: [{ name: 'x-again', presentMatch: true }] };
    expect((await firstThenWell(says(200, { 'x-again': '' }), policy)).upstream.requests).toHaveLength(2);
    expect((await firstThenWell(says(200), policy)).upstream.requests).toHaveLength(1);
  });

  it('retriable_request_headers limits the policy to some requests', async () => {
    const policy = { retryOn: '5xx', retriableRequestHeaders: [{ name: 'x-may', presentMatch: true }] };
    expect((await firstThenWell(says(503), policy)).response.status).toBe(503);
    expect((await firstThenWell(says(503), policy, get('/', 'x-may: 1\r\n'))).response.status).toBe(200);
  });
});

describe('limits', () => {
  it('num_retries: the last response is passed through, URX', async () => {
    const upstream = await upstreamOf((request, peer) =>
      answer({ status: 503, body: `no ${request.index}` })(request, peer),
    );
    const { filter, outcomes } = observer();
    const proxy = await proxyFor({
      upstream,
      filters: [filter],
      ...NOW,
      ...retrying({ retryOn: '5xx', numRetries: 2 }),
    });
    expect(await ask(proxy)).toMatchObject({ status: 503, body: 'no 2' });
    expect(outcomes).toEqual([{ status: 503, flags: 'URX', details: 'via_upstream' }]);
    const stat = (name: string) => proxy.stats(`cluster.upstream.${name}`);
    expect([stat('upstream_rq_retry'), stat('upstream_rq_retry_limit_exceeded')]).toEqual([2, 1]);
    expect([stat('upstream_rq_retry_success'), stat('upstream_rq_retry_backoff_exponential')]).toEqual([0, 2]);
    expect([stat('retry.upstream_rq_503'), stat('upstream_rq_503'), stat('upstream_rq_completed')]).toEqual([2, 1, 1]);
  });

  it('num_retries 0 retries nothing', async () => {
    const { response, upstream } = await firstThenWell(says(503), { retryOn: '5xx', numRetries: 0 });
    expect([response.status, upstream.requests.length]).toEqual([503, 1]);
  });

  it('a retry that helps is counted as success', async () => {
    const { proxy } = await firstThenWell(says(503), { retryOn: '5xx' });
    expect(proxy.stats('cluster.upstream.upstream_rq_retry_success')).toBe(1);
    expect(proxy.stats('cluster.upstream.circuit_breakers.default.rq_retry_open')).toBe(0);
  });

  it('max_retries: over it the response is passed through, UO', async () => {
    const thresholds = [{ maxRetries: 0 }];
    const { response, proxy, outcomes } = await firstThenWell(says(503), { retryOn: '5xx' }, get('/'), {
      cluster: { circuitBreakers: { thresholds } },
    });
    expect([response.status, outcomes[0]?.flags]).toEqual([503, 'UO']);
    expect(proxy.stats('cluster.upstream.upstream_rq_retry_overflow')).toBe(1);
    expect(response.headers['x-envoy-overloaded']).toBeUndefined();
  });

  it('a retry budget takes the place of max_retries', async () => {
    const budget = (minRetryConcurrency: number) => ({
      cluster: {
        circuitBreakers: {
          thresholds: [{ maxRetries: 0, retryBudget: { budgetPercent: { value: 0 }, minRetryConcurrency } }],
        },
      },
    });
    const ask503 = (more: object) => firstThenWell(says(503), { retryOn: '5xx' }, get('/'), more);
    expect((await ask503(budget(1))).response.status).toBe(200);
    expect((await ask503(budget(0))).response.status).toBe(503);
  });
});

describe('a request may ask for', () => {
  const fields = (...lines: string[]) => get('/', lines.map((line) => `${line}\r\n`).join(''));
  const none = {};

  it.each<[string, Behaviour, string]>([
    ['x-envoy-retry-on', says(503), fields('x-envoy-retry-on: 5xx')],
    ['x-envoy-retry-grpc-on', grpc(14), fields('x-envoy-retry-grpc-on: unavailable')],
    [
      'x-envoy-retriable-status-codes',
      says(418),
      fields('x-envoy-retry-on: retriable-status-codes', 'x-envoy-retriable-status-codes: 418, 419'),
    ],
    [
      'x-envoy-retriable-header-names',
      says(200, { 'x-again': '1' }),
      fields('x-envoy-retry-on: retriable-headers', 'x-envoy-retriable-header-names: x-other, x-again'),
    ],
  ])('retries by %s, which does not go upstream', async (name, first, request) => {
    const { response, upstream } = await firstThenWell(first, none, request);
    expect([response.body, upstream.requests.length]).toEqual(['well', 2]);
    expect(upstream.requests[0]?.headers).not.toHaveProperty(name);
  });

  it('conditions besides those of the route', async () => {
    const { response } = await firstThenWell(says(409), { retryOn: '5xx' }, fields('x-envoy-retry-on: retriable-4xx'));
    expect(response.body).toBe('well');
  });

  it('another number of retries, where there is something to retry', async () => {
    const upstream = await upstreamOf({ status: 503 });
    const proxy = await proxyFor({ upstream, ...NOW, ...TRUSTING, ...retrying({ retryOn: '5xx' }) });
    await ask(proxy, fields('x-envoy-max-retries: 4'));
    expect(upstream.requests).toHaveLength(5);
    expect(upstream.requests[0]?.headers).not.toHaveProperty('x-envoy-max-retries');
  });

  it('nothing when it comes from outside', async () => {
    const { response, upstream } = await firstThenWell(says(503), none, fields('x-envoy-retry-on: 5xx'), {
      internalAddressConfig: undefined,
    });
    expect([response.status, upstream.requests.length]).toEqual([503, 1]);
  });
});

describe('what upstream and client are told', () => {
  const told = {
    includeRequestAttemptCount: true,
    includeAttemptCountInResponse: true,
    includeIsTimeoutRetryHeader: true,
  };

  it('attempts are counted upwards', async () => {
    const { response, upstream } = await firstThenWell(says(503), {}, get('/'), retrying({ retryOn: '5xx' }, told));
    expect(upstream.requests.map(({ headers }) => headers['x-envoy-attempt-count'])).toEqual(['1', '2']);
    expect(upstream.requests.map(({ headers }) => headers['x-envoy-is-timeout-retry'])).toEqual([undefined, 'false']);
    expect(response.headers['x-envoy-attempt-count']).toBe('2');
  });

  it('local replies carry the count too', async () => {
    const proxy = await proxyFor({ upstream: await refusedPort(), ...NOW, ...retrying({ retryOn: '5xx' }, told) });
    expect((await ask(proxy)).headers['x-envoy-attempt-count']).toBe('2');
  });
});

describe('the body', () => {
  const policy = { retryOn: '5xx' };

  it('is sent again, however it came', async () => {
    const upstream = await upstreamOf(sequence(says(503), answer({ body: 'well' })));
    const client = await clientOf(await proxyFor({ upstream, ...NOW, ...retrying(policy) }));
    await client.send('POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await upstream.until(() => upstream.requests[0]?.bodyBytes === 3, 'the first chunk');
    await client.send('3\r\ndef\r\n0\r\n\r\n');
    expect((await client.readResponse()).body).toBe('well');
    expect(upstream.requests.map(({ body }) => body)).toEqual(['abcdef', 'abcdef']);
  });

  it('may still be coming when the retry begins', async () => {
    const upstream = await upstreamOf({
      atHead: true,
      behave: (request, peer) =>
        request.index === 0
          ? says(503, { connection: 'close' })(request, peer)
          : upstream
              .until(() => request.complete, 'all of it')
              .then(() => answer({ body: request.body })(request, peer)),
    });
    const client = await clientOf(await proxyFor({ upstream, ...NOW, ...retrying(policy) }));
    await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc');
    await upstream.untilHeads(2);
    await client.send('def');
    expect((await client.readResponse()).body).toBe('abcdef');
  });

  it('over the limit is not kept: there is no retry, and nothing breaks', async () => {
    const upstream = await upstreamOf({ status: 503, body: 'no' });
    const proxy = await proxyFor({ upstream, ...NOW, ...retrying(policy, { perRequestBufferLimitBytes: 10 }) });
    expect(await ask(proxy, post('/', 'x'.repeat(50)))).toMatchObject({ status: 503, body: 'no' });
    expect(upstream.requests.map(({ bodyBytes }) => bodyBytes)).toEqual([50]);
    expect(proxy.stats('cluster.upstream.retry_or_shadow_abandoned')).toBe(1);
  });

  it('over the limit while no attempt is under way: 507', async () => {
    const upstream = await upstreamOf({ atHead: true, behave: says(503) });
    const { filter, outcomes } = observer();
    const slow = { ...policy, retryBackOff: { baseIntervalMs: 60_000, maxIntervalMs: 60_000 } };
    const proxy = await proxyFor({
      upstream,
      filters: [filter],
      random: () => 0.9,
      ...retrying(slow, { perRequestBufferLimitBytes: 10 }),
    });
    const client = await clientOf(proxy);
    await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc');
    await proxy.untilStat('cluster.upstream.upstream_rq_retry', 1);
    await client.send('x'.repeat(20));
    const text = 'exceeded request buffer limit while retrying upstream';
    expect(await client.readResponse()).toMatchObject({ status: 507, body: text, headers: { connection: 'close' } });
    expect(outcomes[0]).toMatchObject({ flags: '-', details: 'request_payload_exceeded_retry_buffer_limit' });
    expect(proxy.stats('cluster.upstream.circuit_breakers.default.rq_retry_open')).toBe(0);
  });
});

describe('a response that is not wanted', () => {
  it('does not hold its connection: it is closed, as the rest of it would only be in the way', async () => {
    const upstream = await upstreamOf(
      sequence(stall({ status: 503, body: 'x'.repeat(100) }, 80), answer({ body: 'well' })),
    );
    const proxy = await proxyFor({ upstream, ...NOW, ...retrying({ retryOn: '5xx' }) });
    expect((await ask(proxy)).body).toBe('well');
    await upstream.until(() => upstream.openConnections === 1, 'the first connection to close');
    expect(proxy.stats('cluster.upstream.upstream_cx_destroy_local_with_active_rq')).toBe(1);
    expect(proxy.stats('cluster.upstream.upstream_rq_active')).toBe(0);
  });

  it('without a body leaves its connection for others', async () => {
    const { upstream } = await firstThenWell(says(503), { retryOn: '5xx' });
    expect(upstream.peers).toHaveLength(1);
  });

  it('of the last attempt is passed through as it is', async () => {
    const upstream = await upstreamOf({ status: 503, body: ['a', 'b'], headers: { 'x-own': '1' } });
    const proxy = await proxyFor({ upstream, ...NOW, ...retrying({ retryOn: '5xx' }) });
    expect(await ask(proxy)).toMatchObject({ status: 503, body: 'ab', headers: { 'x-own': '1' } });
  });
});

it('a client that goes away during a back-off ends the retry', async () => {
  const upstream = await upstreamOf({ status: 503 });
  const back = { baseIntervalMs: 60_000, maxIntervalMs: 60_000 };
  const proxy = await proxyFor({ upstream, random: () => 0.9, ...retrying({ retryOn: '5xx', retryBackOff: back }) });
  const client = await clientOf(proxy);
  await client.send(get('/'));
  await proxy.untilStat('cluster.upstream.upstream_rq_retry', 1);
  client.reset();
  await proxy.untilStat('http.ingress_http.downstream_rq_active', 0);
  await turns();
  expect(upstream.requests).toHaveLength(1);
});

it('previous_hosts sends the retry to another host', async () => {
  const [bad, good] = [await upstreamOf({ status: 503 }), await upstreamOf({ body: 'well' })];
  const retryHostPredicate = [{ name: 'envoy.retry_host_predicates.previous_hosts', config: {} }];
  const policy = { retryOn: '5xx', retryHostPredicate, hostSelectionRetryMaxAttempts: 3 };
  const proxy = await proxyFor({ upstream: [bad, good], ...NOW, ...retrying(policy) });
  for (let i = 0; i < 6; i++) expect((await ask(proxy)).status).toBe(200);
  expect(bad.requests.length + good.requests.length).toBeLessThanOrEqual(12);
});

it('virtual clusters and routes with stat_prefix count attempts, retries and responses of their own', async () => {
  const upstream = await upstreamOf(sequence(says(503), says(503), answer(), neverAnswer()));
  const match = { headers: [{ name: ':path', stringMatch: { prefix: '/' } }], name: 'all' };
  const routes = [
    route('/', 'upstream', { statPrefix: 'r', route: { retryPolicy: { retryOn: '5xx', numRetries: 1 } } }),
  ];
  const host = virtualHost('v', { domains: ['*'], routes, virtualClusters: [match] as never });
  const proxy = await proxyFor({ upstream, ...NOW, virtualHosts: [host] });
  await ask(proxy);
  for (const prefix of ['vhost.v.vcluster.all', 'vhost.v.route.r']) {
    const stat = (name: string) => proxy.stats(`${prefix}.upstream_rq_${name}`);
    expect([stat('total'), stat('retry'), stat('retry_limit_exceeded'), stat('503')]).toEqual([2, 1, 1, 1]);
  }
});
