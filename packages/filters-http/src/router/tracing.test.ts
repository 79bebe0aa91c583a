/** Spans of whole exchanges, their attempts and copies, as Envoy 1.40 makes them. */
import { cluster, route } from '@mesh/core';
import {
  answer,
  closeUnanswered,
  neverAnswer,
  refusedPort,
  type StartProxyOptions,
  sequence,
  truncate,
  VirtualClock,
} from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { router } from '../index.ts';
import { ask, attemptTags, clientOf, closeAfterEach, get, post, SPAWN, traced, turns, upstreamOf } from './fixture.ts';

closeAfterEach();

describe('span of an exchange', () => {
  it('has the tags of Envoy', async () => {
    const upstream = await upstreamOf(answer({ body: 'hello' }));
    const { proxy, traces } = await traced({ upstream, cluster: { altStatName: 'alt' } });
    await ask(proxy, post('/a?b', '12345', 'user-agent: ua\r\nx-client-trace-id: c\r\n'));
    const [span] = traces.spans;
    expect(span).toMatchObject({ name: 'a', kind: 'server', parentId: '', sampled: true, annotations: [] });
    const id = span?.tags['guid:x-request-id'];
    expect(span?.tags).toEqual({
      'guid:x-request-id': expect.stringMatching(/^.{14}b.{21}$/),
      'http.url': 'http://a/a?b',
      'http.method': 'POST',
      downstream_cluster: '-',
      user_agent: 'ua',
      'http.protocol': 'HTTP/1.1',
      'peer.address': '127.0.0.1',
      'guid:x-client-trace-id': 'c',
      request_size: '5',
      response_size: '5',
      component: 'proxy',
      upstream_cluster: 'upstream',
      'upstream_cluster.name': 'alt',
      'http.status_code': '200',
      response_flags: '-',
    });
    expect(upstream.requests[0]?.headers).toMatchObject({
      'x-request-id': id,
      traceparent: `00-${span?.traceId}-${span?.spanId}-01`,
    });
  });

  it.each<[string, StartProxyOptions, string, object]>([
    [
      'direct response',
      { routes: [route('/', undefined, { directResponse: { status: 503 } as never })] },
      '/',
      { 'http.status_code': '503', error: 'true', response_flags: '-' },
    ],
    ['no route', { routes: [route('/only', 'upstream')] }, '/', { 'http.status_code': '404', response_flags: 'NR' }],
    [
      'no host',
      { clusters: [cluster('none', { endpoints: [] })], routes: [route('/', 'none')] },
      '/',
      { upstream_cluster: 'none', response_flags: 'UH', error: 'true' },
    ],
  ])('%s', async (_name, options, path, tags) => {
    const { proxy, traces } = await traced({ upstream: await refusedPort(), ...options });
    await ask(proxy, get(path));
    expect(traces.spans).toHaveLength(1);
    expect(traces.spans[0]?.tags).toMatchObject(tags);
  });

  it('tells of a client that went away, and is not counted', async () => {
    const upstream = await upstreamOf(neverAnswer());
    const { proxy, traces, count } = await traced({ upstream }, SPAWN);
    const client = await clientOf(proxy);
    await client.send(get('/'));
    await upstream.untilRequests(1);
    client.socket.resetAndDestroy();
    await proxy.untilStat('http.ingress_http.downstream_rq_active', 0);
    expect(traces.spans.at(-1)?.tags).toMatchObject({ 'http.status_code': '0', response_flags: 'DC', error: 'true' });
    expect(attemptTags(traces.spans)).toMatchObject([{ 'http.status_code': '0', canceled: 'true', error: 'true' }]);
    expect(count('random_sampling')).toBe(0);
  });

  it('of gRPC has its tags; only failures of the server are errors', async () => {
    const grpc = (status: string) =>
      answer({ headers: { 'content-type': 'application/grpc', 'grpc-status': status, 'grpc-message': 'm' } });
    const upstream = await upstreamOf(sequence(grpc('5'), grpc('14')));
    const { proxy, traces } = await traced({ upstream });
    const request = post('/S/M', '', 'content-type: application/grpc\r\ngrpc-timeout: 5S\r\n');
    await ask(proxy, request);
    await ask(proxy, request);
    const [notFound, unavailable] = traces.spans;
    expect(notFound?.tags).toMatchObject({
      'grpc.path': '/S/M',
      'grpc.authority': 'a',
      'grpc.content_type': 'application/grpc',
      'grpc.timeout': '5S',
      'grpc.status_code': '5',
      'grpc.message': 'm',
    });
    expect(notFound?.tags.error).toBeUndefined();
    expect(unavailable?.tags).toMatchObject({ 'grpc.status_code': '14', error: 'true' });
  });

  it('that is not sampled travels on and has no tags', async () => {
    const upstream = await upstreamOf(answer());
    const { proxy, traces, count } = await traced({ upstream }, { ...SPAWN, randomSampling: 0 });
    await ask(proxy);
    expect(traces.spans).toEqual([]);
    expect(traces.unsampled).toMatchObject([{ tags: {} }]);
    expect(upstream.requests[0]?.headers.traceparent).toMatch(/-00$/);
    expect(upstream.requests[0]?.headers['x-request-id']).toMatch(/^.{14}4/);
    expect(count('not_traceable')).toBe(1);
  });

  it('goes on with the trace of the client', async () => {
    const { proxy, traces } = await traced({ upstream: await upstreamOf(answer()) }, { randomSampling: 0 });
    await ask(proxy, get('/', `traceparent: 00-${'1'.repeat(32)}-${'2'.repeat(16)}-01\r\n`));
    expect(traces.spans).toMatchObject([{ traceId: '1'.repeat(32), parentId: '2'.repeat(16) }]);
  });

  it('has the events of a verbose one, and a short path', async () => {
    const upstream = await upstreamOf(answer({ body: 'x' }));
    const { proxy, traces } = await traced({ upstream }, { ...SPAWN, verbose: true, maxPathTagLength: 4 });
    await ask(proxy, get('/123456'));
    const events = traces.spans.map(({ annotations }) => annotations.map(({ event }) => event));
    expect(events).toEqual([
      [
        'first_upstream_tx_byte_sent',
        'last_upstream_tx_byte_sent',
        'first_upstream_rx_byte_received',
        'last_upstream_rx_byte_received',
      ],
      [
        'last_downstream_rx_byte_received',
        'first_upstream_tx_byte_sent',
        'last_upstream_tx_byte_sent',
        'first_upstream_rx_byte_received',
        'last_upstream_rx_byte_received',
        'first_downstream_tx_byte_sent',
        'last_downstream_tx_byte_sent',
      ],
    ]);
    expect(traces.spans[1]?.tags['http.url']).toBe('http://a/123');
    for (const { annotations, startUs, endUs } of traces.spans) {
      for (const { atUs } of annotations) expect(atUs >= startUs && atUs <= endUs).toBe(true);
    }
  });
});

