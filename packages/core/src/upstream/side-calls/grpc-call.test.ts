import type http2 from 'node:http2';
import { afterEach, describe, expect, it } from 'vitest';
import type { GrpcStreamOptions } from '../../api/side-calls.ts';
import { cleanUp, http2Server, Listener, refusedPort, sideCallRig, until } from './fixture.ts';
import { GrpcFrames, grpcFrame } from './grpc-frames.ts';

afterEach(cleanUp);

const OPTIONS: GrpcStreamOptions = { path: '/pkg.Service/Method', timeoutMs: 0 };
const settings = { protocol: 'http2' } as const;
const text = (value: string) => Buffer.from(value);

/** Answers each message in capitals, and the end with `status`. */
function echo(stream: http2.ServerHttp2Stream, trailers: Record<string, string> = { 'grpc-status': '0' }): void {
  const frames = new GrpcFrames(1e6);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.on('data', (chunk: Buffer) => {
    frames.add(chunk, (message) => stream.write(grpcFrame(text(Buffer.from(message).toString().toUpperCase()))));
  });
  stream.on('end', () => stream.end());
}

async function opened(
  handler: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
  options: Partial<GrpcStreamOptions> = {},
) {
  const rig = sideCallRig([await http2Server(handler)], { settings, equipment: { localIp: '192.0.2.7' } });
  const user = new Listener();
  return { ...rig, user, stream: rig.sideCalls.openGrpcStream('c', { ...OPTIONS, ...options }, user) };
}

