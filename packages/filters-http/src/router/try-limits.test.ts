/** Limits of single attempts, back-offs and hedging, on virtual time: not early, and at most two ticks late. */
import type { Clock } from '@mesh/core';
import { answer, type Behaviour, neverAnswer, sequence, VirtualClock } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import {
  clientOf,
  closeAfterEach,
  get,
  observer,
  post,
  proxyFor,
  retrying,
  routed,
  TRUSTING,
  turns,
  upstreamOf,
} from './fixture.ts';

closeAfterEach();

const LATE_MS = 16;

type Options = Parameters<typeof proxyFor>[0];

async function started(behave: Behaviour, options: Options, request = get('/'), random = 0) {
  const clock = new VirtualClock();
  const { filter, outcomes } = observer();
  const upstream = await upstreamOf({ behave });
  const proxy = await proxyFor({ upstream, clock, filters: [filter], random: () => random, ...TRUSTING, ...options });
  const client = await clientOf(proxy);
  await client.send(request);
  await upstream.untilRequests(1);
  await turns();
  return { clock, outcomes, upstream, proxy, client };
}

/** Nothing is sent upstream before `ms`, and the next attempt soon after. */
async function nextAttempt(rig: Awaited<ReturnType<typeof started>>, ms: number): Promise<void> {
  const before = rig.upstream.requests.length;
  rig.clock.advance(ms - 1);
  await turns();
  expect(rig.upstream.requests.length).toBe(before);
  rig.clock.advance(1 + LATE_MS);
  await rig.upstream.untilRequests(before + 1);
  await turns();
}

describe('per_try_timeout', () => {
  const policy = { retryOn: '5xx', numRetries: 1, perTryTimeoutMs: 200 };

  it('ends the attempt and begins another, then answers 504, URX,UT', async () => {
    const rig = await started(neverAnswer(), retrying(policy, { includeIsTimeoutRetryHeader: true }));
    await nextAttempt(rig, 200);
    rig.clock.advance(200 + LATE_MS);
    expect(await rig.client.readResponse()).toMatchObject({ status: 504, body: 'upstream request timeout' });
    expect(rig.outcomes).toEqual([{ status: 504, flags: 'URX,UT', details: 'upstream_per_try_timeout' }]);
    expect(rig.proxy.stats('cluster.upstream.upstream_rq_per_try_timeout')).toBe(2);
    expect(rig.proxy.stats('cluster.upstream.upstream_rq_timeout')).toBe(0);
    expect(rig.upstream.requests[1]?.headers['x-envoy-is-timeout-retry']).toBe('true');
    await rig.upstream.until(() => rig.upstream.openConnections === 0, 'both connections to close');
  });

  it('without retries left or wanted is a 504 at once', async () => {
    const { clock, client, outcomes } = await started(
      neverAnswer(),
      retrying({ ...policy, retryOn: 'connect-failure' }),
    );
    clock.advance(200 + LATE_MS);
    expect((await client.readResponse()).status).toBe(504);
    expect(outcomes[0]).toMatchObject({ flags: 'UT', details: 'upstream_per_try_timeout' });
  });

  it('that is not shorter than the timeout does not count', async () => {
    const { clock, upstream, client, outcomes } = await started(
      neverAnswer(),
      retrying(policy, {}, { timeoutMs: 200 }),
    );
    clock.advance(200 + LATE_MS);
    expect((await client.readResponse()).status).toBe(504);
    expect([outcomes[0]?.details, upstream.requests.length]).toEqual(['response_timeout', 1]);
  });

  it('starts with the end of the request', async () => {
    const clock = new VirtualClock();
    const upstream = await upstreamOf({ behave: neverAnswer() });
    const proxy = await proxyFor({ upstream, clock, ...retrying({ ...policy, numRetries: 0 }) });
    const client = await clientOf(proxy);
    await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nx');
    await upstream.untilHeads(1);
    clock.advance(10_000);
    await turns();
    expect(client.bytesRead).toBe(0);
    await client.send('y');
    await upstream.untilRequests(1);
    await turns();
    clock.advance(200 + LATE_MS);
    expect((await client.readResponse()).status).toBe(504);
  });

  it('can be asked for by a request', async () => {
    const fields = 'x-envoy-upstream-rq-per-try-timeout-ms: 50\r\n';
    const { clock, client, upstream } = await started(neverAnswer(), routed({}), get('/', fields));
    clock.advance(50 + LATE_MS);
    expect((await client.readResponse()).status).toBe(504);
    expect(upstream.requests[0]?.headers).not.toHaveProperty('x-envoy-upstream-rq-per-try-timeout-ms');
  });
});

