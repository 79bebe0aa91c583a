/** Clients of HTTP/2 before upstreams of HTTP/1: what the bridge changes, and what streams are spared. Facts of Envoy 1.40. */
import { once } from 'node:events';
import http2 from 'node:http2';
import { defineNetworkFilter, route } from '@mesh/core';
import { type Answer, answer, neverAnswer, type StartProxyOptions, truncate, until } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { clientOf, closeAfterEach, get, observer, proxyFor, upstreamOf } from './fixture.ts';
import { tunnelUpstream } from './fixtures/tunnel.ts';

closeAfterEach();

const sessions: http2.ClientHttp2Session[] = [];
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
});

async function connect(port: number): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(`http://127.0.0.1:${port}`, { maxSendHeaderBlockLength: 1 << 20 });
  sessions.push(session);
  session.on('error', () => {});
  await once(session, 'remoteSettings');
  return session;
}

interface Outcome {
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: string;
  readonly trailers: http2.IncomingHttpHeaders | undefined;
  readonly interim: number[];
  readonly code: number;
}

/** Sends a request and tells what became of it. */
function ask(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders = {},
  body?: string,
  trailers?: http2.OutgoingHttpHeaders,
): Promise<Outcome> {
  const stream = session.request(headers, { endStream: body === undefined, waitForTrailers: trailers !== undefined });
  const seen = { headers: {}, body: '', trailers: undefined as Outcome['trailers'], interim: [] as number[], code: -1 };
  stream.on('headers', (head) => void seen.interim.push(head[':status'] as number));
  stream.on('response', (head) => void (seen.headers = head));
  stream.on('trailers', (fields) => void (seen.trailers = fields));
  stream.on('data', (chunk) => void (seen.body += chunk));
  stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
  stream.on('error', () => {});
  if (body !== undefined) stream.end(body);
  return new Promise((resolve) => stream.on('close', () => resolve({ ...seen, code: stream.rstCode ?? -1 })));
}

const TRAILERS = { httpProtocolOptions: { enableTrailers: true } };

/** `null` never answers. */
async function rig(response: Answer | null = {}, more: object = {}) {
  const upstream = await upstreamOf(response === null ? { behave: neverAnswer(), atHead: true } : answer(response));
  const { filter, outcomes } = observer();
  const proxy = await proxyFor({ upstream, filters: [filter], ...more } as StartProxyOptions);
  const left = () => proxy.untilStat('http.ingress_http.downstream_rq_active', 0);
  return { upstream, outcomes, proxy, left, session: await connect(proxy.port) };
}

describe('a request of HTTP/2 at an upstream of HTTP/1', () => {
  it('has its authority as host, its cookies in one line, and te: trailers', async () => {
    const { upstream, session } = await rig({ body: 'yes' });
    const { body } = await ask(session, { ':authority': 'h.test', cookie: ['a=1', 'b=2'], te: 'trailers' });
    expect(body).toBe('yes');
    expect(upstream.requests[0]?.headers).toMatchObject({ host: 'h.test', cookie: 'a=1; b=2', te: 'trailers' });
    expect(upstream.requests[0]?.headers['x-forwarded-proto']).toBe('http');
  });

  it.each([
    ['without END_STREAM is chunked', {}, 'abc', 'transfer-encoding', 'chunked'],
    ['with its length keeps it', { 'content-length': '3' }, 'abc', 'content-length', '3'],
    ['without a body has the length 0', {}, undefined, 'content-length', '0'],
  ])('%s', async (_case, fields, body, name, value) => {
    const { upstream, session } = await rig();
    await ask(session, { ':method': 'POST', ...fields }, body);
    expect(upstream.requests[0]).toMatchObject({ body: body ?? '', headers: { [name]: value } });
  });

  it('trailers go both ways where HTTP/1 may have them', async () => {
    const options = { ...TRAILERS, cluster: TRAILERS };
    const { upstream, session } = await rig({ body: 'x', trailers: { 'x-end': '2' } }, options);
    const { trailers } = await ask(session, { ':method': 'POST' }, 'abc', { 'x-begin': '1' });
    expect(trailers).toMatchObject({ 'x-end': '2' });
    expect(upstream.requests[0]?.trailers).toEqual({ 'x-begin': '1' });
  });

  it.each([
    ['HEAD', { body: 'hello' }, { 'content-length': '5' }],
    ['GET', { status: 204, framing: 'none' }, { ':status': 204 }],
    ['GET', { status: 304, framing: 'none' }, { ':status': 304 }],
  ] as const)('%s answered with %j brings no body', async (method, response, headers) => {
    const { session } = await rig(response as Answer);
    const outcome = await ask(session, { ':method': method });
    expect(outcome).toMatchObject({ headers, body: '', code: 0 });
  });

  it('Expect: 100-continue is answered here', async () => {
    const { upstream, session } = await rig({ body: 'x' });
    const { interim, body } = await ask(session, { ':method': 'POST', expect: '100-continue' }, 'abc');
    expect([interim, body]).toEqual([[100], 'x']);
    expect(upstream.requests[0]?.headers.expect).toBeUndefined();
  });

  it('interim answers are passed on with proxy_100_continue', async () => {
    const { session } = await rig({ interim: [100] }, { proxy100Continue: true });
    expect((await ask(session, { ':method': 'POST', expect: '100-continue' }, 'abc')).interim).toEqual([100]);
  });
});

