/** Every deadline of a stream and of a connection, on virtual time: not early, and at most two ticks late. */
import { route } from '@mesh/core';
import { answer, neverAnswer, stall, truncate, VirtualClock } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { clientOf, closeAfterEach, get, observer, proxyFor, turns, upstreamOf } from './fixture.ts';
import { expectedMs } from './timeouts.ts';

closeAfterEach();

const LATE_MS = 16;
const HALF_POST = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345';

async function silent(options: Parameters<typeof proxyFor>[0] = {}, behave = neverAnswer()) {
  const clock = new VirtualClock();
  const { filter, outcomes } = observer();
  const upstream = await upstreamOf({ behave });
  const proxy = await proxyFor({ upstream, clock, filters: [filter], ...options });
  return { clock, outcomes, upstream, proxy, client: await clientOf(proxy) };
}

/** Nothing happens before `ms`, and something soon after. */
async function expectSilenceUntil(
  clock: VirtualClock,
  ms: number,
  client: { readonly bytesRead: number },
): Promise<void> {
  const before = client.bytesRead;
  clock.advance(ms - 1);
  await turns();
  expect(client.bytesRead).toBe(before);
  clock.advance(1 + LATE_MS);
}

describe('the route timeout', () => {
  it('answers 504 `upstream request timeout`, UT, and gives the upstream up', async () => {
    const { clock, outcomes, upstream, proxy, client } = await silent();
    await client.send(get('/'));
    await upstream.untilRequests(1);
    await expectSilenceUntil(clock, 15_000, client);
    expect(await client.readResponse()).toMatchObject({ status: 504, body: 'upstream request timeout' });
    expect(outcomes).toEqual([{ status: 504, flags: 'UT', details: 'response_timeout' }]);
    await upstream.until(() => upstream.openConnections === 0, 'the upstream connection to close');
    expect(proxy.stats('cluster.upstream.upstream_rq_timeout')).toBe(1);
    expect(proxy.stats('cluster.upstream.upstream_rq_504')).toBe(1);
  });

  it('can be set, and switched off', async () => {
    const routes = [
      route('/short', 'upstream', { route: { timeoutMs: 200 } }),
      route('/', 'upstream', { route: { timeoutMs: 0 } }),
    ];
    const { clock, upstream, proxy, client } = await silent({ routes });
    const other = await clientOf(proxy);
    await client.send(get('/short'));
    await other.send(get('/long'));
    await upstream.untilRequests(2);
    await expectSilenceUntil(clock, 200, client);
    expect((await client.readResponse()).status).toBe(504);
    clock.advance(200_000);
    await turns();
    expect(other.bytesRead).toBe(0);
  });

  it('counts from the end of the request', async () => {
    const { clock, upstream, client } = await silent();
    await client.send(HALF_POST);
    await upstream.untilHeads(1);
    clock.advance(100_000);
    await client.send('67890');
    await upstream.untilRequests(1);
    await expectSilenceUntil(clock, 15_000, client);
    expect((await client.readResponse()).status).toBe(504);
  });

  it('resets a response that has begun', async () => {
    const { clock, outcomes, client } = await silent({}, stall({ body: '0123456789' }, 45));
    await client.send(get('/'));
    await client.readUntil('\r\n\r\n');
    clock.advance(15_000 + LATE_MS);
    client.end();
    await client.closed;
    expect(client.received).not.toContain('0\r\n\r\n');
    expect(outcomes).toEqual([{ status: 200, flags: 'UT', details: 'response_timeout' }]);
  });

  it('is over with the response: the connection lives on', async () => {
    const { clock, client } = await silent({}, answer({ body: 'x' }));
    await client.send(get('/'));
    await client.readResponse();
    clock.advance(60_000);
    await client.send(get('/'));
    expect((await client.readResponse()).body).toBe('x');
  });
});