describe('per_try_idle_timeout', () => {
  const policy = { retryOn: '5xx', numRetries: 1, perTryIdleTimeoutMs: 200 };

  it('ends an attempt that is silent', async () => {
    const rig = await started(neverAnswer(), retrying(policy));
    await nextAttempt(rig, 200);
    rig.clock.advance(200 + LATE_MS);
    expect((await rig.client.readResponse()).status).toBe(504);
    expect(rig.outcomes[0]).toMatchObject({ flags: 'URX,UT', details: 'upstream_per_try_idle_timeout' });
    expect(rig.proxy.stats('cluster.upstream.upstream_rq_per_try_idle_timeout')).toBe(2);
  });

  it('starts again with every byte, and cuts a response that stops', async () => {
    let more = () => {};
    const upstreamSays: Behaviour = async (_request, peer) => {
      await peer.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n');
      more = () => void peer.write('x');
      await peer.untilClosed();
    };
    const { clock, client, outcomes } = await started(upstreamSays, retrying(policy));
    await client.readUntil('\r\n\r\n');
    for (let i = 1; i <= 3; i++) {
      clock.advance(150);
      more();
      await client.read(1);
    }
    clock.advance(200 + LATE_MS);
    client.end();
    await client.closed;
    expect(outcomes[0]).toMatchObject({ status: 200, flags: 'UT', details: 'upstream_per_try_idle_timeout' });
  });
});

describe('back-off', () => {
  it('is random below a bound that doubles up to the maximum', async () => {
    const retryBackOff = { baseIntervalMs: 100, maxIntervalMs: 300 };
    const policy = retrying({ retryOn: '5xx', numRetries: 4, retryBackOff });
    const rig = await started(answer({ status: 503 }), policy, get('/'), 0.99);
    for (const ms of [99, 198, 297, 297]) await nextAttempt(rig, ms);
    expect((await rig.client.readResponse()).status).toBe(503);
  });

  it('is 25 ms doubled up to 250 ms when nothing is configured', async () => {
    const policy = retrying({ retryOn: '5xx', numRetries: 6 });
    const rig = await started(answer({ status: 503 }), policy, get('/'), 0.999_99);
    for (const ms of [24, 49, 99, 199, 249, 249]) await nextAttempt(rig, ms);
    expect(rig.proxy.stats('cluster.upstream.upstream_rq_retry_backoff_exponential')).toBe(6);
  });

  it.each([
    ['SECONDS', '2', 2000],
    ['UNIX_TIMESTAMP', String(Date.UTC(2026, 0, 1) / 1000 + 3), 3000],
  ])('follows the upstream by %s', async (format, value, ms) => {
    const rateLimitedRetryBackOff = { resetHeaders: [{ name: 'x-reset', format }], maxIntervalMs: 10_000 };
    const first = answer({ status: 503, headers: { 'x-reset': value } });
    const policy = retrying({ retryOn: '5xx', rateLimitedRetryBackOff });
    const rig = await started(sequence(first, answer({ body: 'well' })), policy);
    await nextAttempt(rig, ms);
    expect((await rig.client.readResponse()).body).toBe('well');
    expect(rig.proxy.stats('cluster.upstream.upstream_rq_retry_backoff_ratelimited')).toBe(1);
  });

  it('does not follow it beyond max_interval', async () => {
    const rateLimitedRetryBackOff = { resetHeaders: [{ name: 'x-reset', format: 'SECONDS' }], maxIntervalMs: 10_000 };
    const first = answer({ status: 503, headers: { 'x-reset': '11' } });
    const policy = retrying({ retryOn: '5xx', rateLimitedRetryBackOff });
    const rig = await started(sequence(first, answer({ body: 'well' })), policy, get('/'), 0.8);
    await nextAttempt(rig, 20);
    expect((await rig.client.readResponse()).body).toBe('well');
  });

  it('counts towards the timeout', async () => {
    const retryBackOff = { baseIntervalMs: 1000, maxIntervalMs: 1000 };
    const policy = retrying({ retryOn: '5xx', retryBackOff }, {}, { timeoutMs: 500 });
    const { clock, client, outcomes, upstream } = await started(answer({ status: 503 }), policy, get('/'), 0.99);
    clock.advance(500 + LATE_MS);
    expect(await client.readResponse()).toMatchObject({ status: 504, body: 'upstream request timeout' });
    expect(outcomes[0]?.flags).toBe('UT');
    clock.advance(10_000);
    await turns();
    expect(upstream.requests).toHaveLength(1);
  });

  it('shortens what the upstream is told to have left', async () => {
    const retryBackOff = { baseIntervalMs: 1000, maxIntervalMs: 1000 };
    const policy = retrying({ retryOn: '5xx', retryBackOff }, {}, { timeoutMs: 5000 });
    const rig = await started(answer({ status: 503 }), policy, get('/'), 0.9);
    await nextAttempt(rig, 900);
    const told = rig.upstream.requests.map(({ headers }) => Number(headers['x-envoy-expected-rq-timeout-ms']));
    expect(told[0]).toBe(5000);
    expect(told[1]).toBeLessThanOrEqual(4100);
    expect(told[1]).toBeGreaterThanOrEqual(4100 - LATE_MS);
  });
});

