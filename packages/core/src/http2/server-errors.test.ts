import { afterEach, describe, expect, it } from 'vitest';
import { TimerWheel } from '../runtime/timer-wheel.ts';
import {
  block,
  type Exchange,
  frame,
  GET,
  POST,
  RawClient,
  responseHead,
  StillClock,
  TestServer,
  uint32,
} from './fixture.ts';
import { Flag, FrameType } from './frames.ts';
import { DEFAULT_HTTP2_OPTIONS, type Http2Options } from './options.ts';

const END = Flag.END_HEADERS | Flag.END_STREAM;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Act = (exchange: Exchange, event: string) => void;
const SILENT: Act = () => {};
const HELLO: Act = (exchange, event) => {
  if (event === 'end') exchange.answer(200, 'hello');
};

async function raw(
  options: Partial<Http2Options> = {},
  act: Act = SILENT,
  greet = true,
): Promise<{ server: TestServer; client: RawClient }> {
  const server = new TestServer(options, act);
  const port = await server.listen();
  closers.push(() => server.close());
  const client = await RawClient.connect(port, greet);
  closers.push(() => client.socket.destroy());
  await client.frame(FrameType.SETTINGS);
  if (greet) await client.sync();
  return { server, client };
}

type Fields = readonly (readonly [string, string])[];
const head = (fields: Fields, flags: number = END, stream = 1): Buffer =>
  frame(FrameType.HEADERS, flags, stream, block(fields));
const open = (stream = 1): Buffer => head(POST, Flag.END_HEADERS, stream);
const without = (name: string): Fields => GET.filter(([field]) => field !== name);
const settings = (id: number, value: number): Buffer =>
  frame(FrameType.SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, id]), uint32(value)]));