describe('streams of one connection', () => {
  it('run side by side on connections of their own', async () => {
    const { upstream, session, left } = await rig({ body: 'x'.repeat(10_000) });
    const all = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(session, { ':path': `/${i}` })));
    expect(all.every(({ body }) => body.length === 10_000)).toBe(true);
    expect(new Set(upstream.requests.map(({ path }) => path)).size).toBe(100);
    await left();
  });

  it('a client that resets one leaves nothing of it, and the others alone', async () => {
    const { upstream, session, outcomes, left, proxy } = await rig(null);
    const kept = session.request({ ':path': '/kept' });
    const given = session.request({ ':path': '/given', ':method': 'POST' }, { endStream: false });
    kept.on('error', () => {});
    await upstream.untilHeads(2);
    given.close(http2.constants.NGHTTP2_CANCEL);
    await proxy.untilStat('cluster.upstream.upstream_rq_active', 1);
    expect(outcomes).toEqual([{ status: undefined, flags: 'DR', details: 'http2.remote_reset' }]);
    expect(kept.closed).toBe(false);
    session.destroy();
    await left();
    expect(outcomes[1]).toEqual({ status: undefined, flags: 'DC', details: 'downstream_remote_disconnect' });
    await proxy.untilStat('cluster.upstream.upstream_rq_active', 0);
  });

  it('a cut response resets its stream only', async () => {
    const upstream = await upstreamOf(truncate({ body: 'x'.repeat(100) }, 60));
    const proxy = await proxyFor({ upstream });
    const session = await connect(proxy.port);
    for (let i = 0; i < 2; i++) expect((await ask(session)).code).toBe(http2.constants.NGHTTP2_INTERNAL_ERROR);
    expect(proxy.stats('http.ingress_http.downstream_cx_http2_total')).toBe(1);
  });

  it.each([
    ['too many fields', Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`x-${i}`, '']))],
    ['too large a head', { 'x-large': 'x'.repeat(62_000) }],
  ])('%s: its stream is reset', async (_case, fields) => {
    const { session, upstream } = await rig();
    const { code, headers } = await ask(session, fields);
    expect([code, headers]).toEqual([http2.constants.NGHTTP2_INTERNAL_ERROR, {}]);
    expect((await ask(session)).headers[':status']).toBe(200);
    expect(upstream.requests).toHaveLength(1);
  });

  it('max_request_headers_kb and max_headers_count raise the limits', async () => {
    const options = { maxRequestHeadersKb: 96, commonHttpProtocolOptions: { maxHeadersCount: 200 } };
    const { session } = await rig({}, options);
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`x-${i}`, 'x'.repeat(420)]));
    expect((await ask(session, many)).headers[':status']).toBe(200);
  });

  it('an internal redirect runs the exchange again on the same stream', async () => {
    const upstream = await upstreamOf((request, peer) =>
      answer(request.path === '/' ? { status: 302, headers: { location: 'http://a.test/next' } } : { body: 'there' })(
        request,
        peer,
      ),
    );
    const more = { route: { internalRedirectPolicy: {} } };
    const proxy = await proxyFor({ upstream, routes: [route('/', 'upstream', more)] } as never);
    const session = await connect(proxy.port);
    expect(await ask(session, { ':authority': 'a.test' })).toMatchObject({ body: 'there', code: 0 });
    expect(upstream.requests.map(({ path }) => path)).toEqual(['/', '/next']);
    await proxy.untilStat('http.ingress_http.downstream_rq_active', 0);
  });
});

describe('the connection', () => {
  it('speaks either protocol on one port, also behind network filters', async () => {
    let bytes = 0;
    const count = defineNetworkFilter({
      name: 'test.filters.network.count',
      config: z.object({}),
      create: () => ({ onData: (chunk) => void (bytes += chunk.length) }),
    });
    for (const networkFilters of [[], [count()]]) {
      const { proxy, session } = await rig({ body: 'x' }, { networkFilters });
      expect((await ask(session)).body).toBe('x');
      const old = await clientOf(proxy);
      await old.send(get('/'));
      expect((await old.readResponse({ method: 'GET' })).body).toBe('x');
      expect(proxy.stats('http.ingress_http.downstream_cx_http1_total')).toBe(1);
      expect(proxy.stats('http.ingress_http.downstream_cx_http2_total')).toBe(1);
    }
    expect(bytes).toBeGreaterThan(60);
  });

  it('drain tells the client at once, lets its streams end and then closes', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const upstream = await upstreamOf(async (request, peer) => {
      await gate;
      await answer({ body: 'late' })(request, peer);
    });
    const proxy = await proxyFor({ upstream });
    const session = await connect(proxy.port);
    const under = ask(session);
    await upstream.untilHeads(1);
    const told = once(session, 'goaway');
    const drained = proxy.proxy.drain();
    await told;
    release();
    expect((await under).body).toBe('late');
    await drained;
    expect(proxy.stats('http.ingress_http.downstream_cx_active')).toBe(0);
  });
});