describe('hedging', () => {
  const hedged = (policy: object = {}) =>
    retrying(
      { retryOn: '5xx', numRetries: 2, perTryTimeoutMs: 200, ...policy },
      {},
      {
        hedgePolicy: { hedgeOnPerTryTimeout: true },
      },
    );

  /** Each request waits until it is let go. */
  function gated() {
    const gates: (() => void)[] = [];
    const behave: Behaviour = async (request, peer) => {
      await Promise.race([new Promise<void>((resolve) => gates.push(resolve)), peer.untilClosed()]);
      if (!peer.closed)
        await answer({ status: statuses[request.index] ?? 200, body: `${request.index}` })(request, peer);
    };
    const statuses: number[] = [];
    return { gates, behave, statuses };
  }

  it('starts another attempt beside a slow one; the first good response wins, the others are reset', async () => {
    const { gates, behave } = gated();
    const rig = await started(behave, hedged());
    await nextAttempt(rig, 200);
    await nextAttempt(rig, 200);
    expect(rig.upstream.openConnections).toBe(3);
    gates[0]?.();
    expect(await rig.client.readResponse()).toMatchObject({ status: 200, body: '0' });
    expect(rig.outcomes).toEqual([{ status: 200, flags: '-', details: 'via_upstream' }]);
    await rig.upstream.until(() => rig.upstream.openConnections === 1, 'the losers to be reset');
    expect(rig.proxy.stats('cluster.upstream.upstream_rq_per_try_timeout')).toBe(0);
    expect(rig.proxy.stats('cluster.upstream.upstream_rq_active')).toBe(0);
    expect(rig.proxy.stats('cluster.upstream.circuit_breakers.default.rq_retry_open')).toBe(0);
  });

  it('waits for the others when a bad response comes first', async () => {
    const { gates, behave, statuses } = gated();
    statuses[0] = 503;
    const rig = await started(behave, hedged({ numRetries: 1 }));
    await nextAttempt(rig, 200);
    gates[0]?.();
    await turns();
    expect(rig.client.bytesRead).toBe(0);
    gates[1]?.();
    expect(await rig.client.readResponse()).toMatchObject({ status: 200, body: '1' });
  });

  it('sends the whole body with every attempt, or starts none', async () => {
    const { behave } = gated();
    const rig = await started(behave, hedged({ numRetries: 1 }), post('/', 'all of it'));
    await nextAttempt(rig, 200);
    expect(rig.upstream.requests.map(({ body }) => body)).toEqual(['all of it', 'all of it']);
    const off = hedged({ retriableRequestHeaders: [{ name: 'x-may', presentMatch: true }] });
    const other = await started(gated().behave, off, post('/', 'all of it'));
    other.clock.advance(1000);
    await turns();
    expect(other.upstream.requests).toHaveLength(1);
  });

  it('is over with the timeout: every attempt is ended', async () => {
    const { behave } = gated();
    const rig = await started(behave, hedged({ numRetries: 1 }));
    await nextAttempt(rig, 200);
    rig.clock.advance(15_000);
    expect((await rig.client.readResponse()).status).toBe(504);
    expect(rig.outcomes[0]).toMatchObject({ flags: 'URX,UT', details: 'response_timeout' });
    expect(rig.proxy.stats('cluster.upstream.upstream_rq_timeout')).toBe(2);
    await rig.upstream.until(() => rig.upstream.openConnections === 0, 'all attempts to end');
  });

  it.each([
    ['true', 2],
    ['false', 2],
  ])('can be asked for by a request: %s', async (value) => {
    const { behave } = gated();
    const request = get('/', `x-envoy-hedge-on-per-try-timeout: ${value}\r\n`);
    const policy = { retryOn: '5xx', numRetries: 1, perTryTimeoutMs: 200 };
    const hedgePolicy = { hedgeOnPerTryTimeout: value === 'false' };
    const rig = await started(behave, retrying(policy, {}, { hedgePolicy }), request);
    await nextAttempt(rig, 200);
    await turns();
    expect(rig.upstream.openConnections).toBe(value === 'true' ? 2 : 1);
  });
});

