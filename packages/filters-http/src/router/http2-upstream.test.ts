/** Upstreams that speak HTTP/2, behind clients of HTTP/1. Facts of Envoy 1.40 where not told otherwise. */
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { type StartProxyOptions, until } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, clientOf, closeAfterEach, filterOf, get, observer, post, proxyFor, retrying, routed } from './fixture.ts';

closeAfterEach();
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

type OnStream = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

/** The independent implementation. */
async function h2Upstream(onStream: OnStream, settings: http2.Settings = {}) {
  const server = http2.createServer({ settings });
  const sessions: http2.ServerHttp2Session[] = [];
  const sockets: net.Socket[] = [];
  server.on('connection', (socket: net.Socket) => void sockets.push(socket));
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    onStream(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.close();
    for (const session of sessions) session.destroy();
  });
  return { port: (server.address() as net.AddressInfo).port, sessions, sockets };
}

async function rig(onStream: OnStream, more: StartProxyOptions = {}, settings: http2.Settings = {}) {
  const upstream = await h2Upstream(onStream, settings);
  const { filter, outcomes } = observer();
  const cluster = { http2ProtocolOptions: {}, ...more.cluster } as never;
  const proxy = await proxyFor({ upstream, filters: [filter], ...more, cluster });
  const stat = (name: string) => proxy.stats(`cluster.upstream.${name}`);
  return { upstream, outcomes, proxy, stat };
}

const hello: OnStream = (stream) => {
  stream.respond({ ':status': 200, 'content-type': 'text/plain' });
  stream.end('hello');
};

async function bodyOf(stream: http2.ServerHttp2Stream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 10)) & 255;
  return bytes;
}