describe('Http2ServerCodec', () => {
  it.each<[string, Buffer[]]>([
    ['no :method', [head(without(':method'))]],
    ['no :scheme', [head(without(':scheme'))]],
    ['no :path', [head(without(':path'))]],
    ['neither :authority nor host', [head(without(':authority'))]],
    ['two hosts', [head([...without(':authority'), ['host', 'a'], ['host', 'a']])]],
    [':path twice', [head([...GET.slice(0, 3), [':path', '/']])]],
    ['an empty :path', [head([...without(':path'), [':path', '']])]],
    ['a :path without slash', [head([...without(':path'), [':path', 'a']])]],
    ['a space in :path', [head([...without(':path'), [':path', '/a b']])]],
    ['an asterisk with GET', [head([...without(':path'), [':path', '*']])]],
    ['a space in :method', [head([...without(':method'), [':method', 'G T']])]],
    ['a :scheme that is none', [head([...without(':scheme'), [':scheme', 'h p']])]],
    ['a bad :authority', [head([...without(':authority'), [':authority', 'a b']])]],
    ['credentials in :authority', [head([...without(':authority'), [':authority', 'u@b']])]],
    ['an unknown pseudo field', [head([...GET, [':x', 'y']])]],
    [':status', [head([...GET, [':status', '200']])]],
    ['a pseudo field behind others', [head([...without(':path'), ['x', 'y'], [':path', '/']])]],
    ['an upper-case name', [head([...GET, ['X-A', 'b']])]],
    ['an empty name', [head([...GET, ['', 'b']])]],
    ['a space in a name', [head([...GET, ['a b', 'c']])]],
    ['NUL in a value', [head([...GET, ['x', 'a\0b']])]],
    ['LF in a value', [head([...GET, ['x', 'a\nb: c']])]],
    ['CR in a value', [head([...GET, ['x', 'a\rb']])]],
    ['connection', [head([...GET, ['connection', 'close']])]],
    ['keep-alive', [head([...GET, ['keep-alive', '5']])]],
    ['proxy-connection', [head([...GET, ['proxy-connection', 'close']])]],
    ['transfer-encoding', [head([...GET, ['transfer-encoding', 'chunked']])]],
    ['upgrade', [head([...GET, ['upgrade', 'h2c']])]],
    ['te: gzip', [head([...GET, ['te', 'gzip']])]],
    ['content-length twice', [head([...POST, ['content-length', '1'], ['content-length', '1']], Flag.END_HEADERS)]],
    ['a content-length that is no number', [head([...POST, ['content-length', '+1']], Flag.END_HEADERS)]],
    ['a content-length without a body', [head([...POST, ['content-length', '1']])]],
    [
      'trailers before content-length is reached',
      [head([...POST, ['content-length', '5']], Flag.END_HEADERS), head([['x', 'y']])],
    ],
    ['trailers that do not end the stream', [open(), head([['x', 'y']], Flag.END_HEADERS)]],
    ['a pseudo field in trailers', [open(), head([[':path', '/']])]],
    ['a connection-specific field in trailers', [open(), head([['connection', 'close']])]],
    ['CONNECT with :path', [head([[':method', 'CONNECT'], ...GET.slice(1)], Flag.END_HEADERS)]],
    ['CONNECT without :authority', [head([[':method', 'CONNECT']], Flag.END_HEADERS)]],
    [
      ':protocol where it is not allowed',
      [head([[':method', 'CONNECT'], ...GET.slice(1), [':protocol', 'websocket']], Flag.END_HEADERS)],
    ],
  ])('feed refuses %s: the connection, or the stream only where configured', async (_, frames) => {
    const strict = await raw();
    strict.client.send(...frames);
    expect(await strict.client.goAwayCode()).toBe(1);
    expect(strict.server.side.error?.details).toMatch(
      /^http2\.(invalid\.header\.field|violation\.of\.messaging\.rule)$/,
    );
    const lenient = await raw({ streamErrorOnInvalidMessage: true });
    lenient.client.send(...frames);
    expect(await lenient.client.resetCode(1)).toBe(1);
    const { side } = lenient.server;
    expect([side.error, side.messageErrors.length, side.stats.rx_messaging_error.value]).toEqual([undefined, 1, 1]);
    const got = side.exchanges[0];
    if (got !== undefined) expect([got.reset, got.ended]).toEqual(['protocol error', false]);
  });

  it.each<[string, number, string]>([
    ['less', Flag.END_STREAM, 'four'],
    ['more', 0, 'sixsix'],
  ])('feed resets the stream alone for %s DATA than content-length', async (_, flags, body) => {
    const { client, server } = await raw();
    client.send(head([...POST, ['content-length', '5']], Flag.END_HEADERS));
    await client.sync();
    client.send(frame(FrameType.DATA, flags, 1, Buffer.from(body)));
    expect(await client.resetCode(1)).toBe(1);
    expect([server.side.error, server.side.stats.rx_messaging_error.value]).toEqual([undefined, 0]);
    expect(server.side.exchanges[0]).toMatchObject({ reset: 'protocol error', ended: false });
  });

  it(':protocol with another method than CONNECT is refused', async () => {
    const { client } = await raw({ allowConnect: true });
    client.send(head([...GET, [':protocol', 'websocket']]));
    expect(await client.goAwayCode()).toBe(1);
  });

  it.each<[string, Buffer[], number]>([
    ['DATA on stream 0', [frame(FrameType.DATA, 0, 0, Buffer.from('x'))], 1],
    ['DATA on an idle stream', [frame(FrameType.DATA, 0, 1, Buffer.from('x'))], 1],
    ['DATA behind END_STREAM', [head(GET), frame(FrameType.DATA, 0, 1, Buffer.from('x'))], 5],
    [
      'DATA behind RST_STREAM',
      [open(), frame(FrameType.RST_STREAM, 0, 1, uint32(8)), frame(FrameType.DATA, 0, 1, Buffer.from('x'))],
      5,
    ],
    ['a head behind END_STREAM', [head(GET), head(GET)], 5],
    ['a head on an older stream', [head(GET, END, 3), head(GET)], 5],
    ['a head on an even stream', [head(GET, END, 2)], 1],
    ['a head on stream 0', [head(GET, END, 0)], 1],
    ['padding as long as its frame', [open(), frame(FrameType.DATA, Flag.PADDED, 1, Buffer.from([3, 0, 0]))], 1],
    ['padding longer than a head', [frame(FrameType.HEADERS, END | Flag.PADDED, 1, Buffer.from([200, 0x82]))], 1],
    ['padding without its length', [open(), frame(FrameType.DATA, Flag.PADDED, 1)], 1],
    ['a stream that depends on itself', [frame(FrameType.PRIORITY, 0, 1, Buffer.from([0, 0, 0, 1, 0]))], 1],
    [
      'a head that depends on itself',
      [frame(FrameType.HEADERS, END | Flag.PRIORITY, 1, Buffer.from([0, 0, 0, 1, 0, 0x82]))],
      1,
    ],
    ['PRIORITY of four bytes', [frame(FrameType.PRIORITY, 0, 1, Buffer.alloc(4))], 6],
    ['PRIORITY on stream 0', [frame(FrameType.PRIORITY, 0, 0, Buffer.alloc(5))], 1],
    ['RST_STREAM on an idle stream', [frame(FrameType.RST_STREAM, 0, 1, uint32(8))], 1],
    ['RST_STREAM on stream 0', [frame(FrameType.RST_STREAM, 0, 0, uint32(8))], 1],
    ['RST_STREAM of three bytes', [open(), frame(FrameType.RST_STREAM, 0, 1, Buffer.alloc(3))], 6],
    ['PUSH_PROMISE', [open(), frame(FrameType.PUSH_PROMISE, 4, 1, Buffer.alloc(8))], 1],
    ['PING on a stream', [frame(FrameType.PING, 0, 1, Buffer.alloc(8))], 1],
    ['PING of six bytes', [frame(FrameType.PING, 0, 0, Buffer.alloc(6))], 6],
    ['GOAWAY on a stream', [frame(FrameType.GOAWAY, 0, 1, Buffer.alloc(8))], 1],
    ['GOAWAY of four bytes', [frame(FrameType.GOAWAY, 0, 0, Buffer.alloc(4))], 6],
    ['WINDOW_UPDATE of nothing', [frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0))], 1],
    ['WINDOW_UPDATE of nothing on a stream', [open(), frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(0))], 1],
    ['WINDOW_UPDATE of three bytes', [frame(FrameType.WINDOW_UPDATE, 0, 0, Buffer.alloc(3))], 6],
    ['WINDOW_UPDATE on an idle stream', [frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(1))], 1],
    ['a window beyond 2^31 - 1', [frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0x7fffffff))], 3],
    [
      'settings that lift a stream window beyond 2^31 - 1',
      [open(), frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(0x7fff0000 - 1)), settings(4, 0x7fffffff)],
      3,
    ],
    ['SETTINGS on a stream', [frame(FrameType.SETTINGS, 0, 1)], 1],
    ['SETTINGS of five bytes', [frame(FrameType.SETTINGS, 0, 0, Buffer.alloc(5))], 6],
    ['an acknowledgement with entries', [frame(FrameType.SETTINGS, Flag.ACK, 0, Buffer.alloc(6))], 6],
    ['ENABLE_PUSH of 2', [settings(2, 2)], 1],
    ['INITIAL_WINDOW_SIZE of 2^31', [settings(4, 0x80000000)], 3],
    ['MAX_FRAME_SIZE of 16 383', [settings(5, 16_383)], 1],
    ['MAX_FRAME_SIZE of 2^24', [settings(5, 2 ** 24)], 1],
    ['ENABLE_CONNECT_PROTOCOL taken back', [settings(8, 1), settings(8, 0)], 1],
    ['CONTINUATION without a head', [frame(FrameType.CONTINUATION, 4, 1)], 1],
    ['another frame amid a head', [head(GET, Flag.END_STREAM), frame(FrameType.PING, 0, 0, Buffer.alloc(8))], 1],
    ['CONTINUATION of another stream', [head(GET, Flag.END_STREAM), frame(FrameType.CONTINUATION, 4, 3)], 1],
    ['an oversized frame', [open(), frame(FrameType.DATA, 0, 1, Buffer.alloc(16_385))], 6],
    ['a header block that is none', [frame(FrameType.HEADERS, END, 1, Buffer.from([0xff, 0xff, 0xff]))], 9],
    ['a trailer block that is none', [open(), frame(FrameType.HEADERS, END, 1, Buffer.from([0x80]))], 9],
  ])('feed gives the connection up after %s', async (_, frames, code) => {
    const { server, client } = await raw();
    client.send(...frames);
    expect(await client.goAwayCode()).toBe(code);
    await client.end();
    const { side } = server;
    expect([side.codec.activeStreams, side.stats.streams_active.value]).toEqual([0, 0]);
    for (const { reset, details, streamEnded } of side.exchanges) {
      if (reset !== 'remote reset') expect([reset, details]).toEqual(['protocol error', side.error?.details]);
      expect(streamEnded).toBe(true);
    }
  });

  it('feed parses nothing behind the frame that ended the connection', async () => {
    const { server, client } = await raw();
    client.send(frame(FrameType.PING, 0, 1, Buffer.alloc(8)), head(GET));
    await client.end();
    expect(server.side.exchanges.length).toBe(0);
    expect(client.frames.filter(({ type }) => type === FrameType.GOAWAY).length).toBe(1);
  });

  it.each(['GET / HTTP/1.1\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nXX'])(
    'feed refuses %j in the place of the preface',
    async (text) => {
      const { client } = await raw({}, SILENT, false);
      client.send(Buffer.from(text));
      expect(await client.goAwayCode()).toBe(1);
    },
  );

  it('feed refuses a connection that does not begin with SETTINGS', async () => {
    const { client } = await raw({}, SILENT, false);
    client.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(FrameType.PING, 0, 0, Buffer.alloc(8)));
    expect(await client.goAwayCode()).toBe(1);
  });

  it('feed resets a stream whose window overflows', async () => {
    const { server, client } = await raw();
    client.send(open());
    await client.sync();
    client.send(frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(0x7fffffff)));
    expect(await client.resetCode(1)).toBe(3);
    expect(server.side.exchanges[0]?.reset).toBe('protocol error');
    expect(server.side.error).toBeUndefined();
  });

  it('feed holds the client to the windows it was given', async () => {
    const options = { initialStreamWindowBytes: 65_535, initialConnectionWindowBytes: 200_000 };
    const data = (bytes: number, stream = 1): Buffer[] => {
      const frames = [];
      for (let left = bytes; left > 0; left -= 16_384)
        frames.push(frame(FrameType.DATA, 0, stream, Buffer.alloc(Math.min(left, 16_384))));
      return frames;
    };
    const paused: Act = ({ writer }, event) => {
      if (event === 'head') writer.pauseRequest();
    };
    const fits = await raw(options, paused);
    fits.client.send(open(), ...data(65_535));
    await fits.client.sync();
    expect(fits.server.side.error).toBeUndefined();
    fits.client.send(...data(1));
    expect(await fits.client.goAwayCode()).toBe(3);
  });

  it.each<[string, Fields, Partial<Http2Options>, number]>([
    [
      'more fields than allowed',
      [...GET, ...Array.from({ length: 97 }, (_, i): [string, string] => [`x-${i}`, 'v'])],
      {},
      0,
    ],
    ['more bytes than allowed', [...GET, ['x', 'v'.repeat(2000)]], { limits: { maxBytes: 2000, maxFields: 100 } }, 1],
    [
      'cookie crumbs beyond the limit',
      [...GET, ...Array.from({ length: 97 }, (): [string, string] => ['cookie', 'a'])],
      {},
      0,
    ],
    ['an underscore where it is refused', [...GET, ['a_b', 'c']], { underscores: 'REJECT_REQUEST' }, 2],
  ])('feed resets a stream with %s, and the connection goes on', async (_, fields, options, which) => {
    const { server, client } = await raw(options, HELLO);
    client.send(head(fields), head(GET, END, 3));
    expect(await client.resetCode(1)).toBe(2);
    expect((await client.frame(FrameType.DATA, 3))?.payload.toString()).toBe('hello');
    const { stats } = server.side;
    const { header_overflow, header_list_size_too_large, requests_rejected_with_underscores_in_headers } = stats;
    const counted = [header_overflow, header_list_size_too_large, requests_rejected_with_underscores_in_headers];
    expect(counted.map(({ value }) => value)).toEqual([0, 1, 2].map((i) => Number(i === which)));
  });

  it('feed lets exactly as many fields and bytes through as allowed', async () => {
    const fields: Fields = [...GET, ...Array.from({ length: 96 }, (_, i): [string, string] => [`x-${i}`, 'v'])];
    const bytes = fields.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    const { client, server } = await raw({ limits: { maxBytes: bytes, maxFields: 100 } }, HELLO);
    client.send(head(fields));
    await client.frame(FrameType.DATA, 1);
    expect(server.side.exchanges.length).toBe(1);
    client.send(head([...fields.slice(0, -1), ['x-95', 'vv']], END, 3));
    expect(await client.resetCode(3)).toBe(2);
  });

  it('feed drops fields with underscores where configured', async () => {
    const { server, client } = await raw({ underscores: 'DROP_HEADER' });
    client.send(head([...GET, ['a_b', 'c'], ['a-b', 'd']]));
    await client.sync();
    expect(server.side.exchanges[0]?.head.fields).toEqual(['a-b', 'd']);
    expect(server.side.stats.dropped_headers_with_underscores.value).toBe(1);
  });
});

