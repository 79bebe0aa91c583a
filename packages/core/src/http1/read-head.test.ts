import { describe, expect, it } from 'vitest';
import { Body, type RequestHead, Seen } from '../headers/header-map.ts';
import { HeadParser, Section } from './head-parser.ts';
import { DEFAULT_HTTP1_OPTIONS, type Http1Options } from './options.ts';
import { ProtocolErrors } from './protocol-error.ts';
import { HeadReader } from './read-head.ts';

function readRequest(text: string, options: Partial<Http1Options> = {}, reader = new HeadReader()) {
  const all = { ...DEFAULT_HTTP1_OPTIONS, ...options };
  const parser = new HeadParser(Section.request, all.limits);
  if (parser.feed(Buffer.from(text, 'latin1'), 0) !== text.length) throw new Error(`not a head: ${text}`);
  return reader.request(parser, all) ?? reader.error;
}

/** A GET with Host and the given further lines. */
const get = (...lines: string[]) => `GET /x HTTP/1.1\r\nHost: h.test\r\n${lines.map((l) => `${l}\r\n`).join('')}\r\n`;

function readResponse(text: string, toHead = false) {
  const parser = new HeadParser(Section.response, DEFAULT_HTTP1_OPTIONS.limits);
  if (parser.feed(Buffer.from(text, 'latin1'), 0) !== text.length) throw new Error(`not a head: ${text}`);
  const reader = new HeadReader();
  return reader.response(parser, toHead) ?? reader.error;
}

const ok = (...lines: string[]) => `HTTP/1.1 200 OK\r\n${lines.map((l) => `${l}\r\n`).join('')}\r\n`;

