import { describe, expect, it } from 'vitest';
import { HeaderMap, RequestHead } from '../headers/header-map.ts';
import { ClientRig, ResponseRecorder } from './fixture.ts';
import { DEFAULT_HTTP1_OPTIONS } from './options.ts';

function request(method = 'GET', ...fields: string[]): RequestHead {
  const head = new RequestHead();
  head.method = method;
  head.path = '/x';
  head.authority = 'h.test';
  for (let i = 0; i < fields.length; i += 2) head.append(fields[i] as string, fields[i + 1] as string);
  return head;
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';

describe('Http1ClientCodec requests', () => {
  it('writes one Host first and the fields in order', () => {
    const rig = new ClientRig();
    rig.send(request('GET', 'a', '1', 'b', '2'));
    expect(rig.socket.take()).toBe('GET /x HTTP/1.1\r\nhost: h.test\r\na: 1\r\nb: 2\r\n\r\n');
  });

  it.each(['POST', 'PUT', 'PATCH'])('%s without a body says so', (method) => {
    const rig = new ClientRig();
    rig.send(request(method));
    expect(rig.socket.take()).toContain('\r\ncontent-length: 0\r\n\r\n');
  });

  it.each([
    ['Content-Length', ['content-length', '5'], 'content-length: 5\r\n\r\nhello'],
    ['chunks', [], 'transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'],
  ])('frames a body by %s', (_, fields, tail) => {
    const rig = new ClientRig();
    rig.codec.attach(new ResponseRecorder(), false);
    rig.codec.writeHead(request('POST', ...fields), false);
    rig.codec.writeData(Buffer.from('he'), false, true);
    rig.codec.writeData(Buffer.from('llo'), true, true);
    expect(rig.socket.take()).toBe(`POST /x HTTP/1.1\r\nhost: h.test\r\n${tail}`);
  });

  it.each([
    ['longer', 'hello!', false],
    ['shorter', 'hell', true],
  ])('a body that is %s than its Content-Length ends the connection and the stream', (_, body, end) => {
    const rig = new ClientRig();
    const recorder = new ResponseRecorder();
    rig.codec.attach(recorder, false);
    rig.codec.writeHead(request('POST', 'content-length', '5'), false);
    rig.codec.writeData(Buffer.from(body), end, true);
    expect(rig.socket.destroyed).toBe(true);
    expect(recorder.failure?.reason).toBe('local reset');
    expect(rig.ends).toEqual([]);
  });

  it('an empty piece of a chunked body does not end it', () => {
    const rig = new ClientRig();
    rig.codec.attach(new ResponseRecorder(), false);
    rig.codec.writeHead(request('POST'), false);
    rig.socket.take();
    rig.codec.writeData(Buffer.alloc(0), false, true);
    rig.codec.flush();
    expect(rig.socket.take()).not.toContain('0\r\n\r\n');
  });

  it('writes trailers only when enabled', () => {
    for (const enableTrailers of [false, true]) {
      const rig = new ClientRig({ ...DEFAULT_HTTP1_OPTIONS, enableTrailers });
      const trailers = new HeaderMap();
      trailers.append('x-t', '1');
      rig.codec.attach(new ResponseRecorder(), false);
      rig.codec.writeHead(request('POST'), false);
      rig.codec.writeTrailers(trailers);
      expect(rig.socket.take()).toContain(`\r\n\r\n0\r\n${enableTrailers ? 'x-t: 1\r\n' : ''}\r\n`);
    }
  });
});

describe('Http1ClientCodec responses', () => {
  it.each([
    ['Content-Length', OK],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\nX-T: 1\r\n\r\n'],
  ])('reads a body framed by %s at every split and keeps the connection', (_, text) => {
    for (let size = 1; size <= text.length; size++) {
      const rig = new ClientRig();
      const { seen } = rig.send(request());
      for (let at = 0; at < text.length; at += size) rig.feed(text.slice(at, at + size));
      expect(seen, `size ${size}`).toMatchObject({ head: { status: 200 }, body: 'hello', ended: true });
      expect(rig.ends).toEqual([true]);
      expect(rig.codec.busy).toBe(false);
    }
  });

  it('serves request after request', () => {
    const rig = new ClientRig();
    for (let i = 1; i <= 3; i++) {
      const { seen } = rig.send(request());
      rig.feed(OK);
      expect(seen).toMatchObject({ body: 'hello', ended: true });
      expect(rig.codec.requests).toBe(i);
    }
    expect(rig.ends).toEqual([true, true, true]);
  });

  it('reads until the close, and a clean end completes the body', () => {
    const rig = new ClientRig();
    const { seen } = rig.send(request());
    rig.feed('HTTP/1.1 200 OK\r\n\r\nhel');
    rig.feed('lo');
    expect(seen).toMatchObject({ body: 'hello', ended: false });
    rig.codec.disconnected('connection termination', undefined, true);
    expect(seen.ended).toBe(true);
  });

  it('an unclean end does not complete a body that is read until the close', () => {
    const rig = new ClientRig();
    const recorder = rig.send(request());
    rig.feed('HTTP/1.1 200 OK\r\n\r\nhel');
    rig.codec.disconnected('connection termination', 'read ECONNRESET', false);
    expect(recorder.seen.ended).toBe(false);
    expect(recorder.failure).toMatchObject({ detail: 'read ECONNRESET', responseStarted: true });
  });

  it.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
  ])('%s ends at the head of %j', (method, text) => {
    const rig = new ClientRig();
    const { seen } = rig.send(request(method));
    rig.feed(text);
    expect(seen).toMatchObject({ body: '', ended: true });
    expect(rig.ends).toEqual([true]);
  });

  it('passes interim heads on and still reads the final one', () => {
    const rig = new ClientRig();
    const recorder = rig.send(request());
    rig.feed(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}`);
    expect(recorder.interim).toEqual([100, 103]);
    expect(recorder.seen).toMatchObject({ head: { status: 200 }, body: 'hello', ended: true });
    expect(recorder.seen.head?.has('link')).toBe(false);
  });

  it('passes trailers on only when enabled, less the forbidden ones', () => {
    const text = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-T: 1\r\nSet-Cookie: a\r\n\r\n';
    for (const enableTrailers of [false, true]) {
      const rig = new ClientRig({ ...DEFAULT_HTTP1_OPTIONS, enableTrailers });
      const { seen } = rig.send(request());
      rig.feed(text);
      expect(seen).toMatchObject({ ended: true, trailers: enableTrailers ? [['x-t', '1']] : undefined });
    }
  });
});

describe('Http1ClientCodec never reuses a connection', () => {
  it.each([
    ['with Connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello'],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello'],
    ['with bytes behind the body', `${OK}EXTRA`],
    ['with a second response', OK + OK],
    [
      'with bytes behind the last chunk',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nX',
    ],
  ])('%s, and the response counts', (_, text) => {
    const rig = new ClientRig();
    const recorder = rig.send(request());
    rig.feed(text);
    expect(recorder.seen).toMatchObject({ body: 'hello', ended: true, batches: 1 });
    expect(rig.ends).toEqual([false]);
    rig.codec.disconnected('connection termination', undefined, true);
    expect(recorder.failure).toBeUndefined();
  });

  it('that answered HEAD with a body', () => {
    const rig = new ClientRig();
    const { seen } = rig.send(request('HEAD'));
    rig.feed('HTTP/1.1 200 OK\r\nContent-Length: 46\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nPOISONED');
    expect(seen).toMatchObject({ body: '', ended: true });
    expect(rig.ends).toEqual([false]);
  });

  it('that was answered before the request was whole', () => {
    const rig = new ClientRig();
    const recorder = new ResponseRecorder();
    rig.codec.attach(recorder, false);
    rig.codec.writeHead(request('POST', 'content-length', '10'), false);
    rig.feed(OK);
    expect(recorder.seen.ended).toBe(true);
    expect(rig.ends).toEqual([false]);
  });

  it('that speaks while idle', () => {
    const rig = new ClientRig();
    rig.feed(OK);
    expect(rig.protocolErrors).toBe(1);
    rig.send(request());
    rig.feed('x');
    expect(rig.ends).toEqual([]);
  });

  it('whose rest is not taken for the answer to a request that starts inside the last callback', () => {
    const rig = new ClientRig();
    const first = new ResponseRecorder();
    const second = new ResponseRecorder();
    first.onData = (chunk, end) => {
      if (!end) return;
      first.seen.ended = true;
      expect(Buffer.from(chunk).toString()).toBe('hello');
      rig.codec.writeData(Buffer.from('rest'), true, true);
      if (rig.ends.length > 0) rig.codec.attach(second, false);
    };
    rig.codec.attach(first, false);
    rig.codec.writeHead(request('POST', 'content-length', '4'), false);
    rig.feed(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nPOISONED`);
    expect(second.seen.head).toBeUndefined();
    expect(rig.ends).toEqual([false]);
  });
});

