import http2 from 'node:http2';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HeaderMap } from '../headers/header-map.ts';
import { block, frame, responseHead, TestServer, uint32 } from './fixture.ts';
import { type Answer, ClientSide, requestHead } from './fixtures/client.ts';
import { Flag, FrameType, PREFACE } from './frames.ts';
import type { Http2Options } from './options.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function nodeServer(
  onStream: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
  settings: http2.Settings = {},
): Promise<number> {
  const sessions: http2.ServerHttp2Session[] = [];
  const server = http2.createServer({ settings });
  server.on('session', (session) => sessions.push(session));
  server.on('stream', onStream);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

/** A server that answers the first bytes that contain a request with raw frames. */
async function rawServer(answer: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer((socket) => {
    let bytes = 0;
    let answered = false;
    socket.on('error', () => {});
    socket.write(frame(FrameType.SETTINGS, 0, 0));
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (answered || bytes < PREFACE.length + 100) return;
      answered = true;
      answer(socket);
    });
    closers.push(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

function connect(port: number, options: Partial<Http2Options> = {}): ClientSide {
  const side = new ClientSide(port, options);
  closers.push(() => side.connection.destroy());
  return side;
}

async function raw(
  answer: (socket: net.Socket) => void,
  options: Partial<Http2Options> = {},
  head = requestHead('GET', '/', ['x-fill', 'f'.repeat(100)]),
): Promise<{ side: ClientSide; answer: Answer }> {
  const side = connect(await rawServer(answer), options);
  await side.ready();
  const got = side.request(head);
  await side.watch.until(() => got.ended || got.failure !== undefined || side.error !== undefined);
  return { side, answer: got };
}

describe('Http2ClientCodec', () => {
  it('open exchanges messages with node:http2: fields, bodies, interim heads, trailers', async () => {
    const port = await nodeServer((stream, headers) => {
      let body = '';
      stream.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      stream.on('end', () => {
        stream.additionalHeaders({ ':status': 103, link: '</a>' });
        stream.respond(
          { ':status': 201, 'x-path': headers[':path'], 'x-host': headers[':authority'] },
          { waitForTrailers: true },
        );
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(`${headers[':method']} ${body}`);
      });
    });
    const side = connect(port);
    await side.ready();
    const answer = side.request(requestHead('POST', '/a?b', ['content-length', '5']), 'hello');
    await answer.done();
    expect(answer.failure).toBeUndefined();
    expect(answer.interim).toEqual([103]);
    expect(answer.head?.status).toBe(201);
    expect(answer.head?.value('x-path')).toBe('/a?b');
    expect(answer.head?.value('x-host')).toBe('example.com');
    expect(answer.body).toBe('POST hello');
    expect(answer.trailers?.get('grpc-status')).toBe('0');
    await side.watch.until(() => side.ends.length === 1);
    expect(side.ends).toEqual([undefined]);
    expect(side.codec.activeStreams).toBe(0);
  });

  it('open multiplexes: many requests at a time, each with its own answer', async () => {
    const port = await nodeServer((stream, headers) => {
      setImmediate(() => {
        stream.respond({ ':status': 200 });
        stream.end(String(headers[':path']).repeat(50));
      });
    });
    const side = connect(port);
    await side.ready();
    const answers = Array.from({ length: 100 }, (_, i) => side.request(requestHead('GET', `/${i}`)));
    await Promise.all(answers.map((answer) => answer.done()));
    expect(answers.map((answer) => answer.body)).toEqual(answers.map((_, i) => `/${i}`.repeat(50)));
    expect(side.ends.length).toBe(100);
  });

  it('writeData keeps to the windows and tells when to go on', async () => {
    let received = 0;
    const port = await nodeServer(
      (stream) => {
        stream.on('data', (chunk: Buffer) => {
          received += chunk.length;
        });
        stream.on('end', () => {
          stream.respond({ ':status': 200 });
          stream.end(String(received));
        });
      },
      { initialWindowSize: 1000 },
    );
    const side = connect(port);
    await side.ready();
    const answer = side.answer();
    const writer = side.codec.open(answer, false);
    writer.writeHead(requestHead('POST', '/'), false);
    writer.writeData(Buffer.alloc(300_000), false, true);
    expect(writer.flush()).toBe(false);
    await side.watch.until(() => answer.writable > 0);
    writer.writeData(Buffer.alloc(50_000), false, false);
    const trailers = new HeaderMap();
    trailers.fields.push('x-t', '1');
    writer.writeTrailers(trailers);
    writer.flush();
    await answer.done();
    expect(answer.body).toBe('350000');
  });

  it('pauseResponse withholds credit until resumeResponse', async () => {
    const port = await nodeServer((stream) => {
      stream.respond({ ':status': 200 });
      stream.end(Buffer.alloc(1_000_000));
    });
    const side = connect(port, { initialStreamWindowBytes: 70_000 });
    await side.ready();
    const answer = side.answer();
    const writer = side.codec.open(answer, false);
    answer.onEvent = (_, event) => {
      if (event === 'head') writer.pauseResponse();
    };
    writer.writeHead(requestHead('GET', '/'), true);
    writer.flush();
    await side.watch.until(() => answer.bytes === 70_000);
    const other = side.request(requestHead('GET', '/other'));
    await other.done();
    expect(answer.bytes).toBe(70_000);
    expect(other.bytes).toBe(1_000_000);
    writer.resumeResponse();
    await answer.done();
    expect(answer.bytes).toBe(1_000_000);
  });

  it.each([
    [1, 'protocol error'],
    [2, 'remote reset'],
    [7, 'remote refused stream reset'],
    [8, 'remote reset'],
    [10, 'remote error with CONNECT request'],
  ])('onReset names the reason for code %i: %s', async (code, reason) => {
    const { side, answer } = await raw((socket) => socket.write(frame(FrameType.RST_STREAM, 0, 1, uint32(code))));
    expect(answer.failure).toEqual({
      reason,
      detail: undefined,
      reused: false,
      responseStarted: false,
      requestSent: true,
      multiplexed: true,
    });
    expect(side.ends).toEqual([reason]);
    expect(side.error).toBeUndefined();
  });

  it.each([
    ['all that Content-Length told of has come', '5', 'hello', undefined],
    ['something is missing', '6', 'hello', 'remote reset'],
    ['nothing tells how much there is', undefined, 'hello', 'remote reset'],
  ])('onPeerReset takes NO_ERROR for the end when %s', async (_, length, body, reason) => {
    const fields: [string, string][] = [[':status', '200']];
    if (length !== undefined) fields.push(['content-length', length]);
    const { side, answer } = await raw((socket) =>
      socket.write(
        Buffer.concat([
          frame(FrameType.HEADERS, Flag.END_HEADERS, 1, block(fields)),
          frame(FrameType.DATA, 0, 1, Buffer.from(body)),
          frame(FrameType.RST_STREAM, 0, 1, uint32(0)),
        ]),
      ),
    );
    expect([answer.failure?.reason, answer.ended, answer.body]).toEqual([reason, reason === undefined, body]);
    expect(side.ends).toEqual([reason]);
  });

  it('onGoAway refuses the streams above the last one, and serves the others', async () => {
    const port = await rawServer((socket) => {
      socket.write(
        Buffer.concat([
          frame(FrameType.GOAWAY, 0, 0, Buffer.concat([uint32(1), uint32(0)])),
          frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, 1, block([[':status', '200']])),
        ]),
      );
    });
    const side = connect(port);
    await side.ready();
    const first = side.answer();
    const second = side.answer();
    let accepting = true;
    second.onEvent = () => {
      accepting = side.codec.accepting;
    };
    for (const answer of [first, second]) {
      const writer = side.codec.open(answer, false);
      writer.writeHead(requestHead('GET', '/', ['x-fill', 'f'.repeat(100)]), true);
      writer.flush();
    }
    await second.done();
    await first.done();
    expect(second.failure?.reason).toBe('remote refused stream reset');
    expect(accepting).toBe(false);
    expect(first.head?.status).toBe(200);
    expect(side.goAways).toBe(1);
    expect(side.codec.accepting).toBe(false);
  });

  const status = (value: string): Buffer => block([[':status', value]]);
  const END = Flag.END_HEADERS | Flag.END_STREAM;
  it.each<[string, Buffer]>([
    ['a head without :status', frame(FrameType.HEADERS, END, 1, block([['x', '1']]))],
    ['101', frame(FrameType.HEADERS, Flag.END_HEADERS, 1, status('101'))],
    ['an interim head that ends the stream', frame(FrameType.HEADERS, END, 1, status('103'))],
    ['a status that is no number', frame(FrameType.HEADERS, END, 1, status('2x0'))],
    [
      'a connection-specific field',
      frame(
        FrameType.HEADERS,
        END,
        1,
        block([
          [':status', '200'],
          ['connection', 'close'],
        ]),
      ),
    ],
    ['DATA before a head', frame(FrameType.DATA, 0, 1, Buffer.from('x'))],
  ])('feed refuses %s: the connection, or the stream only where configured', async (_, bytes) => {
    const strict = await raw((socket) => socket.write(bytes));
    expect(strict.answer.failure?.reason).toBe('protocol error');
    expect(strict.side.error?.code).toBe(1);
    expect(strict.side.stats.rx_messaging_error.value).toBe(1);
    const lenient = await raw((socket) => socket.write(bytes), { streamErrorOnInvalidMessage: true });
    expect(lenient.answer.failure?.reason).toBe('protocol error');
    expect(lenient.side.error).toBeUndefined();
    expect(lenient.side.ends).toEqual(['protocol error']);
  });

  it.each<[string, Buffer]>([
    [
      'less DATA than Content-Length says',
      Buffer.concat([
        frame(
          FrameType.HEADERS,
          Flag.END_HEADERS,
          1,
          block([
            [':status', '200'],
            ['content-length', '5'],
          ]),
        ),
        frame(FrameType.DATA, Flag.END_STREAM, 1, Buffer.from('four')),
      ]),
    ],
    [
      'more DATA than Content-Length says',
      Buffer.concat([
        frame(
          FrameType.HEADERS,
          Flag.END_HEADERS,
          1,
          block([
            [':status', '200'],
            ['content-length', '5'],
          ]),
        ),
        frame(FrameType.DATA, 0, 1, Buffer.from('sixsix')),
      ]),
    ],
    [
      'DATA behind 204',
      Buffer.concat([
        frame(FrameType.HEADERS, Flag.END_HEADERS, 1, status('204')),
        frame(FrameType.DATA, 0, 1, Buffer.from('x')),
      ]),
    ],
  ])('feed resets the stream alone for %s', async (_, bytes) => {
    const { answer, side } = await raw((socket) => socket.write(bytes));
    expect(answer.failure?.reason).toBe('protocol error');
    expect([side.error, side.stats.rx_messaging_error.value]).toEqual([undefined, 0]);
    expect(side.ends).toEqual(['protocol error']);
  });

  it.each<[string, Buffer, number]>([
    ['PUSH_PROMISE', frame(FrameType.PUSH_PROMISE, 4, 1, Buffer.alloc(8)), 1],
    ['a frame on a stream that was never opened', frame(FrameType.RST_STREAM, 0, 99, uint32(0)), 1],
    ['a head on an even stream', frame(FrameType.HEADERS, END, 2, status('200')), 1],
    ['a broken header block', frame(FrameType.HEADERS, END, 1, Buffer.from([0x80])), 9],
    ['an oversized frame', frame(FrameType.DATA, 0, 1, Buffer.alloc(16_385)), 6],
  ])('feed gives the connection up after %s', async (_, bytes, code) => {
    const { side, answer } = await raw((socket) => socket.write(bytes));
    expect(side.error?.code).toBe(code);
    expect(answer.failure?.reason).toBe('protocol error');
    expect(side.ends).toEqual(['protocol error']);
  });

  it('feed takes HTTP/1 in the place of HTTP/2 for a protocol error', async () => {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => server.close());
    const side = connect((server.address() as net.AddressInfo).port);
    await side.watch.until(() => side.connected);
    const answer = side.request(requestHead('GET', '/'));
    await answer.done();
    expect(answer.failure?.reason).toBe('protocol error');
  });

  it('closed tells each sink once, also of a stream without a head', async () => {
    const side = connect(await rawServer(() => {}));
    await side.ready();
    const sent = side.request(requestHead('GET', '/'));
    const unsent = side.answer();
    const writer = side.codec.open(unsent, true);
    expect(side.codec.activeStreams).toBe(2);
    side.connection.destroy();
    await side.watch.until(() => side.gone && unsent.failure !== undefined);
    expect(sent.failure?.reason).toBe('connection termination');
    expect(unsent.failure).toMatchObject({ reused: true, requestSent: false });
    expect(side.ends).toEqual(['connection termination', 'connection termination']);
    writer.writeHead(requestHead('GET', '/'), true);
    writer.reset();
    expect(side.ends.length).toBe(2);
  });

  it('settle resets a stream whose response is whole before its request', async () => {
    let code = -1;
    const port = await nodeServer((stream) => {
      stream.on('error', () => {});
      stream.on('close', () => {
        code = stream.rstCode ?? -1;
      });
      stream.respond({ ':status': 413 }, { endStream: true });
    });
    const side = connect(port);
    await side.ready();
    const answer = side.answer();
    const writer = side.codec.open(answer, false);
    writer.writeHead(requestHead('POST', '/'), false);
    writer.writeData(Buffer.from('part'), false, true);
    writer.flush();
    await side.watch.until(() => side.ends.length === 1);
    expect(answer.head?.status).toBe(413);
    expect(side.ends).toEqual([undefined]);
    writer.writeData(Buffer.from('late'), true, true);
    expect(writer.flush()).toBe(true);
    const next = side.request(requestHead('GET', '/'));
    await next.done();
    expect(next.head?.status).toBe(413);
    expect(code).toBe(0);
  });

  it('writeHead asks for a WebSocket with an extended CONNECT, and holds its bytes until the answer', async () => {
    let atAnswer = -1;
    const port = await nodeServer(
      (stream, headers) => {
        let bytes = '';
        stream.on('data', (chunk: Buffer) => {
          bytes += chunk.toString();
          stream.write(chunk);
        });
        setImmediate(() => {
          atAnswer = bytes.length;
          stream.respond({
            ':status': 200,
            'x-seen': `${headers[':method']} ${headers[':protocol']} ${headers[':path']} ${headers.upgrade}`,
          });
        });
      },
      { enableConnectProtocol: true },
    );
    const side = connect(port);
    await side.ready();
    const head = requestHead('GET', '/chat', ['upgrade', 'websocket', 'sec-websocket-version', '13']);
    head.upgradeTo = 'websocket';
    const answer = side.answer();
    const writer = side.codec.open(answer, false);
    writer.writeHead(head, false);
    writer.writeData(Buffer.from('early'), false, true);
    writer.flush();
    await side.watch.until(() => answer.body === 'early');
    expect(atAnswer).toBe(0);
    expect(answer.head?.status).toBe(101);
    expect(answer.head?.value('upgrade')).toBe('websocket');
    expect(answer.head?.value('x-seen')).toBe('CONNECT websocket /chat undefined');
    writer.writeData(Buffer.from(' late'), true, true);
    writer.flush();
    await side.watch.until(() => answer.body === 'early late');
  });

  it('open speaks to Http2ServerCodec: a megabyte both ways', async () => {
    const server = new TestServer({}, (exchange, event) => {
      if (event === 'head') exchange.writer.writeHead(responseHead(200), false);
      if (event === 'end') {
        exchange.writer.writeData(Buffer.alloc(exchange.bytes), true, true);
        exchange.writer.flush();
      }
    });
    const port = await server.listen();
    closers.push(() => server.close());
    const side = connect(port);
    await side.ready();
    const answer = side.request(requestHead('POST', '/'), 'x'.repeat(1_000_000));
    await answer.done();
    expect(answer.bytes).toBe(1_000_000);
    expect(side.stats.pending_send_bytes.value).toBe(0);
    expect(server.side.stats.pending_send_bytes.value).toBe(0);
    expect(server.side.stats.streams_active.value).toBe(0);
  });
});