describe('max_stream_duration of the cluster', () => {
  const limited = { cluster: { commonHttpProtocolOptions: { maxStreamDurationMs: 300 } as never } };

  it('answers 504, UMSDR; 408 while the request is incomplete', async () => {
    const { clock, client, outcomes, proxy, upstream } = await started(neverAnswer(), limited);
    const other = await clientOf(proxy);
    await other.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nx');
    await upstream.untilHeads(2);
    await turns();
    clock.advance(300 + LATE_MS);
    const text = 'upstream max stream duration reached';
    expect(await client.readResponse()).toMatchObject({ status: 504, body: text });
    expect(await other.readResponse()).toMatchObject({ status: 408, body: text });
    const details = 'upstream_max_stream_duration_reached';
    expect(outcomes[0]).toEqual({ status: 504, flags: 'UMSDR', details });
    expect(proxy.stats('cluster.upstream.upstream_rq_max_duration_reached')).toBe(2);
  });

  it('is a reset for retries', async () => {
    const rig = await started(neverAnswer(), { ...limited, ...retrying({ retryOn: 'reset' }) });
    await nextAttempt(rig, 300);
  });

  it('can be asked for by a request', async () => {
    const request = get('/', 'x-envoy-upstream-stream-duration-ms: 40\r\n');
    const { clock, client, upstream } = await started(neverAnswer(), {}, request);
    clock.advance(40 + LATE_MS);
    expect((await client.readResponse()).status).toBe(504);
    expect(upstream.requests[0]?.headers).not.toHaveProperty('x-envoy-upstream-stream-duration-ms');
  });
});

describe('the timeout', () => {
  it('can be asked for by a request, and answered with 204', async () => {
    const fields = 'x-envoy-upstream-rq-timeout-ms: 70\r\nx-envoy-upstream-rq-timeout-alt-response: 1\r\n';
    const { clock, client, upstream, outcomes } = await started(neverAnswer(), {}, get('/', fields));
    expect(upstream.requests[0]?.headers['x-envoy-expected-rq-timeout-ms']).toBe('70');
    clock.advance(70 + LATE_MS);
    expect(await client.readResponse()).toMatchObject({ status: 204, body: '' });
    expect(outcomes[0]).toMatchObject({ flags: 'UT', details: 'response_timeout' });
  });

  it('does not move when the calendar jumps', async () => {
    class JumpingClock extends VirtualClock {
      jumpMs = 0;
      override wallMs(): number {
        return super.wallMs() + this.jumpMs;
      }
    }
    for (const jumpMs of [-86_400_000, 86_400_000]) {
      const clock = new JumpingClock();
      const upstream = await upstreamOf({ behave: neverAnswer() });
      const proxy = await proxyFor({ upstream, clock: clock as Clock, ...routed({ timeoutMs: 1000 }) });
      const client = await clientOf(proxy);
      await client.send(post('/', 'x'));
      await upstream.untilRequests(1);
      await turns();
      clock.jumpMs = jumpMs;
      clock.advance(999);
      await turns();
      expect(client.bytesRead).toBe(0);
      clock.advance(1 + LATE_MS);
      expect((await client.readResponse()).status).toBe(504);
    }
  });
});
