import { describe, expect, it } from 'vitest';
import { Body, HeaderMap, RequestHead, ResponseHead } from '../headers/header-map.ts';
import {
  applyConnection,
  type FramingFields,
  frameRequest,
  frameResponse,
  isChunked,
  parseContentLength,
  trimOws,
} from './framing.ts';
import { ProtocolErrors } from './protocol-error.ts';

const none: FramingFields = { contentLength: 0, lengthLines: 0, chunked: false, encodingLines: 0 };
const length = (contentLength: number, lengthLines = 1): FramingFields => ({ ...none, contentLength, lengthLines });
const chunked: FramingFields = { ...none, chunked: true, encodingLines: 1 };

describe('parseContentLength', () => {
  it.each([
    ['0', 0],
    ['5', 5],
    ['005', 5],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('reads %j', (text, number) => expect(parseContentLength(text)).toBe(number));

  it.each([
    '',
    ' 5',
    '5 ',
    '+5',
    '-5',
    '-0',
    '0x5',
    '0o5',
    '0b1',
    '5e0',
    '5.0',
    '5_0',
    '5n',
    '5a',
    'a5',
    '5 5',
    '5,5',
    '5, 5',
    ',5',
    '5,',
    '"5"',
    '5;q',
    '\xa05',
    '5\x85',
    '\x0b5',
    '５',
    '9007199254740992',
    '9007199254740993',
    '18446744073709551621',
    '99999999999999999999999',
  ])('refuses %j', (text) => expect(parseContentLength(text)).toBe(-1));
});

describe('isChunked', () => {
  it.each(['chunked', 'Chunked', 'cHuNkEd'])('takes %j', (text) => expect(isChunked(text)).toBe(true));
  it.each([
    '',
    'xchunked',
    'chunkedx',
    'chun\xe2\x84\xaaed',
    ',chunked',
    'chunked,',
    'chunked, chunked',
    'gzip, chunked',
    '"chunked"',
    '\xa0chunke',
    'identity',
  ])('refuses %j', (text) => expect(isChunked(text)).toBe(false));
});

describe('frameRequest', () => {
  function frame(fields: FramingFields, edit: Partial<RequestHead> = {}) {
    const head = Object.assign(new RequestHead(), edit);
    return frameRequest(head, fields, false) ?? { framing: head.framing, length: head.contentLength };
  }

  it('has no body without framing fields, whatever the method', () => {
    expect(frame(none, { method: 'POST' })).toEqual({ framing: Body.none, length: 0 });
    expect(frame(none, { minor: 0 })).toEqual({ framing: Body.none, length: 0 });
  });

  it('reads one length, also on GET', () => {
    expect(frame(length(5))).toEqual({ framing: Body.length, length: 5 });
    expect(frame(length(0))).toEqual({ framing: Body.none, length: 0 });
  });

  it('reads chunked', () => {
    expect(frame(chunked)).toMatchObject({ framing: Body.chunked });
  });

  it.each([
    ['a bad length', length(-1), {}, ProtocolErrors.badContentLength],
    ['two lengths, even equal ones', length(5, 2), {}, ProtocolErrors.badContentLength],
    [
      'length with chunked',
      { ...chunked, ...length(5), chunked: true, encodingLines: 1 },
      {},
      ProtocolErrors.lengthAndChunked,
    ],
    [
      'zero length with chunked',
      { ...length(0), chunked: true, encodingLines: 1 },
      {},
      ProtocolErrors.lengthAndChunked,
    ],
    ['an unknown coding', { ...chunked, chunked: false }, {}, ProtocolErrors.badTransferEncoding],
    [
      'an unknown coding with a length',
      { ...length(5), chunked: false, encodingLines: 1 },
      {},
      ProtocolErrors.lengthAndChunked,
    ],
    ['two Transfer-Encoding lines', { ...chunked, encodingLines: 2 }, {}, ProtocolErrors.badTransferEncoding],
    ['chunked in HTTP/1.0', chunked, { minor: 0 }, ProtocolErrors.chunkedHttp10],
    ['CONNECT with chunked', chunked, { method: 'CONNECT' }, ProtocolErrors.badTransferEncoding],
    ['CONNECT with a length', length(5), { method: 'CONNECT' }, ProtocolErrors.connectBody],
  ] as const)('refuses %s', (_, fields, edit, error) => {
    expect(frame(fields, edit)).toBe(error);
  });
});

describe('frameResponse', () => {
  function frame(fields: FramingFields, status = 200, toHead = false, minor = 1) {
    const head = Object.assign(new ResponseHead(), { status, minor });
    return (
      frameResponse(head, fields, toHead) ?? { framing: head.framing, length: head.contentLength, close: head.close }
    );
  }

  it('reads a length, chunks, or until the close', () => {
    expect(frame(length(5))).toEqual({ framing: Body.length, length: 5, close: false });
    expect(frame(length(0))).toEqual({ framing: Body.none, length: 0, close: false });
    expect(frame(chunked)).toEqual({ framing: Body.chunked, length: 0, close: false });
    expect(frame(none)).toEqual({ framing: Body.untilClose, length: 0, close: true });
  });

  it.each([100, 103, 204, 304])('%i has no body', (status) => {
    expect(frame(length(5), status)).toMatchObject({ framing: Body.none, close: false });
    expect(frame(none, status)).toMatchObject({ framing: Body.none, close: false });
  });

  it('an answer to HEAD has no body', () => {
    expect(frame(length(5), 200, true)).toMatchObject({ framing: Body.none, close: false });
    expect(frame(chunked, 200, true)).toMatchObject({ framing: Body.none, close: false });
  });

  it('chunked on a status without a body costs the connection', () => {
    expect(frame(chunked, 204)).toMatchObject({ framing: Body.none, close: true });
  });

  it.each([
    ['a bad length', length(-1), ProtocolErrors.badContentLength],
    ['two lengths', length(5, 2), ProtocolErrors.badContentLength],
    ['length with chunked', { ...length(5), chunked: true, encodingLines: 1 }, ProtocolErrors.lengthAndChunked],
    ['an unknown coding', { ...none, encodingLines: 1 }, ProtocolErrors.badTransferEncoding],
    ['two codings', { ...chunked, encodingLines: 2 }, ProtocolErrors.badTransferEncoding],
  ])('refuses %s, with and without a body', (_, fields, error) => {
    expect(frame(fields)).toBe(error);
    expect(frame(fields, 204)).toBe(error);
    expect(frame(fields, 200, true)).toBe(error);
  });

  it('refuses chunked from HTTP/1.0', () => {
    expect(frame(chunked, 200, false, 0)).toBe(ProtocolErrors.badTransferEncoding);
  });
});

describe('applyConnection', () => {
  function apply(values: string[], ...names: string[]) {
    const fields = new HeaderMap();
    for (const name of names) fields.append(name, '1');
    const options = { close: false, keepAlive: false, upgrade: false, nominated: 0 };
    const legal = values.every((value) => applyConnection(value, fields, options));
    return { legal, left: fields.fields.filter((_, i) => i % 2 === 0), ...options };
  }

  it('deletes what it nominates, in any case', () => {
    expect(apply([', X-A ,,x-b\t'], 'x-a', 'x-b', 'x-c')).toMatchObject({ legal: true, left: ['x-c'] });
  });

  it('reads close, keep-alive and upgrade', () => {
    expect(apply(['close'])).toMatchObject({ close: true });
    expect(apply(['keep-alive'])).toMatchObject({ keepAlive: true });
    expect(apply(['Keep-Alive, UPGRADE, Close'])).toMatchObject({ keepAlive: true, upgrade: true, close: true });
  });

  it('keeps TE, which the reader has already reduced', () => {
    expect(apply(['TE'], 'te')).toMatchObject({ legal: true, left: ['te'] });
  });

  it.each(['host', 'Content-Length', 'Transfer-Encoding', 'X-Forwarded-For', ':path', 'a b', 'a/b', '"a"', 'é'])(
    'refuses to nominate %j',
    (name) => {
      expect(apply([`close, ${name}`], 'host', 'content-length').legal).toBe(false);
    },
  );

  it('takes ten names and not eleven, over all lines together', () => {
    expect(apply(['a,b,c,d,e,f,g,h,i,j']).legal).toBe(true);
    expect(apply(['a,b,c,d,e,f,g,h,i,j,k']).legal).toBe(false);
    expect(apply(['a,b,c,d,e,f', 'g,h,i,j,k']).legal).toBe(false);
  });
});

describe('trimOws', () => {
  it('cuts space and tab and nothing else', () => {
    expect(trimOws(' \ta b\t ')).toBe('a b');
    expect(trimOws('\xa0a\x0b')).toBe('\xa0a\x0b');
    expect(trimOws(' \t')).toBe('');
  });
});