describe('spans of attempts', () => {
  it('lie below the exchange, one for each', async () => {
    const upstream = await upstreamOf(sequence(answer({ status: 503 }), answer({ body: 'ok' })));
    const retry = { retryPolicy: { retryOn: '5xx', numRetries: 2, retryBackOff: { baseIntervalMs: 1 } } };
    const { proxy, traces } = await traced({ upstream, routes: [route('/', 'upstream', { route: retry })] }, SPAWN);
    await ask(proxy);
    expect(traces.tree()).toBe('a\n  router upstream egress\n  router upstream egress');
    const [first, second] = attemptTags(traces.spans);
    const address = `127.0.0.1:${upstream.port}`;
    expect(first).toMatchObject({ 'http.status_code': '503', error: 'true' });
    expect(second).toEqual({
      'retry.count': '1',
      'http.protocol': 'HTTP/1.1',
      upstream_address: address,
      'peer.address': address,
      component: 'proxy',
      upstream_cluster: 'upstream',
      'upstream_cluster.name': 'upstream',
      'http.status_code': '200',
      response_flags: '-',
    });
    const [one, two] = upstream.requests.map(({ headers }) => headers.traceparent);
    const ids = traces.spans
      .filter(({ name }) => name !== 'a')
      .map(({ spanId, traceId }) => `00-${traceId}-${spanId}-01`);
    expect([one, two]).toEqual(ids);
  });

  it.each<[string, StartProxyOptions, object]>([
    [
      'a refused connection',
      {},
      {
        'error.reason': 'remote connection failure',
        response_flags: 'UF',
        'http.protocol': '-',
        'http.status_code': '0',
      },
    ],
    [
      'a full pool',
      { cluster: { circuitBreakers: { thresholds: [{ maxPendingRequests: 0, maxConnections: 0 }] } as never } },
      { 'error.reason': 'overflow', response_flags: 'UO' },
    ],
  ])('tell why: %s', async (_name, options, tags) => {
    const { proxy, traces } = await traced({ upstream: await refusedPort(), ...options }, SPAWN);
    await ask(proxy);
    expect(attemptTags(traces.spans)).toMatchObject([{ ...tags, error: 'true' }]);
  });

  it.each<[string, Parameters<typeof upstreamOf>[0], object]>([
    [
      'closed before an answer',
      closeUnanswered(),
      { 'error.reason': 'connection termination', response_flags: 'UC', 'http.status_code': '0' },
    ],
    [
      'cut off',
      truncate({ body: '1234567890', status: 200 }, 45),
      { 'error.reason': 'protocol error', response_flags: 'UPE', 'http.status_code': '200' },
    ],
  ])('tell why: %s', async (_name, behaviour, tags) => {
    const { proxy, traces } = await traced({ upstream: await upstreamOf(behaviour) }, SPAWN);
    const client = await clientOf(proxy);
    await client.send(post('/', ''));
    await client.readResponse().catch(() => undefined);
    await turns();
    expect(attemptTags(traces.spans).at(-1)).toMatchObject({ ...tags, error: 'true' });
  });

  it('tell that they took too long', async () => {
    const clock = new VirtualClock();
    const policy = { timeoutMs: 5000, retryPolicy: { retryOn: '5xx', numRetries: 0, perTryTimeoutMs: 100 } };
    const upstream = await upstreamOf(neverAnswer());
    const { proxy, traces } = await traced(
      { upstream, clock, routes: [route('/', 'upstream', { route: policy })] },
      SPAWN,
    );
    const client = await clientOf(proxy);
    await client.send(get('/'));
    await upstream.untilRequests(1);
    await turns();
    clock.advance(200);
    await client.readResponse();
    expect(attemptTags(traces.spans)).toMatchObject([
      { canceled: 'true', response_flags: 'UT', 'http.status_code': '0' },
    ]);
  });

  it('are asked for by the router alone, too', async () => {
    const upstream = await upstreamOf(answer());
    const filters = [router({ startChildSpan: true })];
    const { proxy, traces } = await traced({ upstream, filters, listener: { trafficDirection: 'OUTBOUND' } });
    await ask(proxy);
    expect(traces.tree()).toBe('a\n  router upstream egress');
    expect(traces.spans.map(({ kind }) => kind)).toEqual(['client', 'client']);
  });

  it('have no context to travel on where it is kept', async () => {
    const upstream = await upstreamOf(answer());
    const { proxy, traces } = await traced({ upstream }, { ...SPAWN, noContextPropagation: true });
    await ask(proxy);
    expect(traces.spans).toHaveLength(2);
    expect(upstream.requests[0]?.headers.traceparent).toBeUndefined();
  });

  it('of a tunnel end with it', async () => {
    const upstream = await upstreamOf(async (_request, peer) => {
      await peer.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nhi');
      await peer.read();
    });
    const upgradeConfigs = [{ upgradeType: 'websocket', enabled: true, filters: [] }];
    const { proxy, traces } = await traced({ upstream, upgradeConfigs }, SPAWN);
    const client = await clientOf(proxy);
    await client.send(get('/', 'upgrade: websocket\r\nconnection: upgrade\r\n'));
    await client.readUntil('hi');
    client.socket.resetAndDestroy();
    await proxy.untilStat('http.ingress_http.downstream_rq_active', 0);
    await turns();
    expect(traces.tree()).toBe('a\n  router upstream egress');
    for (const { tags } of traces.spans) expect(tags['http.status_code']).toBe('101');
  });

  it('of copies are beside them', async () => {
    const upstream = await upstreamOf(answer());
    const other = await upstreamOf(answer());
    const routes = [route('/', 'upstream', { route: { requestMirrorPolicies: [{ cluster: 'other' }] } })];
    const clusters = [cluster('other', { endpoints: [`127.0.0.1:${other.port}`] })];
    const { proxy, traces } = await traced({ upstream, clusters, routes });
    await ask(proxy);
    await other.untilRequests(1);
    await proxy.untilStat('cluster.other.upstream_rq_completed', 1);
    await turns();
    expect(traces.tree()).toBe('a\n  mirror');
    const mirror = traces.spans.find(({ name }) => name === 'mirror');
    expect(mirror).toMatchObject({ kind: 'client', tags: { upstream_cluster: 'other', 'http.status_code': '200' } });
    expect(other.requests[0]?.headers.traceparent).toContain(mirror?.spanId);
  });

  it('of an internal redirect stand below the first run', async () => {
    const upstream = await upstreamOf(
      sequence(answer({ status: 302, headers: { location: 'http://b/next' } }), answer()),
    );
    const routes = [route('/', 'upstream', { route: { internalRedirectPolicy: {} } })];
    const { proxy, traces, count } = await traced({ upstream, routes }, SPAWN);
    await ask(proxy);
    expect(traces.tree()).toBe('a\n  router upstream egress\n    b\n      router upstream egress');
    expect([count('random_sampling'), count('not_traceable')]).toEqual([1, 1]);
  });
});