describe('an HTTP/2 upstream', () => {
  it('gets the request as HTTP/2 has it, and its answer comes back', async () => {
    let seen: http2.IncomingHttpHeaders = {};
    const { proxy, stat } = await rig((stream, headers) => {
      seen = headers;
      hello(stream, headers);
    });
    const response = await ask(proxy, get('/a?b', 'x-one: 1\r\nconnection: keep-alive, x-one\r\nte: trailers\r\n'));
    expect(response).toMatchObject({ status: 200, body: 'hello' });
    expect(seen).toMatchObject({ ':method': 'GET', ':path': '/a?b', ':authority': 'a', ':scheme': 'http' });
    expect(Object.keys(seen)).not.toEqual(expect.arrayContaining(['connection', 'host', 'keep-alive', 'x-one']));
    expect([stat('upstream_cx_http2_total'), stat('upstream_rq_200')]).toEqual([1, 1]);
  });

  it('tells its protocol to filters and logs', async () => {
    const seen: (boolean | undefined)[] = [];
    const told = filterOf('told', { onComplete: ({ info }) => void seen.push(info.upstreamHttp2) });
    const { proxy } = await rig(hello, { filters: [told] });
    await ask(proxy);
    await until(() => seen.length === 1, 'the end');
    expect(seen).toEqual([true]);
  });

  it('shares one connection between many clients', async () => {
    const { proxy, upstream, stat } = await rig(hello);
    await ask(proxy);
    const responses = await Promise.all(Array.from({ length: 20 }, () => ask(proxy)));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect([upstream.sessions.length, stat('upstream_rq_total')]).toEqual([1, 21]);
  });

  it('gets and gives large bodies whole, though the client is slow', async () => {
    const bytes = pattern(3_000_000);
    const { proxy, stat } = await rig(async (stream) => {
      const body = await bodyOf(stream);
      stream.respond({ ':status': 200, 'content-length': body.length });
      stream.end(body);
    });
    const client = await clientOf(proxy);
    const sending = client.send(
      Buffer.concat([Buffer.from(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${bytes.length}\r\n\r\n`), bytes]),
    );
    const head = await client.readUntil('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1.1 200 OK/);
    client.pause();
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    client.resume();
    expect((await client.read(bytes.length)).equals(bytes)).toBe(true);
    await sending;
    expect(stat('upstream_rq_active')).toBe(0);
  });

  it('makes the client wait while it does not read', async () => {
    let waiting: http2.ServerHttp2Stream | undefined;
    const { proxy, stat } = await rig((stream) => {
      waiting = stream;
    });
    const bytes = pattern(8_000_000);
    const client = await clientOf(proxy);
    let whole = false;
    const sending = client
      .send(
        Buffer.concat([Buffer.from(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${bytes.length}\r\n\r\n`), bytes]),
      )
      .then(() => {
        whole = true;
      });
    await until(() => proxy.stats('cluster.upstream.upstream_flow_control_backed_up_total') > 0, 'back-pressure');
    expect(whole).toBe(false);
    const stream = waiting as http2.ServerHttp2Stream;
    const body = await bodyOf(stream);
    stream.respond({ ':status': 200 });
    stream.end('done');
    await sending;
    expect((await client.readResponse()).body).toBe('done');
    expect(body.equals(bytes)).toBe(true);
    expect(stat('upstream_flow_control_drained_total')).toBe(stat('upstream_flow_control_backed_up_total'));
  });

  it('makes the upstream wait while the client does not read', async () => {
    const bytes = pattern(8_000_000);
    let ended = false;
    const { proxy } = await rig((stream) => {
      stream.respond({ ':status': 200, 'content-length': bytes.length });
      stream.end(bytes);
      stream.on('finish', () => {
        ended = true;
      });
    });
    const client = await clientOf(proxy);
    client.pause();
    await client.send(get('/'));
    for (let i = 0; i < 500; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    client.resume();
    await client.readUntil('\r\n\r\n');
    expect((await client.read(bytes.length)).equals(bytes)).toBe(true);
  });

  it('passes trailers both ways where HTTP/1 has them enabled', async () => {
    let trailers: http2.IncomingHttpHeaders = {};
    const { proxy } = await rig(
      (stream) => {
        stream.on('trailers', (fields) => {
          trailers = fields;
        });
        stream.resume();
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'out' }));
        stream.on('end', () => stream.end('body'));
      },
      { httpProtocolOptions: { enableTrailers: true } } as never,
    );
    const client = await clientOf(proxy);
    await client.send(
      'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: in\r\n\r\n',
    );
    const raw = await client.readUntil('x-sum: out\r\n\r\n');
    expect(raw).toContain('\r\n4\r\nbody\r\n0\r\n');
    expect(trailers).toMatchObject({ 'x-sum': 'in' });
  });

  it('may answer with a head alone, and before the request is whole', async () => {
    const { proxy, stat } = await rig((stream) => {
      stream.respond({ ':status': 413 }, { endStream: true });
    });
    const client = await clientOf(proxy);
    await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc');
    expect((await client.readResponse()).status).toBe(413);
    await until(() => stat('upstream_rq_active') === 0, 'the stream to end');
    expect(stat('upstream_cx_active')).toBe(1);
  });

  it('gives no body to HEAD', async () => {
    const { proxy } = await rig((stream) =>
      stream.respond({ ':status': 200, 'content-length': 5 }, { endStream: true }),
    );
    const response = await ask(proxy, get('/').replace('GET', 'HEAD'), 'HEAD');
    expect([response.status, response.body]).toEqual([200, '']);
  });

  it.each([
    [0, 503, 'UR', 'remote reset'],
    [1, 502, 'UPE', 'protocol error'],
    [2, 503, 'UR', 'remote reset'],
    [8, 503, 'UR', 'remote reset'],
    [10, 503, 'UR', 'remote error with CONNECT request'],
    [11, 503, 'UR', 'remote reset'],
    [13, 503, 'UR', 'remote reset'],
  ])('that resets a stream with %i is %i for the client', async (code, status, flags, reason) => {
    const { proxy, outcomes } = await rig((stream) => stream.close(code));
    const response = await ask(proxy);
    expect([response.status, response.body]).toEqual([
      status,
      `upstream connect error or disconnect/reset before headers. reset reason: ${reason}`,
    ]);
    const details = `upstream_reset_before_response_started{${reason.replaceAll(' ', '_')}}`;
    expect(outcomes).toEqual([{ status, flags, details }]);
  });

  it('that goes away in mid-body cuts the response', async () => {
    const { proxy, outcomes, upstream } = await rig((stream) => {
      stream.respond({ ':status': 200, 'content-length': 10 });
      stream.write('half', () => upstream.sockets[0]?.destroy());
    });
    const client = await clientOf(proxy);
    await client.send(get('/'));
    expect((await client.readToEnd().catch((error: Error) => error)).toString()).not.toContain('halfhalf');
    await until(() => outcomes.length === 1, 'the end');
    expect(outcomes[0]).toMatchObject({ status: 200, flags: 'UC' });
  });

  it('that speaks HTTP/1 is 502', async () => {
    const { filter, outcomes } = observer();
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const upstream = (server.address() as net.AddressInfo).port;
    const proxy = await proxyFor({ upstream, filters: [filter], cluster: { http2ProtocolOptions: {} } as never });
    expect((await ask(proxy)).status).toBe(502);
    expect(outcomes[0]).toEqual({
      status: 502,
      flags: 'UPE',
      details: 'upstream_reset_before_response_started{protocol_error}',
    });
  });

  it('is told when the route has no more time', async () => {
    let code: number | undefined;
    const { proxy } = await rig(
      (stream) =>
        stream.on('close', () => {
          code = stream.rstCode;
        }),
      routed({ timeoutMs: 30 }),
    );
    const response = await ask(proxy);
    expect([response.status, response.body]).toEqual([504, 'upstream request timeout']);
    await until(() => code !== undefined, 'the reset');
    expect(code).toBe(http2.constants.NGHTTP2_INTERNAL_ERROR);
    expect(proxy.stats('cluster.upstream.upstream_cx_active')).toBe(1);
  });

  it('is told when the client goes', async () => {
    let begun = false;
    let closed = false;
    const { proxy, stat } = await rig((stream) => {
      begun = true;
      stream.on('close', () => {
        closed = true;
      });
    });
    const client = await clientOf(proxy);
    await client.send(get('/'));
    await until(() => begun, 'the request');
    client.reset();
    await until(() => closed, 'the reset');
    expect([stat('upstream_rq_active'), stat('upstream_cx_active')]).toEqual([0, 1]);
  });

  it('may send interim heads', async () => {
    const onStream: OnStream = (stream, headers) => {
      stream.additionalHeaders({ ':status': 103, link: '</a>' });
      hello(stream, headers);
    };
    const { proxy } = await rig(onStream, { proxy100Continue: true } as never);
    const client = await clientOf(proxy);
    await client.send(get('/'));
    const raw = await client.readUntil('\r\n\r\n');
    expect(raw).toMatch(/^HTTP\/1\.1 103 Early Hints\r\n/);
    expect(await client.readResponse()).toMatchObject({ status: 200, body: 'hello' });
  });
});