const WEB_SOCKET = { ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':path': '/chat' };
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nx-a: b\r\n\r\n';
const UPGRADING = { http2ProtocolOptions: { allowConnect: true }, upgradeConfigs: [{ upgradeType: 'websocket' }] };

async function tunnels(more: object = {}) {
  const upstream = await tunnelUpstream();
  const proxy = await proxyFor({ upstream, ...UPGRADING, ...more } as never);
  return { upstream, proxy, session: await connect(proxy.port) };
}

describe('an extended CONNECT', () => {
  it('is an upgrade at the upstream, and its 101 a 200 here', async () => {
    const { upstream, session, proxy } = await tunnels();
    const stream = session.request({ ...WEB_SOCKET, ':authority': 'a' }, { endStream: false });
    stream.write('early');
    const peer = await upstream.peer();
    await peer.sees('\r\n\r\n');
    expect(peer.head).toMatch(/^GET \/chat HTTP\/1\.1\r\nhost: a\r\n/);
    expect(peer.head.toLowerCase()).toMatch(/\r\nupgrade: websocket\r\n/);
    expect(peer.payload).toBe('');
    peer.socket.write(`${SWITCH}first`);
    const [head] = await once(stream, 'response');
    expect(head).toMatchObject({ ':status': 200, 'x-a': 'b' });
    expect(head).not.toHaveProperty('upgrade');
    const [first] = await once(stream, 'data');
    expect(String(first)).toBe('first');
    await peer.sees('early');
    // HTTP/1 has no other end of a tunnel, and its end is as sudden here.
    peer.socket.end();
    await expect(once(stream, 'close')).rejects.toThrow('NGHTTP2_CONNECT_ERROR');
    await proxy.untilStat('http.ingress_http.downstream_cx_upgrades_active', 0);
  });

  it('another answer is passed on', async () => {
    const { upstream, session } = await tunnels();
    const outcome = ask(session, WEB_SOCKET, '');
    const peer = await upstream.peer();
    await peer.sees('\r\n\r\n');
    peer.socket.write('HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno');
    expect(await outcome).toMatchObject({ headers: { ':status': 404 }, body: 'no' });
  });

  it('one that nobody allows is refused, and the connection drained', async () => {
    const { session, proxy } = await tunnels({ upgradeConfigs: [] });
    const kept = session.request({ ':path': '/kept' });
    kept.on('error', () => {});
    const told = once(session, 'goaway');
    expect((await ask(session, WEB_SOCKET, '')).headers[':status']).toBe(403);
    expect((await told).slice(0, 2)).toEqual([0, 0x7fffffff]);
    expect(kept.closed).toBe(false);
    expect(proxy.stats('http.ingress_http.downstream_rq_ws_on_non_ws_route')).toBe(1);
  });

  it('is not offered without allow_connect', async () => {
    const { session } = await tunnels({ http2ProtocolOptions: {} });
    expect(session.remoteSettings.enableConnectProtocol).toBe(false);
  });
});

describe('CONNECT', () => {
  it('opens a tunnel with the 2xx of the upstream', async () => {
    const connectRoute = route('/', 'upstream', {
      match: { prefix: undefined, connectMatcher: {} } as never,
      route: { upgradeConfigs: [{ upgradeType: 'CONNECT', enabled: true }] } as never,
    });
    const { upstream, session } = await tunnels({ routes: [connectRoute] });
    const stream = session.request({ ':method': 'CONNECT', ':authority': 'target.test:443' }, { endStream: false });
    const peer = await upstream.peer();
    await peer.sees('\r\n\r\n');
    expect(peer.head).toMatch(/^CONNECT target\.test:443 HTTP\/1\.1\r\n/);
    peer.socket.write('HTTP/1.1 200 OK\r\n\r\nhello');
    const [head] = await once(stream, 'response');
    expect(head).toMatchObject({ ':status': 200 });
    const [first] = await once(stream, 'data');
    expect(String(first)).toBe('hello');
    stream.write('ping');
    await peer.sees('ping');
    stream.end('last');
    await peer.sees('last');
    await until(() => peer.ended, 'FIN at the upstream');
    peer.socket.write('bye');
    const [last] = await once(stream, 'data');
    expect(String(last)).toBe('bye');
  });
});