describe('the stream idle timeout', () => {
  it('answers 408 while the request is incomplete, SI', async () => {
    const { clock, outcomes, upstream, proxy, client } = await silent({ streamIdleTimeoutMs: 1000 });
    await client.send(HALF_POST);
    await upstream.untilHeads(1);
    await expectSilenceUntil(clock, 1000, client);
    expect(await client.readResponse()).toMatchObject({ status: 408, body: 'stream timeout' });
    expect(outcomes).toEqual([{ status: 408, flags: 'SI', details: 'stream_idle_timeout' }]);
    expect(proxy.stats('http.ingress_http.downstream_rq_idle_timeout')).toBe(1);
  });

  it('answers 504 once the request is complete', async () => {
    const { clock, upstream, client } = await silent({ streamIdleTimeoutMs: 1000 });
    await client.send(get('/'));
    await upstream.untilRequests(1);
    await expectSilenceUntil(clock, 1000, client);
    expect(await client.readResponse()).toMatchObject({ status: 504, body: 'stream timeout' });
  });

  it('starts again with every byte', async () => {
    const { clock, upstream, client } = await silent({ streamIdleTimeoutMs: 1000 });
    await client.send(HALF_POST);
    for (let i = 1; i <= 4; i++) {
      await upstream.until(() => upstream.requests[0]?.bodyBytes === 4 + i, `byte ${4 + i}`);
      clock.advance(900);
      await client.send('x');
    }
    await turns();
    expect(client.bytesRead).toBe(0);
    await expectSilenceUntil(clock, 1000, client);
    expect((await client.readResponse()).status).toBe(408);
  });

  it('resets a response that has begun', async () => {
    const { clock, outcomes, client } = await silent({ streamIdleTimeoutMs: 1000 }, stall({ body: '0123456789' }, 45));
    await client.send(get('/'));
    await client.readUntil('\r\n\r\n');
    clock.advance(1000 + LATE_MS);
    client.end();
    await client.closed;
    expect(outcomes[0]).toMatchObject({ flags: 'SI', details: 'stream_idle_timeout' });
  });

  it('of the route replaces it, 0 switches it off', async () => {
    const routes = [route('/', 'upstream', { route: { timeoutMs: 0, idleTimeoutMs: 0 } })];
    const { clock, upstream, client } = await silent({ streamIdleTimeoutMs: 1000, routes });
    await client.send(get('/'));
    await upstream.untilRequests(1);
    clock.advance(1_000_000);
    await turns();
    expect(client.bytesRead).toBe(0);
  });
});

it('the request timeout answers 408 when the whole request takes too long', async () => {
  const { clock, outcomes, upstream, proxy, client } = await silent({ requestTimeoutMs: 2000 });
  await client.send(HALF_POST);
  await upstream.untilHeads(1);
  await expectSilenceUntil(clock, 2000, client);
  expect(await client.readResponse()).toMatchObject({ status: 408, body: 'request timeout' });
  expect(outcomes).toEqual([{ status: 408, flags: '-', details: 'request_overall_timeout' }]);
  expect(proxy.stats('http.ingress_http.downstream_rq_timeout')).toBe(1);
});

it('the request timeout is over with the request', async () => {
  const { clock, upstream, client } = await silent({ requestTimeoutMs: 2000 });
  await client.send(get('/'));
  await upstream.untilRequests(1);
  clock.advance(10_000);
  await turns();
  expect(client.bytesRead).toBe(0);
});

it('the request header timeout answers 408 and closes', async () => {
  const { clock, proxy, client } = await silent({ requestHeadersTimeoutMs: 500 });
  await client.send('GET / HTTP/1.1\r\nhost: a\r\nx-slow: ');
  await turns();
  await expectSilenceUntil(clock, 500, client);
  expect(await client.readResponse()).toMatchObject({ status: 408, body: 'request header timeout' });
  expect((await client.readToEnd()).length).toBe(0);
  client.end();
  await proxy.untilStat('http.ingress_http.downstream_cx_active', 0);
  expect(proxy.stats('http.ingress_http.downstream_rq_header_timeout')).toBe(1);
});

it('a head that stays unfinished meets the stream idle timeout, when that is shorter or the only one', async () => {
  for (const options of [{ streamIdleTimeoutMs: 700 }, { streamIdleTimeoutMs: 700, requestHeadersTimeoutMs: 800 }]) {
    const { clock, proxy, client } = await silent(options);
    await client.send('GET / HT');
    await turns();
    await expectSilenceUntil(clock, 700, client);
    expect(await client.readResponse()).toMatchObject({ status: 408, body: 'stream timeout' });
    expect((await client.readToEnd()).length).toBe(0);
    expect(proxy.stats('http.ingress_http.downstream_rq_idle_timeout')).toBe(1);
  }
});

it('the request header timeout begins with the first byte of a head, not with the connection', async () => {
  const { clock, client } = await silent({ requestHeadersTimeoutMs: 500 }, answer({ body: 'x' }));
  clock.advance(5000);
  await client.send(get('/'));
  expect((await client.readResponse()).body).toBe('x');
});

it('the max stream duration answers 504, or 408 while the request is incomplete', async () => {
  const { clock, outcomes, upstream, proxy, client } = await silent({
    commonHttpProtocolOptions: { maxStreamDurationMs: 3000 } as never,
  });
  const other = await clientOf(proxy);
  await client.send(get('/'));
  await other.send(HALF_POST);
  await upstream.untilHeads(2);
  await expectSilenceUntil(clock, 3000, client);
  expect(await client.readResponse()).toMatchObject({ status: 504, body: 'downstream duration timeout' });
  expect(await other.readResponse()).toMatchObject({ status: 408, body: 'downstream duration timeout' });
  expect(outcomes.map(({ details }) => details)).toEqual(['max_duration_timeout', 'max_duration_timeout']);
  expect(proxy.stats('http.ingress_http.downstream_rq_max_duration_reached')).toBe(2);
});