describe('a request that an HTTP/2 upstream has not looked at', () => {
  /** Refuses the first streams. */
  const refusing = (count: number): OnStream => {
    let refused = 0;
    return (stream, headers) => {
      if (refused++ < count) stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
      else hello(stream, headers);
    };
  };

  it.each([
    ['GET', get('/')],
    ['POST', post('/', 'small')],
  ])('is sent once more: %s', async (_method, request) => {
    const { proxy, stat } = await rig(refusing(1));
    expect(await ask(proxy, request)).toMatchObject({ status: 200, body: 'hello' });
    expect([stat('upstream_rq_retry'), stat('upstream_rq_retry_success'), stat('upstream_cx_total')]).toEqual([
      1, 1, 1,
    ]);
  });

  it('is 503 when it is refused again and again', async () => {
    const { proxy, outcomes, stat } = await rig(refusing(4));
    const response = await ask(proxy);
    expect([response.status, response.body]).toEqual([
      503,
      'upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote refused stream reset',
    ]);
    const details = 'upstream_reset_before_response_started{remote_refused_stream_reset}';
    expect(outcomes).toEqual([{ status: 503, flags: 'UR', details }]);
    expect(stat('upstream_rq_total')).toBe(4);
  });

  it('is left to a retry policy that covers it', async () => {
    const { proxy, stat } = await rig(refusing(3), retrying({ retryOn: 'refused-stream', numRetries: 3 }));
    expect((await ask(proxy)).status).toBe(200);
    expect([stat('upstream_rq_retry'), stat('upstream_rq_retry_backoff_exponential')]).toEqual([3, 3]);
  });

  it('is not lost to GOAWAYs under load', async () => {
    let served = 0;
    let gone = 0;
    const onStream: OnStream = (stream, headers) => {
      const { session } = stream;
      if (session === undefined || session.destroyed) return;
      served++;
      const id = stream.id ?? 0;
      // Every so often all newer streams are refused; what came before is answered, then the connection ends.
      if (served % 25 === 0 && !session.closed) {
        gone++;
        session.goaway(0, id);
        session.close();
      }
      setImmediate(() => {
        if (!stream.destroyed) hello(stream, headers);
      });
    };
    const { proxy, stat, upstream } = await rig(onStream);
    const run = async (request: string) => {
      const client = await clientOf(proxy);
      const statuses: number[] = [];
      for (let i = 0; i < 25; i++) {
        await client.send(request);
        statuses.push((await client.readResponse()).status);
      }
      return statuses;
    };
    const runs = Array.from({ length: 12 }, (_, index) => run(index % 3 === 0 ? post('/', 'body') : get('/')));
    const statuses = (await Promise.all(runs)).flat();
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(statuses).toHaveLength(300);
    expect(gone).toBeGreaterThan(5);
    expect(upstream.sessions.length).toBeGreaterThan(gone / 2);
    expect(stat('upstream_cx_close_notify')).toBeGreaterThan(0);
    expect([stat('upstream_rq_active'), stat('upstream_rq_pending_active')]).toEqual([0, 0]);
  });
});
