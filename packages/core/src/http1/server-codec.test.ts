import { describe, expect, it } from 'vitest';
import { HeaderMap, ResponseHead } from '../headers/header-map.ts';
import { ServerRig } from './fixture.ts';
import { DEFAULT_HTTP1_OPTIONS } from './options.ts';
import { ProtocolErrors } from './protocol-error.ts';

const GET = (path: string, ...lines: string[]) =>
  `GET ${path} HTTP/1.1\r\nHost: h\r\n${lines.map((l) => `${l}\r\n`).join('')}\r\n`;
const POST = (path: string, framing: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\n${framing}\r\n\r\n${body}`;
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

function response(status: number, ...fields: string[]): ResponseHead {
  const head = new ResponseHead();
  head.status = status;
  for (let i = 0; i < fields.length; i += 2) head.append(fields[i] as string, fields[i + 1] as string);
  return head;
}

/** A rig whose request has arrived and waits to be answered by hand. */
function asked(request = GET('/x'), options = DEFAULT_HTTP1_OPTIONS): ServerRig {
  const rig = new ServerRig(options);
  rig.manual = true;
  rig.feed(request);
  return rig;
}

describe('Http1ServerCodec requests', () => {
  it('delivers head, body and end', () => {
    const rig = new ServerRig();
    rig.feed(POST('/a', 'Content-Length: 5', 'hello'));
    expect(rig.requests).toMatchObject([
      { head: { path: '/a', method: 'POST' }, body: 'hello', ended: true, reset: undefined },
    ]);
    expect(rig.socket.take()).toBe(OK);
    expect(rig.ends).toEqual([false]);
  });

  it('delivers the same messages byte by byte', () => {
    const rig = new ServerRig();
    const text =
      POST('/a', 'Content-Length: 5', 'hello') +
      POST('/b', 'Transfer-Encoding: chunked', '3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n') +
      GET('/c');
    for (const byte of text) rig.feed(byte);
    expect(rig.requests.map((r) => [r.head?.path, r.body, r.ended])).toEqual([
      ['/a', 'hello', true],
      ['/b', 'abc', true],
      ['/c', '', true],
    ]);
    expect(rig.socket.take()).toBe(OK.repeat(3));
    expect(rig.headStarts).toBe(3);
  });

  it('passes trailers on only when enabled, less the forbidden ones', () => {
    const text = POST('/t', 'Transfer-Encoding: chunked', '0\r\nX-T: 1\r\nHost: evil\r\n\r\n');
    const off = new ServerRig();
    off.feed(text);
    expect(off.requests[0]).toMatchObject({ ended: true, trailers: undefined });
    const on = new ServerRig({ ...DEFAULT_HTTP1_OPTIONS, enableTrailers: true });
    on.feed(text);
    expect(on.requests[0]).toMatchObject({ ended: true, trailers: [['x-t', '1']] });
    on.feed(POST('/t', 'Transfer-Encoding: chunked', '0\r\nHost: evil\r\n\r\n'));
    expect(on.requests[1]).toMatchObject({ ended: true, trailers: undefined });
  });

  it('tells when a batch of parts is over', () => {
    const rig = asked(POST('/a', 'Content-Length: 5', 'he'));
    expect(rig.requests[0]?.batches).toBe(1);
    rig.feed('llo');
    expect(rig.requests[0]?.batches).toBe(2);
  });

  it('skips an empty line between requests', () => {
    const rig = new ServerRig();
    rig.feed(`${POST('/a', 'Content-Length: 2', 'hi')}\r\n${GET('/b')}`);
    expect(rig.requests.map((r) => r.head?.path)).toEqual(['/a', '/b']);
  });

  it('is idle only between requests', () => {
    const rig = new ServerRig();
    expect(rig.codec.idle).toBe(true);
    rig.feed('GET /x HT');
    expect(rig.codec.idle).toBe(false);
    rig.manual = true;
    rig.feed('TP/1.1\r\nHost: h\r\n\r\n');
    expect(rig.codec.idle).toBe(false);
    rig.answer();
    expect(rig.codec.idle).toBe(true);
  });

  it('counts pauses of a request and takes them back when it is over', () => {
    const rig = asked(POST('/a', 'Content-Length: 5', 'he'));
    rig.codec.pauseRequest();
    rig.codec.pauseRequest();
    rig.codec.resumeRequest();
    expect(rig.socket.paused).toBe(true);
    rig.feed('llo');
    rig.answer();
    expect(rig.socket.paused).toBe(false);
    rig.codec.resumeRequest();
    expect(rig.connection.paused).toBe(false);
  });
});

describe('Http1ServerCodec pipelining', () => {
  it('holds the next request back until the one before is answered', () => {
    const rig = asked(GET('/1') + GET('/2') + GET('/3'));
    expect(rig.requests).toHaveLength(1);
    expect(rig.socket.paused).toBe(true);
    rig.answer();
    expect(rig.requests.map((r) => r.head?.path)).toEqual(['/1', '/2']);
    rig.answer();
    rig.answer();
    expect(rig.socket.take()).toBe(OK.repeat(3));
    expect(rig.socket.paused).toBe(false);
    expect(rig.ends).toEqual([false, false, false]);
  });

  it('keeps what arrives while it holds back', () => {
    const rig = asked(`${GET('/1')}GET /2 HT`);
    rig.feed('TP/1.1\r\nHost: h\r\n\r\n');
    rig.answer();
    expect(rig.requests.map((r) => r.head?.path)).toEqual(['/1', '/2']);
  });

  it('answers ten thousand requests of one read without running out of stack', () => {
    const rig = new ServerRig();
    rig.feed(GET('/').repeat(10_000));
    expect(rig.requests).toHaveLength(10_000);
    expect(rig.socket.take()).toBe(OK.repeat(10_000));
  });

  it('takes on nothing while the answers are not read', () => {
    const rig = new ServerRig();
    rig.socket.writableLength = 1 << 20;
    rig.feed(GET('/1') + GET('/2'));
    expect(rig.requests).toHaveLength(1);
    rig.socket.writableLength = 0;
    rig.socket.emit('drain');
    rig.codec.resumeStash();
    expect(rig.requests).toHaveLength(2);
  });

  it('parses nothing behind a request that closes', () => {
    const rig = new ServerRig();
    rig.feed(GET('/1', 'Connection: close') + GET('/smuggled'));
    expect(rig.requests).toHaveLength(1);
    expect(rig.socket.take()).toContain('connection: close\r\n');
    expect(rig.ends).toEqual([true]);
  });

  it('parses nothing behind CONNECT', () => {
    const rig = asked('CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\nGET /early HTTP/1.1\r\nHost: h\r\n\r\n');
    rig.answer(404);
    expect(rig.requests).toHaveLength(1);
    expect(rig.ends).toEqual([true]);
  });
});

describe('Http1ServerCodec errors', () => {
  it('answers a bad head, reports the exchange once and parses nothing more', () => {
    const rig = new ServerRig();
    rig.feed(`GET /x HTTP/1.1\r\nBad Header: 1\r\nHost: h\r\n\r\n${GET('/smuggled')}`);
    rig.feed(GET('/smuggled'));
    expect(rig.requests).toEqual([]);
    expect(rig.errors).toEqual([ProtocolErrors.badFieldName]);
    expect(rig.socket.take()).toBe('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    expect(rig.ends).toEqual([true]);
  });

  it('a bad head behind a served request is answered after it', () => {
    const rig = asked(`${GET('/1')}BAD\0`);
    expect(rig.errors).toEqual([]);
    rig.answer();
    expect(rig.errors).toEqual([ProtocolErrors.badStartLine]);
    expect(rig.ends).toEqual([false]);
    rig.answer(400, '');
    expect(rig.socket.take()).toMatch(/^HTTP\/1\.1 200 .*ok.*HTTP\/1\.1 400 /s);
    expect(rig.ends).toEqual([false, true]);
  });

  it.each([
    ['a bad chunk', POST('/a', 'Transfer-Encoding: chunked', '5\r\nhelloXX'), ProtocolErrors.badChunk],
    ['a bad trailer', POST('/a', 'Transfer-Encoding: chunked', '0\r\nbad\r\n\r\n'), ProtocolErrors.badFieldName],
    [
      'too many trailers',
      POST('/a', 'Transfer-Encoding: chunked', `0\r\n${'A: b\r\n'.repeat(101)}\r\n`),
      ProtocolErrors.tooManyFields,
    ],
  ])('%s does not end the request and closes', (_, text, error) => {
    for (const pieces of [[text], [...text]]) {
      const rig = new ServerRig();
      for (const piece of pieces) rig.feed(piece);
      rig.feed(GET('/smuggled'));
      expect(rig.errors).toEqual([error]);
      expect(rig.requests).toMatchObject([{ ended: false }]);
      expect(rig.ends).toEqual([true]);
    }
  });

  it('an answer before the end of the request closes and drops the rest', () => {
    const rig = asked(POST('/a', 'Content-Length: 40', 'GET /smu'));
    rig.answer(413, 'no');
    expect(rig.socket.take()).toBe(
      'HTTP/1.1 413 Payload Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno',
    );
    expect(rig.ends).toEqual([true]);
    rig.feed(`ggled HTTP/1.1\r\n\r\n${GET('/smuggled')}`);
    expect(rig.requests).toHaveLength(1);
  });

  it('an answer to a head that did not come in time closes, and is reported once', () => {
    const rig = asked('GET /slow HT');
    rig.codec.kill();
    rig.codec.closeAfterResponse();
    rig.answer(408, 'late');
    expect(rig.socket.take()).toBe(
      'HTTP/1.1 408 Request Timeout\r\ncontent-length: 4\r\nconnection: close\r\n\r\nlate',
    );
    expect(rig.ends).toEqual([true]);
    rig.feed('TP/1.1\r\nHost: h\r\n\r\n');
    expect(rig.requests).toEqual([]);
  });

  it.each([
    'GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    'POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n',
  ])('an answer from inside onHead to %j ends the exchange once', (text) => {
    const rig = new ServerRig();
    rig.onHead = () => rig.answer(403, '');
    rig.manual = true;
    rig.feed(text);
    expect(rig.ends).toEqual([true]);
  });

  it('reset of a framed body ends the connection behind what was written', () => {
    const rig = asked();
    rig.codec.writeHead(response(200, 'content-length', '10'), false);
    rig.codec.writeData(Buffer.from('half'), false, true);
    rig.codec.flush();
    rig.codec.reset();
    expect(rig.socket.wasReset).toBe(false);
    expect(rig.ends).toEqual([true]);
    rig.feed(GET('/next'));
    expect(rig.requests).toHaveLength(1);
  });

  it('reset of a body read until close tells the cut with RST', () => {
    const rig = asked('GET / HTTP/1.0\r\nHost: h\r\n\r\n', { ...DEFAULT_HTTP1_OPTIONS, acceptHttp10: true });
    rig.codec.writeHead(response(200), false);
    rig.codec.writeData(Buffer.from('half'), false, true);
    rig.codec.reset();
    expect(rig.socket.wasReset).toBe(true);
  });
});

describe('Http1ServerCodec responses', () => {
  it('chunks a body of unknown length', () => {
    const rig = asked();
    rig.codec.writeHead(response(200), false);
    rig.codec.writeData(Buffer.from('hello world, hello'), false, true);
    rig.codec.writeData(Buffer.alloc(0), false, true);
    rig.codec.writeData(Buffer.from('!'), true, true);
    expect(rig.socket.take()).toBe(
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n12\r\nhello world, hello\r\n1\r\n!\r\n0\r\n\r\n',
    );
    expect(rig.ends).toEqual([false]);
  });

  it('gives an empty response a length', () => {
    const rig = asked();
    rig.codec.writeHead(response(404), true);
    expect(rig.socket.take()).toBe('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
  });

  it('a head that ends the message promises no body', () => {
    const rig = asked();
    rig.codec.writeHead(response(200, 'content-length', '5'), true);
    expect(rig.socket.take()).toBe('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
  });

  it.each([
    ['longer', 'hello!', false],
    ['longer at its end', 'hello!', true],
    ['shorter', 'hell', true],
  ])('a body that is %s than its Content-Length cuts the connection', (_, body, end) => {
    const rig = asked();
    rig.codec.writeHead(response(200, 'content-length', '5'), false);
    rig.codec.writeData(Buffer.from(body), end, true);
    expect(rig.socket.take()).not.toContain('hello!');
    expect(rig.ends).toEqual([true]);
  });

  it('framing and connection fields of a filter are not written', () => {
    const rig = asked();
    const head = response(
      200,
      'transfer-encoding',
      'gzip',
      'connection',
      'x',
      'keep-alive',
      'y',
      'content-length',
      '2',
    );
    head.append('content-length', '3');
    rig.codec.writeHead(head, false);
    rig.codec.writeData(Buffer.from('ok'), true, true);
    expect(rig.socket.take()).toBe(OK);
  });

  it.each([204, 304])('%i has neither framing nor body', (status) => {
    const rig = asked();
    rig.codec.writeHead(response(status), false);
    rig.codec.writeData(Buffer.from('x'), true, true);
    expect(rig.socket.take()).toMatch(/^HTTP\/1\.1 \d+ [A-Za-z ]+\r\n\r\n$/);
  });

  it('a 204 loses its content-length, a 304 keeps it', () => {
    const rig = asked();
    rig.codec.writeHead(response(204, 'content-length', '5', 'a', 'b'), true);
    expect(rig.socket.take()).toBe('HTTP/1.1 204 No Content\r\na: b\r\n\r\n');
    rig.feed(GET('/2'));
    rig.codec.writeHead(response(304, 'content-length', '5'), true);
    expect(rig.socket.take()).toBe('HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n');
  });

  it('HEAD gets the fields and no body', () => {
    const rig = asked('HEAD / HTTP/1.1\r\nHost: h\r\n\r\n');
    rig.codec.writeHead(response(200, 'content-length', '5'), false);
    rig.codec.writeData(Buffer.from('hello'), true, true);
    expect(rig.socket.take()).toBe('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n');
    expect(rig.ends).toEqual([false]);
  });

  it('writes trailers only when enabled', () => {
    for (const enableTrailers of [false, true]) {
      const rig = asked(GET('/'), { ...DEFAULT_HTTP1_OPTIONS, enableTrailers });
      const trailers = new HeaderMap();
      trailers.append('x-t', '1');
      rig.codec.writeHead(response(200), false);
      rig.codec.writeData(Buffer.from('a'), false, true);
      rig.codec.writeTrailers(trailers);
      expect(rig.socket.take()).toBe(
        `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n${enableTrailers ? 'x-t: 1\r\n' : ''}\r\n`,
      );
    }
  });

  it('writes interim heads before the response, not after its head', () => {
    const rig = asked();
    rig.codec.writeInterim(response(103, 'link', '</a>'));
    rig.codec.writeHead(response(200), true);
    rig.codec.writeInterim(response(103));
    expect(rig.socket.take()).toBe(
      'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n',
    );
  });

  it('an HTTP/1.0 client gets no chunks, no interim heads and a closed connection', () => {
    const rig = asked('GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n', {
      ...DEFAULT_HTTP1_OPTIONS,
      acceptHttp10: true,
    });
    rig.codec.writeInterim(response(103));
    rig.codec.writeHead(response(200), false);
    rig.codec.writeData(Buffer.from('ab'), true, true);
    expect(rig.socket.take()).toBe('HTTP/1.0 200 OK\r\nconnection: close\r\n\r\nab');
    expect(rig.ends).toEqual([true]);
  });

  it('an HTTP/1.0 client with keep-alive keeps a framed connection', () => {
    const rig = asked('GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n', {
      ...DEFAULT_HTTP1_OPTIONS,
      acceptHttp10: true,
    });
    rig.answer();
    expect(rig.socket.take()).toBe('HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nok');
    expect(rig.ends).toEqual([false]);
  });

  it('closeAfterResponse says so in the head and closes', () => {
    const rig = asked();
    rig.codec.closeAfterResponse();
    rig.answer();
    expect(rig.socket.take()).toContain('connection: close\r\n');
    expect(rig.ends).toEqual([true]);
  });
});