describe('connections', () => {
  it('are closed after their idle timeout, and only idle ones', async () => {
    const { clock, proxy, client } = await silent(
      { commonHttpProtocolOptions: { idleTimeoutMs: 10_000 } as never },
      answer(),
    );
    await client.send(get('/'));
    await client.readResponse();
    clock.advance(9_999);
    await client.send(get('/'));
    await client.readResponse();
    clock.advance(9_999);
    await turns();
    expect(client.peerEnded).toBe(false);
    clock.advance(1 + LATE_MS);
    await turns();
    // A request may be on its way: the connection gets `drain_timeout` (5 s) to take it.
    expect([client.peerEnded, proxy.stats('http.ingress_http.downstream_cx_idle_timeout')]).toEqual([false, 1]);
    clock.advance(5000 + LATE_MS);
    await client.readToEnd();
  });

  it('that the client does not close are cut after the delayed close timeout', async () => {
    const { clock, proxy, client } = await silent({}, answer());
    await client.send(get('/', 'connection: close\r\n'));
    await client.readResponse();
    await client.readToEnd();
    expect(proxy.stats('http.ingress_http.downstream_cx_active')).toBe(1);
    clock.advance(1000 + LATE_MS);
    await proxy.untilStat('http.ingress_http.downstream_cx_active', 0);
    expect(proxy.stats('http.ingress_http.downstream_cx_delayed_close_timeout')).toBe(1);
  });

  it('older than max_connection_duration finish their request, say close, and go', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { clock, upstream, proxy, client } = await silent(
      { commonHttpProtocolOptions: { maxConnectionDurationMs: 5000 } as never },
      async (request, peer) => {
        await gate;
        await answer({ body: 'x' })(request, peer);
      },
    );
    const idle = await clientOf(proxy);
    await client.send(get('/'));
    await upstream.untilRequests(1);
    await proxy.untilStat('http.ingress_http.downstream_cx_active', 2);
    clock.advance(5000 + LATE_MS);
    await idle.readToEnd();
    release();
    expect((await client.readResponse()).headers.connection).toBe('close');
    await client.readToEnd();
    expect(proxy.stats('http.ingress_http.downstream_cx_max_duration_reached')).toBe(2);
  });

  it('to the upstream are closed after their idle timeout', async () => {
    const { clock, upstream, proxy, client } = await silent(
      { cluster: { commonHttpProtocolOptions: { idleTimeoutMs: 4000 } as never } },
      answer(),
    );
    await client.send(get('/'));
    await client.readResponse();
    await turns();
    clock.advance(3_900);
    await turns();
    expect(upstream.openConnections).toBe(1);
    clock.advance(100 + LATE_MS);
    await upstream.until(() => upstream.openConnections === 0, 'the idle connection to close');
    expect(proxy.stats('cluster.upstream.upstream_cx_idle_timeout')).toBe(1);
  });
});

it('a truncated head does not wait for a timeout', async () => {
  const { client } = await silent({}, truncate({}, 5));
  await client.send(get('/'));
  expect((await client.readResponse()).status).toBe(502);
});

describe('expectedMs', () => {
  it.each([
    [{ timeoutMs: 0, perTryMs: 0, hedge: false }, 0, 0],
    [{ timeoutMs: 0, perTryMs: 50, hedge: false }, 9999, 50],
    [{ timeoutMs: 0, perTryMs: 50, hedge: true }, 0, 0],
    [{ timeoutMs: 1000, perTryMs: 0, hedge: false }, 0, 1000],
    [{ timeoutMs: 1000, perTryMs: 0, hedge: false }, 400, 600],
    [{ timeoutMs: 1000, perTryMs: 200, hedge: false }, 400, 200],
    [{ timeoutMs: 1000, perTryMs: 200, hedge: false }, 900, 100],
    [{ timeoutMs: 1000, perTryMs: 200, hedge: true }, 400, 600],
    [{ timeoutMs: 1000, perTryMs: 200, hedge: false }, 1000, 1],
    [{ timeoutMs: 1000, perTryMs: 200, hedge: false }, 2000, 1],
  ])('of %j after %i ms is %i', (limits, elapsedMs, expected) => {
    expect(expectedMs(limits, elapsedMs)).toBe(expected);
  });
});
