/** HTTP/1.1 through the whole proxy: framing, reuse, pipelining, interim responses, closing. */
import { cluster, HOLD, route } from '@mesh/core';
import { answer, sequence } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { ask, clientOf, closeAfterEach, filterOf, get, post, proxyFor, turns, upstreamOf } from './fixture.ts';

closeAfterEach();

describe('a request', () => {
  it('arrives with method, path, fields and body', async () => {
    const upstream = await upstreamOf();
    await ask(await proxyFor({ upstream }), post('/p?q=1', 'hello', 'x-a: 1\r\nX-A: 2\r\n'));
    expect(upstream.requests[0]).toMatchObject({ method: 'POST', path: '/p?q=1', body: 'hello' });
    expect(upstream.requests[0]?.headers).toMatchObject({ host: 'a', 'content-length': '5', 'x-a': '1, 2' });
  });

  it('arrives in chunks when it came in chunks, byte by byte', async () => {
    const upstream = await upstreamOf();
    const client = await clientOf(await proxyFor({ upstream }));
    await client.sendBytewise(
      'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    );
    expect((await client.readResponse()).status).toBe(200);
    expect(upstream.requests[0]).toMatchObject({ body: 'hello', complete: true });
    expect(upstream.requests[0]?.headers['transfer-encoding']).toBe('chunked');
  });

  it('begins at the upstream before it is complete', async () => {
    const upstream = await upstreamOf();
    const client = await clientOf(await proxyFor({ upstream }));
    await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345');
    await upstream.until(() => upstream.requests[0]?.bodyBytes === 5, 'half of the body');
    await client.send('67890');
    expect((await client.readResponse()).status).toBe(200);
  });

  it('that asks for 100 (Continue) gets it, once, and the upstream is not asked', async () => {
    const upstream = await upstreamOf();
    const client = await clientOf(await proxyFor({ upstream }));
    await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n');
    expect(await client.readUntil('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    await client.send('ok');
    expect(await client.readResponse()).toMatchObject({ status: 200, interim: [] });
    expect(upstream.requests[0]?.headers).not.toHaveProperty('expect');
  });

  it('with proxy_100_continue passes the expectation and the interim response', async () => {
    const upstream = await upstreamOf({ interim: [100], body: 'done' });
    const client = await clientOf(await proxyFor({ upstream, proxy100Continue: true }));
    await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\nok');
    expect(await client.readResponse()).toMatchObject({ status: 200, interim: [100], body: 'done' });
    expect(upstream.requests[0]?.headers.expect).toBe('100-continue');
  });

  it('whose client goes away takes the upstream request with it', async () => {
    const upstream = await upstreamOf({ behave: () => new Promise(() => {}) });
    const proxy = await proxyFor({ upstream });
    const client = await clientOf(proxy);
    await client.send(get('/'));
    await upstream.untilRequests(1);
    client.reset();
    await upstream.until(() => upstream.openConnections === 0, 'the upstream connection to close');
    expect(proxy.stats('http.ingress_http.downstream_rq_rx_reset')).toBe(1);
    expect(proxy.stats('http.ingress_http.downstream_rq_active')).toBe(0);
  });

  it('whose client only half-closes is answered', async () => {
    const client = await clientOf(await proxyFor({ upstream: await upstreamOf({ body: 'still here' }) }));
    await client.send(get('/'));
    client.end();
    expect((await client.readResponse()).body).toBe('still here');
    expect((await client.readToEnd()).length).toBe(0);
  });
});

describe('a response', () => {
  it('by length keeps its length, in chunks stays in chunks', async () => {
    const upstream = await upstreamOf(sequence(answer({ body: 'abc' }), answer({ body: ['a', 'bc'] })));
    const proxy = await proxyFor({ upstream });
    expect(await ask(proxy)).toMatchObject({ framing: 'length', body: 'abc' });
    expect(await ask(proxy)).toMatchObject({ framing: 'chunked', body: 'abc' });
  });

  it('up to the close becomes chunks, and the client connection stays', async () => {
    const upstream = await upstreamOf({ body: 'all of it', framing: 'close' });
    const client = await clientOf(await proxyFor({ upstream }));
    for (let i = 0; i < 2; i++) {
      await client.send(get('/'));
      expect(await client.readResponse()).toMatchObject({ framing: 'chunked', body: 'all of it' });
    }
    expect(upstream.peers).toHaveLength(2);
  });

  it('to HEAD has the fields and no body', async () => {
    const upstream = await upstreamOf({ headers: { 'content-length': '5' }, framing: 'none' });
    const client = await clientOf(await proxyFor({ upstream }));
    for (let i = 0; i < 2; i++) {
      await client.send('HEAD / HTTP/1.1\r\nhost: a\r\n\r\n');
      const response = await client.readResponse({ method: 'HEAD' });
      expect([response.status, response.headers['content-length']]).toEqual([200, '5']);
    }
    expect(upstream.peers).toHaveLength(1);
  });

  it.each([204, 304])('%s has no body and keeps both connections', async (status) => {
    const upstream = await upstreamOf({ status, framing: 'none' });
    const client = await clientOf(await proxyFor({ upstream }));
    for (let i = 0; i < 2; i++) {
      await client.send(get('/'));
      const response = await client.readResponse();
      expect([response.status, response.framing]).toEqual([status, 'none']);
      expect(response.headers).not.toHaveProperty('transfer-encoding');
    }
    expect(upstream.peers).toHaveLength(1);
    expect(client.received).toBe('');
  });

  it('keeps every set-cookie by itself and the order of fields', async () => {
    const headers: [string, string][] = [
      ['set-cookie', 'a=1'],
      ['x-first', '1'],
      ['set-cookie', 'b=2'],
    ];
    const response = await ask(await proxyFor({ upstream: await upstreamOf({ headers }) }));
    expect(response.headerLines.filter(([name]) => name === 'set-cookie' || name === 'x-first')).toEqual(headers);
  });

  it('before the request is complete ends the connection', async () => {
    const upstream = await upstreamOf({ atHead: true, behave: answer({ status: 413, body: 'no' }) });
    const client = await clientOf(await proxyFor({ upstream }));
    await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n');
    const response = await client.readResponse();
    expect([response.status, response.headers.connection]).toEqual([413, 'close']);
    expect((await client.readToEnd()).length).toBe(0);
  });

  it('that is cut short is cut for the client too', async () => {
    const upstream = await upstreamOf(async (_request, peer) => {
      await peer.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345');
      peer.end();
    });
    const client = await clientOf(await proxyFor({ upstream }));
    await client.send(get('/'));
    await expect(client.readResponse()).rejects.toThrow();
  });

  it('in chunks that end without the last one is cut for the client too', async () => {
    const upstream = await upstreamOf(async (_request, peer) => {
      await peer.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n');
      peer.end();
    });
    const client = await clientOf(await proxyFor({ upstream }));
    await client.send(get('/'));
    await expect(client.readResponse()).rejects.toThrow();
  });
});

describe('trailers', () => {
  const CHUNKED = 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 2\r\n\r\n';
  const enabled = { enableTrailers: true } as never;

  it('pass both ways where they are enabled', async () => {
    const upstream = await upstreamOf({ body: ['a', 'b'], trailers: { 'x-check': '1' } });
    const proxy = await proxyFor({ upstream, httpProtocolOptions: enabled, cluster: { httpProtocolOptions: enabled } });
    expect(await ask(proxy, CHUNKED)).toMatchObject({ body: 'ab', trailers: { 'x-check': '1' } });
    expect(upstream.requests[0]).toMatchObject({ body: 'hi', trailers: { 'x-sum': '2' } });
  });

  it('are dropped where they are not, as Envoy does, and nothing else is', async () => {
    const upstream = await upstreamOf({ body: ['a', 'b'], trailers: { 'x-check': '1' } });
    expect(await ask(await proxyFor({ upstream }), CHUNKED)).toMatchObject({ body: 'ab', trailers: undefined });
    expect(upstream.requests[0]).toMatchObject({ body: 'hi', trailers: undefined });
  });

  it('of a response pass filters in reverse order, behind what they held', async () => {
    const upstream = await upstreamOf({ body: ['a', 'b'], trailers: { 'x-check': '1' } });
    const hold = filterOf('hold', {
      onResponseData: () => HOLD,
      onResponseTrailers: (trailers) => trailers.append('x-seen', 'yes'),
    });
    const proxy = await proxyFor({
      upstream,
      filters: [hold],
      httpProtocolOptions: enabled,
      cluster: { httpProtocolOptions: enabled },
    });
    const response = await ask(proxy);
    expect(response).toMatchObject({ body: 'ab', trailers: { 'x-check': '1', 'x-seen': 'yes' } });
  });
});

describe('connections', () => {
  it('to the upstream are reused for one request after the other', async () => {
    const upstream = await upstreamOf({ body: 'x' });
    const proxy = await proxyFor({ upstream });
    for (let i = 0; i < 5; i++) expect((await ask(proxy)).status).toBe(200);
    expect(upstream.peers).toHaveLength(1);
    expect(proxy.stats('cluster.upstream.upstream_cx_total')).toBe(1);
  });

  it('to the upstream are not reused when it says close', async () => {
    const upstream = await upstreamOf({ body: 'x', headers: { connection: 'close' } });
    const proxy = await proxyFor({ upstream });
    for (let i = 0; i < 2; i++) expect((await ask(proxy)).headers.connection).toBeUndefined();
    expect(upstream.peers).toHaveLength(2);
  });

  it('answer pipelined requests in their order, however the upstream orders its work', async () => {
    const [slow, quick] = [await upstreamOf(), await upstreamOf({ body: 'quick' })];
    const proxy = await proxyFor({
      clusters: [cluster('slow', { endpoints: [slow.address] }), cluster('quick', { endpoints: [quick.address] })],
      routes: [route('/slow', 'slow'), route('/quick', 'quick')],
    });
    const client = await clientOf(proxy);
    await client.send(get('/slow') + get('/quick') + get('/none'));
    expect((await client.readResponse()).body).toBe('');
    expect((await client.readResponse()).body).toBe('quick');
    expect((await client.readResponse()).status).toBe(404);
    expect(proxy.stats('http.ingress_http.downstream_rq_total')).toBe(3);
  });

  it('that half-close behind pipelined requests get every answer', async () => {
    const client = await clientOf(await proxyFor({ upstream: await upstreamOf({ body: 'x' }) }));
    await client.send(get('/1') + get('/2') + get('/3'));
    client.end();
    for (let i = 0; i < 3; i++) expect((await client.readResponse()).body).toBe('x');
    expect((await client.readToEnd()).length).toBe(0);
  });

  it('close when the client asks for it, and say so', async () => {
    const client = await clientOf(await proxyFor({ upstream: await upstreamOf() }));
    await client.send(get('/', 'connection: close\r\n') + get('/never'));
    expect((await client.readResponse()).headers.connection).toBe('close');
    expect((await client.readToEnd()).length).toBe(0);
  });

  it('close after an upgrade that is not allowed: the client may already speak the other protocol', async () => {
    const client = await clientOf(await proxyFor({ upstream: await upstreamOf() }));
    await client.send(get('/', 'connection: upgrade\r\nupgrade: websocket\r\n') + get('/smuggled'));
    expect(await client.readResponse()).toMatchObject({ status: 403, headers: { connection: 'close' } });
    expect((await client.readToEnd()).length).toBe(0);
  });

  it('close after max_requests_per_connection', async () => {
    const proxy = await proxyFor({
      upstream: await upstreamOf(),
      commonHttpProtocolOptions: { maxRequestsPerConnection: 2 } as never,
    });
    const client = await clientOf(proxy);
    await client.send(get('/1') + get('/2') + get('/3'));
    expect((await client.readResponse()).headers.connection).toBeUndefined();
    expect((await client.readResponse()).headers.connection).toBe('close');
    expect((await client.readToEnd()).length).toBe(0);
    expect(proxy.stats('http.ingress_http.downstream_cx_max_requests_reached')).toBe(1);
  });

  it('whose peer sends what is no request are answered 400 and closed', async () => {
    const proxy = await proxyFor({ upstream: await upstreamOf() });
    const client = await clientOf(proxy);
    await client.send('GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n');
    const response = await client.readResponse();
    expect([response.status, response.body, response.headers.connection]).toEqual([400, 'Bad Request', 'close']);
    expect((await client.readToEnd()).length).toBe(0);
    expect(proxy.stats('http.ingress_http.downstream_cx_protocol_error')).toBe(1);
  });
});

describe('drain', () => {
  it('finishes what is in flight, says close, and refuses new connections', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const upstream = await upstreamOf(async (request, peer) => {
      await gate;
      await answer({ body: 'finished' })(request, peer);
    });
    const proxy = await proxyFor({ upstream });
    const client = await clientOf(proxy);
    await client.send(get('/'));
    await upstream.untilRequests(1);
    const { port } = proxy;
    const drained = proxy.proxy.drain();
    await turns();
    await expect(clientOf({ port })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    release();
    expect(await client.readResponse()).toMatchObject({ body: 'finished', headers: { connection: 'close' } });
    client.end();
    await drained;
  });
});
