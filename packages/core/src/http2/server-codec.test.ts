import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { Body, HeaderMap, Seen } from '../headers/header-map.ts';
import {
  block,
  type Exchange,
  frame,
  GET,
  POST,
  RawClient,
  responseHead,
  ServerSide,
  TestServer,
  uint32,
} from './fixture.ts';
import { Flag, FrameType, PREFACE } from './frames.ts';
import type { Http2Options } from './options.ts';

const END = Flag.END_HEADERS | Flag.END_STREAM;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Act = (exchange: Exchange, event: 'head' | 'data' | 'end' | 'batch' | 'writable') => void;
const HELLO: Act = (exchange, event) => {
  if (event === 'end') exchange.answer(200, 'hello');
};
const SILENT: Act = () => {};

async function serve(
  options: Partial<Http2Options> = {},
  act: Act = HELLO,
): Promise<{ server: TestServer; port: number }> {
  const server = new TestServer(options, act);
  const port = await server.listen();
  closers.push(() => server.close());
  return { server, port };
}

async function raw(
  options: Partial<Http2Options> = {},
  act: Act = HELLO,
): Promise<{ server: TestServer; client: RawClient }> {
  const { server, port } = await serve(options, act);
  const client = await RawClient.connect(port);
  closers.push(() => client.socket.destroy());
  await client.sync();
  return { server, client };
}

/** A client of another making. */
async function node(
  options: Partial<Http2Options> = {},
  act: Act = HELLO,
): Promise<{ server: TestServer; session: http2.ClientHttp2Session }> {
  const { server, port } = await serve(options, act);
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  closers.push(() => session.destroy());
  await new Promise<void>((resolve) => session.once('remoteSettings', () => resolve()));
  return { server, session };
}

interface Got {
  headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader;
  body: string;
  trailers: http2.IncomingHttpHeaders | undefined;
  interim: number[];
}

function exchange(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: Buffer | string,
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined });
    const got: Got = { headers: {}, body: '', trailers: undefined, interim: [] };
    stream.on('headers', (interim) => got.interim.push(interim[':status'] as number));
    stream.on('response', (response) => {
      got.headers = response;
    });
    stream.on('trailers', (trailers) => {
      got.trailers = trailers;
    });
    stream.on('data', (chunk: Buffer) => {
      got.body += chunk.toString('latin1');
    });
    stream.on('end', () => resolve(got));
    stream.on('error', reject);
    if (body !== undefined) stream.end(body);
  });
}

const head = (fields: readonly (readonly [string, string])[], flags: number = END, stream = 1): Buffer =>
  frame(FrameType.HEADERS, flags, stream, block(fields));

