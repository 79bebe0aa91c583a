/** A pooled connection that the upstream closes just as it is used: tried again once, where that is safe. */
import { answer, type Behaviour, closeUnanswered, resetAfter, staleKeepAlive } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { clientOf, closeAfterEach, get, observer, post, proxyFor, retrying, turns, upstreamOf } from './fixture.ts';

closeAfterEach();

/** One request has left a connection in the pool; the next one meets it as it goes stale. */
async function stale(behave: Behaviour = staleKeepAlive({ body: 'fresh' }), options: object = {}) {
  const { filter, outcomes } = observer();
  const upstream = await upstreamOf(behave);
  const proxy = await proxyFor({ upstream, filters: [filter], ...options });
  const client = await clientOf(proxy);
  await client.send(get('/first'));
  await client.readResponse();
  await turns();
  return { upstream, proxy, client, outcomes };
}

const put = (body: string) => post('/', body).replace('POST', 'PUT');

describe('a stale connection', () => {
  it.each([
    ['GET', get('/second')],
    ['DELETE', get('/second').replace('GET', 'DELETE')],
    ['PUT with a small body', put('small')],
  ])('costs %s nothing: it is sent once more on a new connection', async (_what, request) => {
    const { upstream, proxy, client } = await stale();
    await client.send(request);
    expect(await client.readResponse()).toMatchObject({ status: 200, body: 'fresh' });
    expect(upstream.requests.map(({ connection }) => connection)).toEqual([0, 0, 1]);
    expect(upstream.requests[2]?.body).toBe(upstream.requests[1]?.body);
    expect(proxy.stats('cluster.upstream.upstream_rq_retry')).toBe(1);
    expect(proxy.stats('cluster.upstream.upstream_rq_retry_success')).toBe(1);
  });

  it('sends the whole body again, however it came', async () => {
    const { upstream, client } = await stale();
    await client.send('PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await upstream.until(() => upstream.requests[1]?.bodyBytes === 3, 'the first chunk');
    await client.send('3\r\ndef\r\n0\r\n\r\n');
    expect(await client.readResponse()).toMatchObject({ status: 200, body: 'fresh' });
    expect(upstream.requests[2]?.body).toBe('abcdef');
  });

  it('is 503 for POST: it may have been looked at', async () => {
    const { upstream, client, outcomes } = await stale();
    await client.send(post('/', 'x'));
    const response = await client.readResponse();
    expect([response.status, response.body]).toEqual([
      503,
      'upstream connect error or disconnect/reset before headers. reset reason: connection termination',
    ]);
    expect(outcomes[1]).toMatchObject({ status: 503, flags: 'UC' });
    expect(upstream.requests).toHaveLength(2);
  });

  it('is 503 for a PUT whose body is too large to be kept', async () => {
    const { upstream, client } = await stale();
    await client.send(put('x'.repeat(200_000)));
    expect((await client.readResponse()).status).toBe(503);
    expect(upstream.requests).toHaveLength(2);
  });

  it('is tried again once, not for ever', async () => {
    const { upstream, client } = await stale((request, peer) =>
      request.index === 0 ? answer()(request, peer) : closeUnanswered()(request, peer),
    );
    await client.send(get('/'));
    const response = await client.readResponse();
    expect([response.status, response.body]).toEqual([
      503,
      'upstream connect error or disconnect/reset before headers. retried and the latest reset reason: connection termination',
    ]);
    expect(upstream.requests).toHaveLength(3);
  });

  it.each(['connect-failure', 'reset-before-request', 'retriable-4xx'])(
    'is 503 for POST also with %s: the request had been sent',
    async (retryOn) => {
      const { upstream, client } = await stale(staleKeepAlive({ body: 'fresh' }), retrying({ retryOn }));
      await client.send(post('/', 'x'));
      expect((await client.readResponse()).status).toBe(503);
      expect(upstream.requests).toHaveLength(2);
    },
  );

  it('is left to a retry policy that covers it, for every method', async () => {
    const { upstream, client, proxy } = await stale(staleKeepAlive({ body: 'fresh' }), retrying({ retryOn: 'reset' }));
    await client.send(post('/', 'x'));
    expect((await client.readResponse()).body).toBe('fresh');
    expect(upstream.requests).toHaveLength(3);
    expect(proxy.stats('cluster.upstream.upstream_rq_retry_backoff_exponential')).toBe(1);
  });

  it('costs GET nothing though its policy is for something else', async () => {
    const { client, proxy } = await stale(staleKeepAlive({ body: 'fresh' }), retrying({ retryOn: 'retriable-4xx' }));
    await client.send(get('/'));
    expect((await client.readResponse()).body).toBe('fresh');
    expect(proxy.stats('cluster.upstream.upstream_rq_retry_backoff_exponential')).toBe(0);
  });

  it('that was noticed while idle is not used at all', async () => {
    const { upstream, proxy, client } = await stale(answer({ body: 'x' }));
    upstream.closeIdle();
    await proxy.untilStat('cluster.upstream.upstream_cx_active', 0);
    await client.send(post('/', 'y'));
    expect((await client.readResponse()).status).toBe(200);
    expect(proxy.stats('cluster.upstream.upstream_rq_retry')).toBe(0);
  });
});

it.each([
  ['a new connection that closes', closeUnanswered(), 503],
  ['a response that has begun', resetAfter({ body: 'x' }, 10), 502],
])('%s is not tried again', async (_what, behave, status) => {
  const upstream = await upstreamOf(behave);
  const client = await clientOf(await proxyFor({ upstream }));
  await client.send(get('/'));
  expect((await client.readResponse()).status).toBe(status);
  expect(upstream.requests).toHaveLength(1);
});