describe('HeadReader.request', () => {
  it('reads the request line, keeps Host apart and lower-cases names', () => {
    expect(
      readRequest('PATCH /a?b HTTP/1.1\r\nhOsT: h.test:80\r\nX-MiXeD: Val\r\nAccept: a\r\nx-mixed: 2\r\n\r\n'),
    ).toMatchObject({
      method: 'PATCH',
      path: '/a?b',
      authority: 'h.test:80',
      scheme: 'http',
      minor: 1,
      close: false,
      fields: ['x-mixed', 'Val', 'accept', 'a', 'x-mixed', '2'],
    });
  });

  it('knows the methods that Envoy knows, and takes others only when told to', () => {
    const text = 'Get / HTTP/1.1\r\nHost: h\r\n\r\n';
    expect(readRequest(text)).toBe(ProtocolErrors.badMethod);
    expect(readRequest(text, { anyMethod: true })).toMatchObject({ method: 'Get' });
    expect(readRequest('PROPFIND / HTTP/1.1\r\nHost: h\r\n\r\n')).toMatchObject({ method: 'PROPFIND' });
  });

  it('an https target without TLS is refused where the client cannot have a proxy in front', () => {
    const text = 'GET https://h/ HTTP/1.1\r\nHost: h\r\n\r\n';
    expect(readRequest(text, { checkScheme: true })).toBe(ProtocolErrors.badScheme);
    expect(readRequest(text)).toMatchObject({ scheme: 'https' });
    expect(readRequest(text, { allowAbsoluteUrl: false })).toMatchObject({ path: 'https://h/', authority: 'h' });
  });

  it('forgets protocols of Upgrade that are to be ignored', () => {
    const ask = (upgrade: string) => `GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`;
    const ignoreUpgrade = (type: string) => type === 'foo' || type.startsWith('TLS/');
    const seen = (upgrade: string) => (readRequest(ask(upgrade), { ignoreUpgrade }) as RequestHead).seen & Seen.upgrade;
    expect([seen('foo'), seen('foo, TLS/1.2'), seen('foo, bar'), seen('websocket')]).toEqual([
      0,
      0,
      Seen.upgrade,
      Seen.upgrade,
    ]);
  });

  it('keeps the case of obs-text of values', () => {
    expect(readRequest('GET / HTTP/1.1\r\nHost: h\r\nX-U: \xe2\x82\xac\r\n\r\n')).toMatchObject({
      fields: ['x-u', '\xe2\x82\xac'],
    });
  });

  it('the authority of an absolute target replaces Host', () => {
    expect(readRequest('GET http://a.test/x HTTP/1.1\r\nHost: b.test\r\n\r\n')).toMatchObject({
      authority: 'a.test',
      path: '/x',
    });
    expect(readRequest('GET http://a.test/x HTTP/1.1\r\nHost: b@d\r\n\r\n')).toBe(ProtocolErrors.badHost);
    // Host must be there all the same (RFC 9112 3.2): no host, no answer but 400.
    expect(readRequest('GET http://a.test/x HTTP/1.1\r\n\r\n')).toMatchObject({ authority: '', path: '/x' });
  });

  it('drops hop-by-hop fields and what Connection nominates', () => {
    const head = readRequest(
      get(
        'Keep-Alive: timeout=5',
        'Proxy-Connection: x',
        'HTTP2-Settings: x',
        'Connection: X-A',
        'X-A: 1',
        'X-B: 2',
        'Connection: x-b',
        'X-C: 3',
      ),
    );
    expect(head).toMatchObject({ fields: ['x-c', '3'] });
  });

  it.each([
    ['TE: trailers', ['te', 'trailers']],
    ['TE: gzip, Trailers;q=1', ['te', 'trailers']],
    ['TE: gzip', []],
    ['TE: xtrailers', []],
  ])('reduces %s', (line, fields) => {
    expect(readRequest(get(line, 'Connection: TE'))).toMatchObject({ fields });
  });

  it('gives Content-Length its canonical form', () => {
    expect(readRequest(get('Content-Length: 005'))).toMatchObject({
      framing: Body.length,
      contentLength: 5,
      fields: ['content-length', '5'],
    });
  });

  it('removes Transfer-Encoding and frames by it', () => {
    expect(readRequest(get('Transfer-Encoding:\tChunked \t'))).toMatchObject({ framing: Body.chunked, fields: [] });
  });

  it('with allow_chunked_length chunked wins, Content-Length goes, and the connection closes', () => {
    const text = get('Content-Length: 5', 'Transfer-Encoding: chunked', 'X-A: 1');
    expect(readRequest(text, { allowChunkedLength: true })).toMatchObject({
      framing: Body.chunked,
      fields: ['x-a', '1'],
      close: true,
    });
    expect(readRequest(get('Content-Length: 5', 'Transfer-Encoding: x'), { allowChunkedLength: true })).toBe(
      ProtocolErrors.badTransferEncoding,
    );
  });

  it('reads close, and HTTP/1.0 without keep-alive closes', () => {
    const close = (text: string) => (readRequest(text, { acceptHttp10: true }) as { close?: boolean }).close;
    expect(close(get())).toBe(false);
    expect(close(get('Connection: Close'))).toBe(true);
    expect(close('GET / HTTP/1.0\r\nHost: h\r\n\r\n')).toBe(true);
    expect(close('GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n')).toBe(false);
    expect(close('GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive, close\r\n\r\n')).toBe(true);
  });

  it('HTTP/1.0 is refused unless accepted, and may do without Host only with a default', () => {
    const text = 'GET / HTTP/1.0\r\n\r\n';
    expect(readRequest(text)).toBe(ProtocolErrors.oldVersion);
    expect(readRequest(text, { acceptHttp10: true })).toMatchObject({ authority: '', minor: 0 });
    expect(readRequest(text, { acceptHttp10: true, defaultHostForHttp10: 'd.test' })).toMatchObject({
      authority: 'd.test',
      minor: 0,
    });
  });

  it('notes the special names that it saw', () => {
    const seen = (line: string) => (readRequest(get(line)) as { seen?: number }).seen;
    expect(seen('X-Plain: 1')).toBe(0);
    expect(seen('X-Forwarded-For: 1')).toBe(Seen.forwardedFor);
    expect(seen('X-Envoy-Retry-On: 5xx')).toBe(Seen.envoy);
    expect(seen('Expect: 100-Continue')).toBe(Seen.expect);
  });

  it('Expect is not a field for the next hop', () => {
    expect(readRequest(get('Expect: 100-continue'))).toMatchObject({ fields: [] });
    expect(readRequest(get('Expect: 100-continuex'))).toBe(ProtocolErrors.badExpectation);
  });

  it('offers an upgrade only when Connection names it, and never h2c', () => {
    const upgrade = (...lines: string[]) => {
      const reader = new HeadReader();
      expect(readRequest(get(...lines), {}, reader)).toMatchObject({ fields: [] });
      return reader.upgrade;
    };
    expect(upgrade('Upgrade: websocket', 'Connection: Upgrade')).toBe('websocket');
    expect(upgrade('Upgrade: websocket')).toBe('');
    expect(upgrade('Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAA')).toBe('');
    expect(upgrade('Upgrade: websocket', 'Upgrade: H2C', 'Connection: Upgrade')).toBe('');
  });

  it('treats underscores as configured, also in twins of known names', () => {
    const text = get('X_Forwarded_For: 1', 'Content_Length: 5', 'X-A: 1');
    expect(readRequest(text)).toMatchObject({
      fields: ['x_forwarded_for', '1', 'content_length', '5', 'x-a', '1'],
      framing: Body.none,
    });
    expect(readRequest(text, { underscores: 'DROP_HEADER' })).toMatchObject({ fields: ['x-a', '1'] });
    expect(readRequest(text, { underscores: 'REJECT_REQUEST' })).toBe(ProtocolErrors.underscore);
  });

  it('carries nothing over from the head before', () => {
    const reader = new HeadReader();
    readRequest(
      get('Connection: close, upgrade', 'Upgrade: websocket', 'TE: trailers', 'Content-Length: 5'),
      {},
      reader,
    );
    expect(readRequest(get('X-A: 1'), {}, reader)).toMatchObject({
      fields: ['x-a', '1'],
      close: false,
      framing: Body.none,
      seen: 0,
    });
    expect(reader.upgrade).toBe('');
    readRequest(get('Transfer-Encoding: chunked', 'Host: again'), {}, reader);
    expect(readRequest(get('Content-Length: 3'), {}, reader)).toMatchObject({ framing: Body.length });
  });

  const line = (start: string) => `${start}\r\nHost: h\r\n\r\n`;
  it.each([
    ['HTTP/1.2', line('GET / HTTP/1.2'), ProtocolErrors.badVersion],
    ['HTTP/2.0', line('GET / HTTP/2.0'), ProtocolErrors.badVersion],
    ['HTTP/0.9', line('GET / HTTP/0.9'), ProtocolErrors.badVersion],
    ['a version in lower case', line('GET / http/1.1'), ProtocolErrors.badVersion],
    ['a comma in the version', line('GET / HTTP/1,1'), ProtocolErrors.badVersion],
    ['RTSP', line('GET / RTSP/1.0'), ProtocolErrors.badVersion],
    ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', ProtocolErrors.badHost],
    ['two Hosts', get('Host: h.test'), ProtocolErrors.duplicateHost],
    ['a bad Host', 'GET / HTTP/1.1\r\nHost: a,b\r\n\r\n', ProtocolErrors.badHost],
    ['a bad Content-Length', get('Content-Length: 5a'), ProtocolErrors.badContentLength],
    ['two Content-Lengths', get('Content-Length: 5', 'content-length: 5'), ProtocolErrors.badContentLength],
    ['length and chunked', get('Content-Length: 5', 'Transfer-Encoding: chunked'), ProtocolErrors.lengthAndChunked],
    [
      'two codings',
      get('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
      ProtocolErrors.badTransferEncoding,
    ],
    [
      'an unknown coding behind chunked',
      get('Transfer-Encoding: chunked', 'Transfer-Encoding: x'),
      ProtocolErrors.badTransferEncoding,
    ],
    ['an empty coding', get('Transfer-Encoding:'), ProtocolErrors.badTransferEncoding],
    ['a nominated Host', get('Connection: host'), ProtocolErrors.badConnection],
    ['too many nominations', get('Connection: a,b,c,d,e,f', 'Connection: g,h,i,j,k'), ProtocolErrors.badConnection],
  ])('refuses %s', (_, text, error) => {
    expect(readRequest(text)).toBe(error);
  });
});

describe('HeadReader.response', () => {
  it('reads status, fields and framing', () => {
    expect(readResponse(ok('Content-Length: 5', 'Set-Cookie: a', 'Set-Cookie: b'))).toMatchObject({
      status: 200,
      framing: Body.length,
      contentLength: 5,
      close: false,
      fields: ['content-length', '5', 'set-cookie', 'a', 'set-cookie', 'b'],
    });
  });

  it('drops hop-by-hop fields and what Connection nominates', () => {
    const head = readResponse(
      ok(
        'Connection: keep-alive, X-Hop',
        'Keep-Alive: x',
        'Proxy-Connection: x',
        'X-Hop: 1',
        'Transfer-Encoding: chunked',
        'A: b',
      ),
    );
    expect(head).toMatchObject({ fields: ['a', 'b'], framing: Body.chunked, close: false });
  });

  it.each([
    ['Connection: close', 'Content-Length: 0'],
    ['Connection: foo, Close', 'Content-Length: 0'],
    ['Connection: Content-Length', 'Content-Length: 0'],
    ['X-No: length'],
  ])('the connection is not reused after %s', (...lines) => {
    expect(readResponse(ok(...lines))).toMatchObject({ close: true });
  });

  it('HTTP/1.0 closes', () => {
    expect(readResponse('HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n')).toMatchObject({ close: true, minor: 0 });
  });

  it.each(['HTTP/1.1 200', 'HTTP/1.1 200 ', 'HTTP/1.1 200 \xe9\t x', 'HTTP/1.0 599 x', 'HTTP/1.1 100 Continue'])(
    'takes %j',
    (line) => {
      expect(readResponse(`${line}\r\n\r\n`)).toMatchObject({ status: Number(line.slice(9, 12)) });
    },
  );

  it.each([
    'HTTP/1.1 2OO OK',
    'HTTP/1.1 -200 OK',
    'HTTP/1.1 000 OK',
    'HTTP/1.1 99 OK',
    'HTTP/1.1 0200 OK',
    'HTTP/1.1 600 OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1 20',
    'HTTP/1.1',
    'HTTP/1.1\t200 OK',
    'HTTP/9.9 200 OK',
    'HTTP/2 200 OK',
    'HTTP/2.0 200 OK',
    'http/1.1 200 OK'.replace('h', 'H'),
    'HTTP/1.1 200OK',
    'H',
  ])('refuses the status line %j', (line) => {
    expect(readResponse(`${line}\r\n\r\n`)).toBe(ProtocolErrors.badStatus);
  });
});

describe('HeadReader.trailers', () => {
  function trailers(text: string) {
    const parser = new HeadParser(Section.trailers, DEFAULT_HTTP1_OPTIONS.limits);
    parser.feed(Buffer.from(`${text}\r\n`, 'latin1'), 0);
    return new HeadReader().trailers(parser, DEFAULT_HTTP1_OPTIONS).fields;
  }

  it('keeps ordinary fields in order', () => {
    expect(trailers('X-T: 1\r\nGrpc-Status: 0\r\nx-t: 2\r\n')).toEqual(['x-t', '1', 'grpc-status', '0', 'x-t', '2']);
  });

  it.each([
    'Content-Length',
    'Transfer-Encoding',
    'Host',
    'Authorization',
    'X-Forwarded-For',
    'x-envoy-original-path',
    'Cookie',
    'Set-Cookie',
    'Connection',
    'TE',
    'Expect',
    'Upgrade',
    '__proto__',
  ])('drops %s', (name) => expect(trailers(`X-A: 1\r\n${name}: x\r\n`)).toEqual(['x-a', '1']));
});