describe('Http1ClientCodec failures', () => {
  it.each([
    ['a bad status line', 'HTTP/1.1 2OO OK\r\n\r\n'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a bad length', 'HTTP/1.1 200 OK\r\nContent-Length: 5a\r\n\r\nhello'],
    ['an unasked 101', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['NUL in a value', 'HTTP/1.1 200 OK\r\nA: \0\r\n\r\n'],
    ['a fold', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n'],
    ['seventeen interim heads', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(17)],
    ['a head without end', `HTTP/1.1 200 OK\r\nA: ${'a'.repeat(70_000)}`],
  ])('%s resets the stream before its head and ends the connection', (_, text) => {
    const rig = new ClientRig();
    const recorder = rig.send(request());
    rig.feed(text);
    expect(recorder.seen.head).toBeUndefined();
    expect(recorder.failure).toMatchObject({ reason: 'protocol error', responseStarted: true, reused: false });
    expect(rig.protocolErrors).toBe(1);
    expect(rig.ends).toEqual([]);
  });

  it.each([
    ['a bad chunk size', 'zz\r\n'],
    ['a missing CRLF', '5\r\nhelloXX'],
    ['bad trailers', '0\r\nbad\r\n\r\n'],
  ])('%s resets the stream without completing it', (_, tail) => {
    const rig = new ClientRig();
    const recorder = rig.send(request());
    rig.feed(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${tail}`);
    expect(recorder.seen).toMatchObject({ ended: false });
    expect(recorder.failure?.reason).toBe('protocol error');
  });

  it.each([
    '',
    'HTTP/1.1 200 OK\r\nContent-Le',
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello',
    'HTTP/1.1 100 Continue\r\n\r\n',
  ])('an end after %j resets the stream', (text) => {
    const rig = new ClientRig();
    const recorder = rig.send(request());
    if (text !== '') rig.feed(text);
    rig.codec.disconnected('connection termination', undefined, true);
    expect(recorder.seen.ended).toBe(false);
    expect(recorder.failure).toMatchObject({
      reason: 'connection termination',
      // An interim response is whole in itself: of the final one nothing had come.
      responseStarted: text !== '' && !text.startsWith('HTTP/1.1 100'),
      requestSent: true,
    });
  });

  it('tells a reused connection from a fresh one', () => {
    const rig = new ClientRig();
    rig.send(request());
    rig.feed(OK);
    const recorder = rig.send(request());
    rig.codec.disconnected('connection termination', undefined, true);
    expect(recorder.failure).toMatchObject({ reused: true, responseStarted: false });
  });

  it('reset closes the connection, and nothing reaches the sink any more', () => {
    const rig = new ClientRig();
    const recorder = rig.send(request());
    rig.feed('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    rig.codec.reset();
    rig.feed('tail!!');
    rig.codec.disconnected('connection termination', undefined, true);
    expect(rig.socket.destroyed).toBe(true);
    expect(recorder.seen).toMatchObject({ body: 'half', ended: false });
    expect(recorder.failure).toBeUndefined();
  });

  it('reset of a request tells the host that nobody waits, that of a tunnel is its end', () => {
    const [plain, tunnel] = [new ClientRig(), new ClientRig()];
    plain.send(request());
    const asked = request();
    asked.upgradeTo = 'websocket';
    tunnel.codec.attach(new ResponseRecorder(), false);
    tunnel.codec.writeHead(asked, false);
    tunnel.feed('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
    for (const { codec } of [plain, tunnel]) codec.reset();
    expect([plain.socket.wasReset, plain.socket.destroyed]).toEqual([true, true]);
    expect([tunnel.socket.wasReset, tunnel.socket.destroyed]).toEqual([false, true]);
  });

  it('a reset inside a callback ends the batch silently', () => {
    const rig = new ClientRig();
    const recorder = rig.send(request());
    recorder.onData = () => rig.codec.reset();
    rig.feed('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n');
    expect(recorder.seen).toMatchObject({ ended: false, batches: 0 });
    expect(rig.ends).toEqual([]);
  });

  it('takes pauses back when the exchange is over', () => {
    const rig = new ClientRig();
    rig.send(request());
    rig.codec.pauseResponse();
    expect(rig.socket.paused).toBe(true);
    rig.feed(OK);
    expect(rig.socket.paused).toBe(false);
  });
});