describe('FloodGuard', () => {
  const many = (count: number, bytes: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => bytes));

  it.each<[string, string, (side: number) => Buffer[], Buffer]>([
    [
      'empty DATA',
      'inbound_empty_frames_flood',
      () => [open(), frame(FrameType.DATA, 0, 1)],
      frame(FrameType.DATA, 0, 1),
    ],
    [
      'DATA of padding',
      'inbound_empty_frames_flood',
      () => [open(), frame(FrameType.DATA, Flag.PADDED, 1, Buffer.alloc(3, 2))],
      frame(FrameType.DATA, Flag.PADDED, 1, Buffer.alloc(3, 2)),
    ],
    [
      'empty CONTINUATIONs',
      'inbound_empty_frames_flood',
      () => [head(GET, Flag.END_STREAM), frame(FrameType.CONTINUATION, 0, 1)],
      frame(FrameType.CONTINUATION, 0, 1),
    ],
    [
      'PRIORITY',
      'inbound_priority_frames_flood',
      () => [head(GET), many(200, frame(FrameType.PRIORITY, 0, 1, Buffer.alloc(5)))],
      frame(FrameType.PRIORITY, 0, 1, Buffer.alloc(5)),
    ],
    [
      'WINDOW_UPDATE',
      'inbound_window_update_frames_flood',
      () => [head(GET), many(7, frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(1)))],
      frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(1)),
    ],
  ])('received stops %s at the published count', async (_, stat, upTo, last) => {
    const { server, client } = await raw();
    server.side.codec.feed(Buffer.concat(upTo(0)), true);
    expect(server.side.error).toBeUndefined();
    server.side.codec.feed(last, true);
    expect(server.side.error).toEqual({ code: 11, details: `http2.${stat}` });
    expect((server.side.stats as unknown as Record<string, { value: number }>)[stat]?.value).toBe(1);
    expect(await client.goAwayCode()).toBe(11);
  });

  it('received allows ten more WINDOW_UPDATEs and two for each DATA frame sent', async () => {
    const { server, client } = await raw({}, HELLO);
    client.send(head(GET));
    await client.frame(FrameType.DATA);
    const update = frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(1));
    server.side.codec.feed(many(5 + 2 * (1 + 10), update), true);
    expect(server.side.error).toBeUndefined();
    server.side.codec.feed(update, true);
    expect(server.side.error?.details).toBe('http2.inbound_window_update_frames_flood');
  });

  it.each<[string, Partial<Http2Options>, string]>([
    ['control frames', { maxOutboundControlFrames: 50 }, 'http2.outbound_control_flood'],
    ['frames', { maxOutboundFrames: 50 }, 'http2.outbound_flood'],
  ])('queued stops a client that does not read at the limit of %s', async (_, options, details) => {
    const { server, client } = await raw(options);
    client.socket.pause();
    const { side } = server;
    const ping = frame(FrameType.PING, 0, 0, Buffer.alloc(8));
    // The kernel takes no more.
    Object.defineProperty(side.connection.socket, 'writableLength', { get: () => 1, configurable: true });
    side.codec.feed(many(50, ping), true);
    expect(side.error).toBeUndefined();
    side.codec.feed(ping, true);
    expect(side.error).toEqual({ code: 11, details });
  });

  it('queued lets a client that reads ask as often as it likes', async () => {
    const { server } = await raw({ maxOutboundControlFrames: 50 });
    for (let i = 0; i < 50; i++) {
      server.side.codec.feed(many(50, frame(FrameType.PING, 0, 0, Buffer.alloc(8))), true);
      expect(server.side.error).toBeUndefined();
    }
    expect(server.side.error).toBeUndefined();
  });

  it('received bounds a head that does not end, by frames and by bytes', async () => {
    const small = await raw();
    small.server.side.codec.feed(head(GET, Flag.END_STREAM), true);
    const one = frame(FrameType.CONTINUATION, 0, 1, Buffer.from([0x82]));
    small.server.side.codec.feed(many(15, one), true);
    expect(small.server.side.error).toBeUndefined();
    small.server.side.codec.feed(one, true);
    expect(small.server.side.error?.code).toBe(11);
    const large = await raw();
    large.server.side.codec.feed(head(GET, Flag.END_STREAM), true);
    for (let i = 0; i < 5; i++)
      large.server.side.codec.feed(frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(16_000, 0x82)), true);
    expect(large.server.side.error).toEqual({ code: 11, details: 'http2.too_many_headers' });
  });

  it.each<[string, Buffer, Partial<Http2Options>]>([
    ['RST_STREAM', frame(FrameType.RST_STREAM, 0, 1, uint32(8)), {}],
    ['frames that make the server reset', frame(FrameType.WINDOW_UPDATE, 0, 1, uint32(0x7fffffff)), {}],
    ['messages that are none', head([['x', 'y']], Flag.END_HEADERS), { streamErrorOnInvalidMessage: true }],
  ])('requestEnded stops rapid resets by %s at half of the count', async (_, reset, options) => {
    const { server } = await raw(options);
    const { codec } = server.side;
    const pair = (i: number): Buffer => {
      const id = 2 * i + 1;
      const second = Buffer.from(reset);
      second.writeUInt32BE(id, 5);
      return Buffer.concat([open(id), second]);
    };
    for (let i = 0; i < 249; i++) codec.feed(pair(i), true);
    expect(server.side.error).toBeUndefined();
    codec.feed(pair(249), true);
    expect(server.side.error).toEqual({ code: 11, details: 'too_many_premature_resets' });
  });

  it('requestEnded counts neither answered streams nor old ones', async () => {
    const clock = new StillClock();
    const wheel = new TimerWheel(clock, (error) => {
      throw error;
    });
    const server = new TestServer(
      { prematureResetStreamCount: 4 },
      ({ writer, head: h }, event) => {
        if (event === 'head' && h.rawMethod === 'GET') writer.writeHead(responseHead(200), false);
      },
      wheel,
    );
    closers.push(() => server.close());
    const client = await RawClient.connect(await server.listen());
    closers.push(() => client.socket.destroy());
    await client.sync();
    const reset = (i: number): Buffer => frame(FrameType.RST_STREAM, 0, 2 * i + 1, uint32(8));
    for (let i = 0; i < 10; i++) client.send(open(2 * i + 1));
    await client.sync();
    clock.advance(DEFAULT_HTTP2_OPTIONS.prematureResetLifetimeMs + 1);
    for (let i = 0; i < 10; i++) client.send(reset(i));
    for (let i = 10; i < 20; i++) client.send(head(GET, Flag.END_HEADERS, 2 * i + 1));
    await client.sync();
    for (let i = 10; i < 20; i++) client.send(reset(i));
    await client.sync();
    expect(server.side.error).toBeUndefined();
    expect(server.side.ended).toBe(20);
  });
});

