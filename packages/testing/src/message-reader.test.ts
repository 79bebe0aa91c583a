import { describe, expect, it } from 'vitest';
import { MessageReader, WireError } from './message-reader.ts';

function read(text: string, { bytewise = false, end = false, method = 'GET' } = {}) {
  const heads: string[] = [];
  const chunks: Buffer[] = [];
  const reader = new MessageReader(
    'response',
    { onHead: (head) => heads.push(head.start[0]), onData: (chunk) => chunks.push(Buffer.from(chunk)) },
    method,
  );
  let rest: Buffer = Buffer.alloc(0);
  const bytes = Buffer.from(text, 'latin1');
  if (bytewise) for (const byte of bytes) reader.push(Buffer.of(byte));
  else rest = reader.push(bytes);
  if (end) reader.end();
  const { done, framing, trailers } = reader;
  return { heads, body: Buffer.concat(chunks).toString(), rest: rest.toString(), done, framing, trailers };
}

describe.each([false, true])('MessageReader, bytewise %s', (bytewise) => {
  it('reads a body by its length', () => {
    const { body, done, framing } = read('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello', { bytewise });
    expect({ body, done, framing }).toEqual({ body: 'hello', done: true, framing: 'length' });
  });
  it('reads chunks and trailers', () => {
    const text =
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\nx-sum: 13\r\n\r\n';
    const { body, trailers, done } = read(text, { bytewise });
    expect({ body, trailers, done }).toEqual({ body: 'abc0123456789', trailers: [['x-sum', '13']], done: true });
  });
  it('reads a body up to the close', () => {
    expect(read('HTTP/1.1 200 OK\r\n\r\nabc', { bytewise, end: true })).toMatchObject({ body: 'abc', done: true });
  });
  it('reports interim heads before the final one', () => {
    const text = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n';
    expect(read(text, { bytewise })).toMatchObject({ heads: ['100', '204'], done: true });
  });
});

it('MessageReader gives back the bytes behind the message', () => {
  const text = 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\naHTTP/1.1';
  expect(read(text)).toMatchObject({ body: 'a', rest: 'HTTP/1.1' });
});

it('MessageReader expects no body after HEAD', () => {
  expect(read('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n', { method: 'HEAD' })).toMatchObject({
    done: true,
    body: '',
  });
});

it.each([
  ['a bare LF', 'HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na'],
  ['length beside chunked', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n'],
  ['a blank before the colon', 'HTTP/1.1 200 OK\r\nx : 1\r\n\r\n'],
  ['a folded line', 'HTTP/1.1 200 OK\r\nx: 1\r\n 2\r\n\r\n'],
  ['a bad chunk size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n'],
  ['no CRLF behind a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n'],
])('MessageReader refuses %s', (_what, text) => {
  expect(() => read(text)).toThrow(WireError);
});

it('MessageReader.end refuses a cut message', () => {
  expect(() => read('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel', { end: true })).toThrow(/in the middle/);
});