describe('openGrpcStream', () => {
  it('carries messages both ways, those too that were sent before there was a connection', async () => {
    let head: http2.IncomingHttpHeaders = {};
    const { stream, user, stat } = await opened(
      (served, headers) => {
        head = headers;
        echo(served);
      },
      { metadata: [['x-a', '1']] },
    );
    expect([stream.send(text('one')), stream.send(text(''))]).toEqual([true, true]);
    await until(() => user.messages.length === 2, 'two messages');
    stream.send(text('three'));
    stream.end();
    expect(await user.done).toEqual([0, '']);
    expect(user.messages).toEqual(['ONE', '', 'THREE']);
    expect(head).toMatchObject({
      ':method': 'POST',
      ':path': '/pkg.Service/Method',
      ':authority': 'c',
      ':scheme': 'http',
      te: 'trailers',
      'content-type': 'application/grpc',
      'x-a': '1',
      'x-envoy-internal': 'true',
      'x-forwarded-for': '192.0.2.7',
    });
    expect(head['grpc-timeout']).toBeUndefined();
    expect(stat('upstream_rq_200')).toBe(1);
    expect(stream.send(text('late'))).toBe(false);
  });

  it('leaves out fields of Envoy when it is told to', async () => {
    let head: http2.IncomingHttpHeaders = {};
    const { user } = await opened(
      (served, headers) => {
        head = headers;
        served.respond({ ':status': 200, 'grpc-status': '0' }, { endStream: true });
      },
      { skipEnvoyHeaders: true, authority: 'who', timeoutMs: 1500 },
    );
    await user.done;
    expect([head['x-envoy-internal'], head['x-forwarded-for']]).toEqual([undefined, undefined]);
    expect([head[':authority'], head['grpc-timeout']]).toEqual(['who', '1500m']);
  });

  const answers: [string, (stream: http2.ServerHttp2Stream) => void, readonly [number, string]][] = [
    [
      'an answer of trailers only',
      (stream) =>
        stream.respond({ ':status': 200, 'grpc-status': '7', 'grpc-message': 'no%20way %zz' }, { endStream: true }),
      [7, 'no way %zz'],
    ],
    ['trailers', (stream) => echo(stream, { 'grpc-status': '5', 'grpc-message': '%C3%A9' }), [5, 'é']],
    ['an HTTP error', (stream) => stream.respond({ ':status': 503 }, { endStream: true }), [14, 'HTTP status 503']],
    [
      'an HTTP error with a body',
      (stream) => {
        stream.respond({ ':status': 404 });
        stream.end('x');
      },
      [12, 'HTTP status 404'],
    ],
    [
      'an HTTP error with a gRPC status',
      (stream) => stream.respond({ ':status': 503, 'grpc-status': '8' }, { endStream: true }),
      [8, ''],
    ],
    [
      'no status at all',
      (stream) => {
        stream.respond({ ':status': 200 });
        stream.end();
      },
      [2, 'the stream ended without a status'],
    ],
    [
      'a status that is none',
      (stream) => stream.respond({ ':status': 200, 'grpc-status': 'x' }, { endStream: true }),
      [2, ''],
    ],
    ['a reset', (stream) => stream.close(2), [14, 'remote reset']],
    [
      'a compressed message',
      (stream) => {
        stream.respond({ ':status': 200 });
        stream.write(Buffer.of(1, 0, 0, 0, 1, 9));
      },
      [13, 'a compressed message, without a compression agreed on'],
    ],
    [
      'no gRPC',
      (stream) => {
        stream.respond({ ':status': 200 });
        stream.write('hello');
      },
      [13, 'the response is no gRPC'],
    ],
    [
      'a message that is too long',
      (stream) => {
        stream.respond({ ':status': 200 });
        stream.write(Buffer.of(0, 1, 0, 0, 0));
      },
      [8, 'a message is longer than it may be'],
    ],
  ];
  it.each(answers)('ends with the status of %s', async (_name, handler, expected) => {
    const { stream, user, stat } = await opened(handler);
    stream.end();
    const [status, message] = await user.done;
    expect([status, message.split(':')[0]]).toEqual(expected);
    await until(() => stat('upstream_rq_active') === 0, 'the stream to end');
    expect(user.ended).toBe(1);
  });

  it('ends with 14 without a cluster, a host or a connection, never at once', async () => {
    const told = async (open: (user: Listener) => unknown) => {
      const user = new Listener();
      open(user);
      expect(user.ended).toBe(0);
      return user.done;
    };
    const empty = sideCallRig([], { settings });
    expect(await told((user) => empty.sideCalls.openGrpcStream('none', OPTIONS, user))).toEqual([
      14,
      "unknown cluster 'none'",
    ]);
    expect(await told((user) => empty.sideCalls.openGrpcStream('c', OPTIONS, user))).toEqual([
      14,
      "no healthy upstream in 'c'",
    ]);
    const refused = sideCallRig([await refusedPort()], { settings });
    const [status, message] = await told((user) => refused.sideCalls.openGrpcStream('c', OPTIONS, user));
    expect([status, message]).toEqual([14, expect.stringContaining('refused')]);
    const bad = { ...OPTIONS, metadata: [['x-a', 'b\r\nc']] as const };
    expect((await told((user) => empty.sideCalls.openGrpcStream('c', bad, user)))[0]).toBe(13);
  });

  it('tries connections as often as it may', async () => {
    const { sideCalls, stat } = sideCallRig([await refusedPort()], { settings });
    const user = new Listener();
    const stream = sideCalls.openGrpcStream('c', { ...OPTIONS, connectRetries: 2 }, user);
    stream.send(text('x'));
    expect((await user.done)[0]).toBe(14);
    expect([stat('upstream_cx_connect_fail'), stat('upstream_rq_retry'), stream.bufferedBytes]).toEqual([3, 2, 6]);
  });

  it('ends with 4 when its time is up', async () => {
    const { user } = await opened(() => {}, { timeoutMs: 30 });
    expect((await user.done)[0]).toBe(4);
  });

  it('stops its user while the server does not read, and lets it go on', async () => {
    let served: http2.ServerHttp2Stream | undefined;
    const { stream, user } = await opened((accepted) => {
      served = accepted;
      accepted.respond({ ':status': 200 });
    });
    const message = Buffer.alloc(50_000);
    let sent = 0;
    while (stream.send(message)) sent++;
    await until(() => served !== undefined, 'the stream');
    expect(stream.bufferedBytes).toBeGreaterThan(0);
    expect([sent < 20, user.writable]).toEqual([true, 0]);
    served?.resume();
    await until(() => user.writable === 1, 'room');
    expect([stream.bufferedBytes, stream.send(message)]).toEqual([0, true]);
  });

  it('is taken from a user that does not listen', async () => {
    const { stream, user } = await opened((accepted) => accepted.respond({ ':status': 200 }));
    const message = Buffer.alloc(4_000_000);
    for (let i = 0; i < 8; i++) stream.send(message);
    expect(stream.send(message)).toBe(false);
    expect(await user.done).toEqual([8, 'too much waits to be sent']);
  });

  it('tells nothing once it is cancelled', async () => {
    let served = 0;
    const { stream, user, stat } = await opened((accepted) => {
      served++;
      echo(accepted);
    });
    stream.send(text('x'));
    await until(() => served === 1 && user.messages.length === 1, 'the echo');
    stream.cancel();
    await until(() => stat('upstream_rq_active') === 0, 'the stream to end');
    expect(user.ended).toBe(0);
  });
});

describe('GrpcFrames', () => {
  it('reads messages however they are cut', () => {
    const bytes = Buffer.concat([grpcFrame(text('ab')), grpcFrame(text('')), grpcFrame(text('cde'))]);
    for (let cut = 1; cut <= bytes.length; cut++) {
      const frames = new GrpcFrames(10);
      const seen: string[] = [];
      for (let at = 0; at < bytes.length; at += cut) {
        const visit = (message: Uint8Array) => seen.push(Buffer.from(message).toString()) > 0;
        expect(frames.add(bytes.subarray(at, at + cut), visit)).toBeUndefined();
      }
      expect([seen, frames.partial]).toEqual([['ab', '', 'cde'], false]);
    }
  });
});