describe('KeepAlive', () => {
  async function pinged(): Promise<{ server: TestServer; client: RawClient; clock: StillClock }> {
    const clock = new StillClock();
    const wheel = new TimerWheel(clock, (error) => {
      throw error;
    });
    const keepalive = { intervalMs: 1000, timeoutMs: 500, intervalJitterPercent: 0, connectionIdleIntervalMs: 0 };
    const server = new TestServer({ keepalive }, SILENT, wheel);
    closers.push(() => server.close());
    const client = await RawClient.connect(await server.listen());
    closers.push(() => client.socket.destroy());
    await client.sync();
    clock.advance(1100);
    await client.sync();
    const pings = client.frames.filter(({ type, flags }) => type === FrameType.PING && flags === 0);
    expect(pings.length).toBe(1);
    return { server, client, clock };
  }

  it('onDue gives up a connection that answers nothing', async () => {
    const { server, client, clock } = await pinged();
    clock.advance(600);
    expect(server.side.error).toEqual({ code: 0, details: 'http2.ping_timeout' });
    expect(server.side.stats.keepalive_timeout.value).toBe(1);
    await client.end();
  });

  it('onFrame and onPingAck keep a connection that lives', async () => {
    const { server, client, clock } = await pinged();
    clock.advance(400);
    client.send(frame(FrameType.SETTINGS, 0, 0));
    await client.sync();
    clock.advance(400);
    client.send(frame(FrameType.PING, Flag.ACK, 0, Buffer.alloc(8)));
    await client.sync();
    clock.advance(900);
    expect(server.side.error).toBeUndefined();
  });
});