describe('Http2ServerCodec', () => {
  it('feed gives the request as HTTP/1 does: names, cookies, host, framing', async () => {
    const { server, client } = await raw({}, SILENT);
    client.send(
      head(
        [
          ...GET.slice(0, 2),
          [':path', '/a?b#c'],
          ['host', 'h.example:81'],
          ['cookie', 'a=1'],
          ['te', 'trailers'],
          ['cookie', 'b=2'],
          ['x-forwarded-for', '1.2.3.4'],
          ['expect', '100-continue'],
          ['content-length', '3'],
        ],
        Flag.END_HEADERS,
      ),
    );
    await client.sync();
    const got = (server.side.exchanges[0] as Exchange).head;
    expect([got.rawMethod, got.rawPath, got.rawAuthority, got.scheme, got.minor]).toEqual([
      'GET',
      '/a?b#c',
      'h.example:81',
      'http',
      2,
    ]);
    expect(got.fields).toEqual([
      'te',
      'trailers',
      'x-forwarded-for',
      '1.2.3.4',
      'content-length',
      '3',
      'cookie',
      'a=1; b=2',
    ]);
    expect([got.framing, got.contentLength]).toEqual([Body.length, 3]);
    expect(got.seen).toBe(Seen.scheme | Seen.forwardedFor | Seen.expect | Seen.fragment);
  });

  it('feed lets :authority stand over host', async () => {
    const { server, client } = await raw({}, SILENT);
    client.send(head([...GET, ['host', 'other']]));
    await client.sync();
    expect(server.side.exchanges[0]?.head.rawAuthority).toBe('example.com');
    expect(server.side.exchanges[0]?.head.get('host')).toBe('example.com');
  });

  it('writer answers node:http2 with interim heads, a body and trailers', async () => {
    const { session } = await node({}, ({ writer, body }, event) => {
      if (event === 'head') writer.writeInterim(responseHead(103, ['link', '</a>']));
      if (event !== 'end') return;
      writer.writeHead(responseHead(201, ['x-a', '1', 'connection', 'close', 'transfer-encoding', 'chunked']), false);
      writer.writeData(Buffer.from(body), false, true);
      const trailers = new HeaderMap();
      trailers.fields.push('x-t', '2');
      writer.writeTrailers(trailers);
      writer.flush();
    });
    const got = await exchange(session, { ':method': 'POST', ':path': '/' }, 'upload');
    expect(got.interim).toEqual([103]);
    expect(got.headers[':status']).toBe(201);
    expect(got.headers['x-a']).toBe('1');
    expect(got.headers.connection).toBeUndefined();
    expect(got.body).toBe('upload');
    expect(got.trailers?.['x-t']).toBe('2');
  });

  it('feed delivers trailers of a request, without those that must not come in one', async () => {
    const { server, client } = await raw({}, SILENT);
    client.send(head(POST, Flag.END_HEADERS), frame(FrameType.DATA, 0, 1, Buffer.from('x')));
    client.send(
      head([
        ['x-t', '1'],
        ['content-length', '9'],
      ]),
    );
    client.send(head(POST, Flag.END_HEADERS, 3), head([['cookie', 'only']], END, 3));
    await client.sync();
    const [first, second] = server.side.exchanges as [Exchange, Exchange];
    expect([...(first.trailers?.entries() ?? [])]).toEqual([['x-t', '1']]);
    expect([second.ended, second.trailers]).toEqual([true, undefined]);
  });

  it('feed reads a session the same however it is cut', async () => {
    const bytes = Buffer.concat([
      PREFACE,
      frame(FrameType.SETTINGS, 0, 0, Buffer.from([0, 4, 0, 1, 0, 0])),
      head(POST, Flag.END_HEADERS),
      frame(FrameType.DATA, Flag.PADDED, 1, Buffer.from([3, 97, 98, 99, 0, 0, 0])),
      frame(
        FrameType.HEADERS,
        Flag.END_STREAM | Flag.PADDED | Flag.PRIORITY,
        3,
        Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 9]), block(GET.slice(0, 2)), Buffer.alloc(2)]),
      ),
      frame(FrameType.CONTINUATION, Flag.END_HEADERS, 3, block(GET.slice(2))),
      frame(77, 0, 0, Buffer.from('unknown')),
      frame(FrameType.DATA, Flag.PADDED | Flag.END_STREAM, 1, Buffer.from([2, 100, 0, 0])),
      frame(FrameType.PING, 0, 0, Buffer.alloc(8)),
    ]);
    const run = async (feed: (codec: TestServer['side']['codec']) => void): Promise<unknown> => {
      const { server, port } = await serve({}, SILENT);
      const client = await RawClient.connect(port, false);
      closers.push(() => client.socket.destroy());
      await client.frame(FrameType.SETTINGS);
      feed(server.side.codec);
      await client.frame(FrameType.PING);
      expect(server.side.error).toBeUndefined();
      return server.side.exchanges.map(({ head: h, body, ended }) => [h.rawMethod, h.rawPath, h.fields, body, ended]);
    };
    const whole = await run((codec) => codec.feed(bytes, true));
    expect(whole).toEqual([
      ['POST', '/', [], 'abcd', true],
      ['GET', '/', [], '', true],
    ]);
    const single = await run((codec) => {
      for (let i = 0; i < bytes.length; i++) codec.feed(bytes.subarray(i, i + 1), false);
    });
    expect(single).toEqual(whole);
    for (let cut = 1; cut < bytes.length; cut += 7) {
      const halves = await run((codec) => {
        codec.feed(bytes.subarray(0, cut), false);
        codec.feed(bytes.subarray(cut), false);
      });
      expect(halves, `cut at ${cut}`).toEqual(whole);
    }
  });

  it('onHeadStarted tells of a head that does not end with what has come', async () => {
    const { server, client } = await raw({}, SILENT);
    const { codec } = server.side;
    codec.feed(head(GET), true);
    expect(server.side.headsStarted).toBe(0);
    const bytes = head(GET, END, 3);
    codec.feed(bytes.subarray(0, 20), true);
    expect(server.side.headsStarted).toBe(1);
    codec.feed(bytes.subarray(20), true);
    codec.feed(head(GET, Flag.END_STREAM, 5), true);
    expect(server.side.headsStarted).toBe(2);
    codec.feed(frame(FrameType.CONTINUATION, Flag.END_HEADERS, 5), true);
    expect(server.side.exchanges.length).toBe(3);
    expect(client.closed).toBe(false);
  });

  it('writer keeps to windows and gives each stream its turn', async () => {
    const { server, session } = await node({}, ({ writer }, event) => {
      if (event !== 'end') return;
      writer.writeHead(responseHead(200), false);
      writer.writeData(Buffer.alloc(400_000, 'x'), true, false);
      writer.flush();
    });
    const got = await Promise.all([1, 2, 3].map(() => exchange(session, { ':path': '/' })));
    expect(got.map(({ body }) => body.length)).toEqual([400_000, 400_000, 400_000]);
    expect(server.side.stats.pending_send_bytes.value).toBe(0);
    expect(server.side.codec.activeStreams).toBe(0);
  });

  it('writer sends nothing beyond a window that shrank below zero, and shares the connection window in turns', async () => {
    const { server, client } = await raw({}, ({ writer }, event) => {
      if (event !== 'end') return;
      writer.writeHead(responseHead(200), false);
      writer.writeData(Buffer.alloc(60_000), true, true);
      expect(writer.flush()).toBe(false);
    });
    const data = (stream: number) =>
      client.frames
        .filter((f) => f.type === FrameType.DATA && f.stream === stream)
        .reduce((sum, f) => sum + f.payload.length, 0);
    client.send(frame(FrameType.SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0x27, 0x10]))); // 10 000
    client.send(head(GET), head(GET, END, 3));
    await client.sync();
    expect([data(1), data(3)]).toEqual([10_000, 10_000]);
    expect((server.side.exchanges[0] as Exchange).writer.queuedBytes).toBe(50_000);
    client.send(frame(FrameType.SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]))); // −10 000 each
    client.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(10_000)));
    await client.sync();
    expect(data(1)).toBe(10_000);
    client.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(1)));
    await client.sync();
    expect(data(1)).toBe(10_001);
    client.send(
      frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(100_000)),
      frame(FrameType.WINDOW_UPDATE, 0, 3, uint32(100_000)),
    );
    await client.sync();
    expect(data(1) + data(3)).toBe(65_535);
    const before = [data(1), data(3)] as const;
    client.send(frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(32_768)));
    await client.sync();
    expect(data(1) + data(3)).toBe(65_535 + 32_768);
    expect(data(1) - before[0] > 0 || data(1) === 60_000).toBe(true);
    expect(data(3)).toBeGreaterThan(before[1]);
  });

  it('writer.flush is answered by onWritable when little is left waiting', async () => {
    const { server, client } = await raw({ bufferLimitBytes: 10_000 }, ({ writer }, event) => {
      if (event !== 'end') return;
      writer.writeHead(responseHead(200), false);
      writer.writeData(Buffer.alloc(65_535 + 20_000), false, true);
      expect(writer.flush()).toBe(false);
      // Asked again it waits once all the same.
      expect(writer.flush()).toBe(false);
    });
    client.send(head(GET));
    await client.sync();
    const got = server.side.exchanges[0] as Exchange;
    client.send(
      frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(1_000_000)),
      frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(14_999)),
    );
    await client.sync();
    expect([got.writer.queuedBytes, got.writable]).toEqual([5001, 0]);
    client.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(1)));
    await client.sync();
    expect([got.writer.queuedBytes, got.writable]).toEqual([5000, 1]);
    expect(server.side.codec.stalls).toBe(0);
    expect(got.writer.flush()).toBe(true);
  });

  it('pauseRequest stops the credit of its stream only, and counts', async () => {
    const { server, session } = await node({ initialStreamWindowBytes: 65_535 }, ({ writer, head: h }, event) => {
      if (event === 'head' && h.rawPath === '/paused') {
        writer.pauseRequest();
        writer.pauseRequest();
      }
      if (event === 'end') {
        writer.writeHead(responseHead(200), true);
      }
    });
    const paused = exchange(session, { ':method': 'POST', ':path': '/paused' }, Buffer.alloc(200_000));
    await exchange(session, { ':method': 'POST', ':path': '/' }, Buffer.alloc(2_000_000));
    const got = server.side.exchanges[0] as Exchange;
    expect(got.bytes).toBe(65_535);
    got.writer.resumeRequest();
    await exchange(session, { ':method': 'POST', ':path': '/' }, Buffer.alloc(200_000));
    expect(got.bytes).toBe(65_535);
    got.writer.resumeRequest();
    await paused;
    expect(got.bytes).toBe(200_000);
  });

  it('what paused streams hold is bounded by two connection windows', async () => {
    const { server, client } = await raw(
      { initialConnectionWindowBytes: 65_535, initialStreamWindowBytes: 65_535 },
      ({ writer }, event) => {
        if (event === 'head') writer.pauseRequest();
      },
    );
    const piece = Buffer.alloc(16_000);
    for (let i = 0; i < 4; i++)
      client.send(head(POST, Flag.END_HEADERS, 1 + 2 * i), frame(FrameType.DATA, 0, 1 + 2 * i, piece));
    await client.sync();
    const credit = () =>
      client.frames
        .filter((f) => f.type === FrameType.WINDOW_UPDATE && f.stream === 0)
        .reduce((sum, f) => sum + f.payload.readUInt32BE(0), 0);
    expect(credit()).toBe(48_000);
    for (let i = 4; i < 7; i++)
      client.send(head(POST, Flag.END_HEADERS, 1 + 2 * i), frame(FrameType.DATA, 0, 1 + 2 * i, piece));
    await client.sync();
    const granted = credit();
    expect(65_535 + granted).toBeLessThanOrEqual(2 * 65_535);
    for (const { writer } of server.side.exchanges) writer.resumeRequest();
    await client.sync();
    expect(credit()).toBeGreaterThan(granted);
  });

  it('writer.reset sends a code that fits its reason', async () => {
    const reasons = [
      undefined,
      'local reset',
      'local refused stream reset',
      'remote error with CONNECT request',
      'protocol error',
    ] as const;
    let next = 0;
    const { server, client } = await raw({}, ({ writer }, event) => {
      if (event === 'head') writer.reset(reasons[next++]);
    });
    for (let i = 0; i < reasons.length; i++) client.send(head(GET, END, 1 + 2 * i));
    const codes = [];
    for (let i = 0; i < reasons.length; i++) codes.push(await client.resetCode(1 + 2 * i));
    expect(codes).toEqual([2, 2, 7, 10, 1]);
    expect(server.side.exchanges.every(({ reset, streamEnded }) => reset === undefined && streamEnded)).toBe(true);
    expect(server.side.stats.tx_reset.value).toBe(5);
  });

  it('newStream begins 16 requests in a turn, the others in those that follow', async () => {
    const perTurn: number[] = [];
    let begun = 0;
    const count = (): void => {
      perTurn.push(begun);
      begun = 0;
    };
    const { server, client } = await raw({}, ({ writer }, event) => {
      if (event !== 'head') return;
      // The first of a turn is heard of once the whole turn is over.
      if (begun++ === 0) setImmediate(count);
      writer.writeHead(responseHead(200), true);
    });
    client.send(...Array.from({ length: 200 }, (_, index) => head(GET, END, 1 + 2 * index)));
    await client.sync();
    while (perTurn.reduce((sum, one) => sum + one, 0) < 200) await new Promise((resolve) => setImmediate(resolve));
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(16);
    expect(server.side.exchanges.every(({ streamEnded }) => streamEnded)).toBe(true);
    expect(server.side.stats.streams_active.value).toBe(0);
  });

  it('onRstStream takes back requests that still wait for their turn', async () => {
    const { server, client } = await raw({}, ({ writer }, event) => {
      if (event === 'head') writer.writeHead(responseHead(200), true);
    });
    const ids = Array.from({ length: 200 }, (_, index) => 1 + 2 * index);
    client.send(
      ...ids.map((id) => head(GET, END, id)),
      ...ids.map((id) => frame(FrameType.RST_STREAM, 0, id, uint32(8))),
    );
    await client.sync();
    expect(server.side.exchanges).toEqual([]);
    expect(server.side.stats.streams_active.value).toBe(0);
  });

  it('onLocalEnd asks the client to stop sending what an early answer makes useless', async () => {
    const { server, client } = await raw({}, ({ writer }, event) => {
      if (event === 'head') writer.writeHead(responseHead(413), true);
    });
    client.send(head(POST, Flag.END_HEADERS));
    expect(await client.resetCode(1)).toBe(0);
    // Frames that were under way are let pass.
    client.send(
      frame(FrameType.DATA, 0, 1, Buffer.from('late')),
      frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(5)),
      head([['x', 'y']]),
    );
    await client.sync();
    expect(server.side.error).toBeUndefined();
    expect(server.side.exchanges[0]).toMatchObject({ streamEnded: true, bytes: 0, reset: undefined });
  });

  it.each([
    [7, 'remote refused stream reset', 'http2.remote_refuse'],
    [8, 'remote reset', 'http2.remote_reset'],
    [10, 'remote error with CONNECT request', 'http2.remote_reset'],
  ])('onReset names the reason for code %i: %s', async (code, reason, details) => {
    const { server, client } = await raw({}, SILENT);
    client.send(head(POST, Flag.END_HEADERS));
    await client.sync();
    client.send(frame(FrameType.RST_STREAM, 0, 1, uint32(code)));
    await client.sync();
    expect(server.side.exchanges[0]).toMatchObject({ reset: reason, details, streamEnded: true });
    expect(server.side.stats.rx_reset.value).toBe(1);
  });

  it('newStream is not asked for a request that is taken back in the read that brought it', async () => {
    const { server, client } = await raw({}, SILENT);
    client.send(head(GET), frame(FrameType.RST_STREAM, 0, 1, uint32(8)), head(GET, END, 3));
    await client.sync();
    expect([server.side.withdrawn, server.side.ended, server.side.exchanges.length]).toEqual([1, 1, 1]);
    expect(server.side.stats.rx_reset.value).toBe(1);
    client.send(head(POST, Flag.END_HEADERS, 5), frame(FrameType.DATA, 0, 5, Buffer.from('x')));
    client.send(frame(FrameType.RST_STREAM, 0, 5, uint32(8)));
    await client.sync();
    expect(server.side.withdrawn).toBe(1);
    expect(server.side.exchanges[1]).toMatchObject({ body: 'x', reset: 'remote reset' });
  });

  it('closed resets what is open, once', async () => {
    const { server, client } = await raw({}, SILENT);
    client.send(head(GET), head(GET, END, 3));
    await client.sync();
    const { side } = server;
    const closed = new Promise<void>((resolve) => side.connection.socket.once('close', () => resolve()));
    client.socket.destroy();
    await closed;
    expect(side.exchanges.map(({ reset }) => reset)).toEqual(['connection termination', 'connection termination']);
    expect([side.ended, side.codec.activeStreams, side.stats.streams_active.value]).toEqual([2, 0, 0]);
    for (const { writer } of side.exchanges) {
      writer.writeHead(responseHead(200), false);
      writer.writeData(Buffer.from('x'), true, true);
      writer.reset();
      expect(writer.flush()).toBe(true);
    }
    expect(side.ended).toBe(2);
  });

  it('drain announces the end and goes on; goAway ignores what is opened later', async () => {
    const { server, client } = await raw();
    server.side.codec.drain();
    server.side.codec.drain();
    client.send(head(GET));
    await client.frame(FrameType.DATA, 1);
    server.side.codec.goAway();
    client.send(head(GET, END, 3), head(POST, Flag.END_HEADERS, 5), frame(FrameType.DATA, 0, 5, Buffer.from('x')));
    await client.sync();
    const goAways = client.frames
      .filter((f) => f.type === FrameType.GOAWAY)
      .map((f) => [f.payload.readUInt32BE(0), f.payload.readUInt32BE(4)]);
    expect(goAways).toEqual([
      [0x7fffffff, 0],
      [1, 0],
    ]);
    expect(server.side.exchanges.length).toBe(1);
    expect(server.side.error).toBeUndefined();
  });

  it('resetAll ends every stream with a code', async () => {
    const { server, client } = await raw({}, SILENT);
    client.send(head(GET), head(GET, END, 3));
    await client.sync();
    server.side.codec.resetAll('local reset', 8);
    expect([await client.resetCode(1), await client.resetCode(3)]).toEqual([8, 8]);
    expect(server.side.exchanges.map(({ reset }) => reset)).toEqual(['local reset', 'local reset']);
  });

  it('feed refuses a stream too many', async () => {
    const { server, client } = await raw({ maxConcurrentStreams: 2 }, SILENT);
    client.send(head(GET), head(GET, END, 3), head(GET, END, 5));
    expect(await client.resetCode(5)).toBe(7);
    expect(server.side.exchanges.length).toBe(2);
    expect(server.side.stats.stream_refused_errors.value).toBe(1);
  });

  it('feed makes an extended CONNECT an upgrade, whose 101 goes out as 200', async () => {
    const { server, session } = await node({ allowConnect: true }, (got, event) => {
      if (event === 'head') got.writer.writeHead(responseHead(101, ['upgrade', 'websocket', 'x-a', '1']), false);
      if (event === 'data') got.writer.writeData(Buffer.from(`>${got.body}`), got.ended, true);
      if (event === 'batch') got.writer.flush();
    });
    const got = await exchange(
      session,
      { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat', ':scheme': 'http' },
      'ping',
    );
    expect(got.headers[':status']).toBe(200);
    expect(got.headers.upgrade).toBeUndefined();
    expect(got.body).toContain('>ping');
    const { head: h } = server.side.exchanges[0] as Exchange;
    expect([h.rawMethod, h.upgradeTo, h.rawPath, h.framing]).toEqual(['GET', 'websocket', '/chat', Body.none]);
    expect(h.seen & Seen.upgrade).toBe(Seen.upgrade);
  });

  it('feed takes a plain CONNECT', async () => {
    const { server, session } = await node({}, (got, event) => {
      if (event === 'head') got.writer.writeHead(responseHead(200, ['content-length', '0']), false);
      if (event === 'data') got.writer.writeData(Buffer.from(got.body), got.ended, true);
      if (event === 'batch') got.writer.flush();
    });
    const got = await exchange(session, { ':method': 'CONNECT', ':authority': 'target:443' }, 'bytes');
    expect(got.headers['content-length']).toBeUndefined();
    expect(got.body).toContain('bytes');
    const { head: h } = server.side.exchanges[0] as Exchange;
    expect([h.rawMethod, h.rawPath, h.rawAuthority]).toEqual(['CONNECT', '', 'target:443']);
  });

  it.each<[string, number, string[], boolean, string | undefined, number]>([
    ['HEAD keeps its length and sends no body', 200, ['content-length', '5'], false, '5', 0],
    ['304 sends no body', 304, [], false, undefined, 0],
    ['204 has no length', 204, ['content-length', '0'], false, undefined, 0],
  ])('writer: %s', async (name, status, fields, end, length, bytes) => {
    const { session } = await node({}, ({ writer }, event) => {
      if (event !== 'end') return;
      writer.writeHead(responseHead(status, fields), end);
      writer.writeData(Buffer.from('12345'), true, true);
      writer.flush();
    });
    const got = await exchange(session, { ':method': name.startsWith('HEAD') ? 'HEAD' : 'GET', ':path': '/' });
    expect([got.headers[':status'], got.headers['content-length'], got.body.length]).toEqual([status, length, bytes]);
  });

  it.each([
    ['more', '1234567', false],
    ['less', '123', true],
  ])('writer resets a response with %s than its Content-Length', async (_, body, end) => {
    const { client } = await raw({}, ({ writer }, event) => {
      if (event !== 'end') return;
      writer.writeHead(responseHead(200, ['content-length', '5']), false);
      writer.writeData(Buffer.from(body), end, true);
      writer.flush();
    });
    client.send(head(GET));
    expect(await client.resetCode(1)).toBe(1);
  });

  it('writer splits a large head into CONTINUATIONs', async () => {
    const { session } = await node({}, (got, event) => {
      if (event === 'end') got.answer(200, 'ok', ['x-large', 'v'.repeat(40_000)]);
    });
    const got = await exchange(session, { ':path': '/' });
    expect(got.headers['x-large']).toBe('v'.repeat(40_000));
  });

  it('writer finishes a download over TLS, whose writes take time', async () => {
    const fixture = (name: string): Buffer => readFileSync(new URL(`../net/tls/fixtures/${name}`, import.meta.url));
    const total = 3_000_000;
    const left = new Map<Exchange, number>();
    const act: Act = (exchange, event) => {
      if (event === 'end') {
        exchange.writer.writeHead(responseHead(200), false);
        left.set(exchange, total);
      }
      if (event !== 'end' && event !== 'writable') return;
      let bytes = left.get(exchange) as number;
      while (bytes > 0) {
        const size = Math.min(bytes, 60_000);
        bytes -= size;
        exchange.writer.writeData(Buffer.alloc(size), bytes === 0, false);
        if (!exchange.writer.flush()) break;
      }
      left.set(exchange, bytes);
    };
    const sides: ServerSide[] = [];
    const options = { key: fixture('server.key'), cert: fixture('server.pem'), ALPNProtocols: ['h2'], noDelay: true };
    const server = tls.createServer(options, (socket) => sides.push(new ServerSide(socket, {}, act)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const session = http2.connect(`https://127.0.0.1:${port}`, {
      rejectUnauthorized: false,
      settings: { initialWindowSize: 4_000_000 },
    });
    closers.push(() => {
      session.destroy();
      for (const side of sides) side.connection.destroy();
      server.close();
    });
    const got = await Promise.all([1, 2].map(() => exchange(session, { ':path': '/' })));
    expect(got.map(({ body }) => body.length)).toEqual([total, total]);
  });
});
