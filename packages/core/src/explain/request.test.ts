import { describe, expect, it } from 'vitest';
import { completeRequest, ExplainError, type ExplainRequest, parseRequestLine, requestBytes } from './request.ts';
import { parseRequestJson } from './request-json.ts';

describe('parseRequestLine', () => {
  it.each([
    ['http://h/p', { method: 'GET', url: 'http://h/p' }],
    ['POST http://h/p', { method: 'POST', url: 'http://h/p' }],
    ['  DELETE   http://h/p ', { method: 'DELETE', url: 'http://h/p' }],
  ])('%j', (line, parts) => expect(parseRequestLine(line)).toEqual(parts));

  it('refuses a third word', () => expect(() => parseRequestLine('GET http://h/p HTTP/1.1')).toThrow(ExplainError));
});

describe('completeRequest', () => {
  it.each([
    ['http://h', { target: '/', port: 80, tls: false }],
    ['https://h', { target: '/', port: 443, tls: true }],
    ['http://h:8080/a?b', { target: '/a?b', port: 8080 }],
    ['http://h?b', { target: '/?b' }],
    ['http://h/a/../b%2f//c', { target: '/a/../b%2f//c' }],
    ['http://[::1]:81/', { port: 81 }],
    ['HTTP://h/', { port: 80, tls: false }],
  ])('%s: %j', (url, parts) => expect(completeRequest({ url })).toMatchObject(parts));

  it('takes the host from the URL unless a header gives it', () => {
    expect(completeRequest({ url: 'http://h:1/', headers: [['a', 'b']] }).headers).toEqual([
      ['host', 'h:1'],
      ['a', 'b'],
    ]);
    expect(completeRequest({ url: 'http://h/', headers: [['HOST', 'x']] }).headers).toEqual([['HOST', 'x']]);
  });

  it.each([
    [{ url: 'ftp://h/' }, 'is no URL'],
    [{ url: 'http:///p' }, 'is no URL'],
    [{ url: 'http://h/', method: 'G T' }, '"G T" is no HTTP method'],
    [{ url: 'http://h/', headers: [['a', 'b\r\nc: d']] }, 'is no header field'],
    [{ url: 'http://h/', headers: [['', 'b']] }, 'is no header field'],
    [{ url: 'http://h/', sourceIp: '1.2.3' }, 'is no IP address'],
    [{ url: 'http://h/', random: -1 }, 'the draw must be a whole number'],
    [{ url: 'http://h/', random: 2 ** 32 }, 'the draw must be a whole number'],
  ])('refuses %j', (request, message) => {
    expect(() => completeRequest(request as ExplainRequest)).toThrow(ExplainError);
    expect(() => completeRequest(request as ExplainRequest)).toThrow(message);
  });
});

it('requestBytes writes the head as a client does', () => {
  const request = completeRequest({ url: 'http://h/p?q', method: 'PUT', headers: [['X-A', 'b']] });
  expect(requestBytes(request).toString()).toBe('PUT /p?q HTTP/1.1\r\nhost: h\r\nX-A: b\r\n\r\n');
});

describe('parseRequestJson', () => {
  it.each([
    [{ url: 'http://h/' }, { method: 'GET', url: 'http://h/' }],
    [{ url: 'PUT http://h/' }, { method: 'PUT', url: 'http://h/' }],
    [
      { url: 'http://h/', method: 'POST' },
      { method: 'POST', url: 'http://h/' },
    ],
    [
      { url: 'u', source_ip: '::1', random: 3, tls: true },
      { method: 'GET', url: 'u', sourceIp: '::1', random: 3, tls: true },
    ],
    [
      { url: 'u', headers: { a: 'b', c: ['d', 'e'] } },
      {
        method: 'GET',
        url: 'u',
        headers: [
          ['a', 'b'],
          ['c', 'd'],
          ['c', 'e'],
        ],
      },
    ],
    [
      { url: 'u', headers: [['a', 'b']] },
      { method: 'GET', url: 'u', headers: [['a', 'b']] },
    ],
    [
      { url: 'u', runtime: { a: 1, b: { numerator: 1 } } },
      { method: 'GET', url: 'u', runtime: { a: '1', b: '{"numerator":1}' } },
    ],
    [
      { url: 'u', listener: null },
      { method: 'GET', url: 'u' },
    ],
  ])('%j', (body, request) => expect(parseRequestJson(JSON.stringify(body))).toEqual(request));

  it.each([
    ['', 'the body is not JSON'],
    ['[]', 'the body must be a JSON object'],
    ['null', 'the body must be a JSON object'],
    ['{}', 'the key "url" is missing'],
    ['{"url": 1}', '"url" must be a string'],
    ['{"url": "u", "header": {}}', 'unknown key "header" (did you mean "headers"?)'],
    ['{"url": "u", "__proto__x": 1}', 'unknown key'],
    ['{"url": "u", "headers": "a: b"}', '"headers" must be a map of strings'],
    ['{"url": "u", "headers": {"a": 1}}', '"headers" must be a map of strings'],
    ['{"url": "u", "headers": [["a"]]}', '"headers" must be a map of strings'],
    ['{"url": "u", "tls": "yes"}', '"tls" must be a boolean'],
    ['{"url": "u", "random": "1"}', '"random" must be a number'],
    ['{"url": "u", "runtime": []}', '"runtime" must be a map'],
  ])('refuses %s', (body, message) => {
    expect(() => parseRequestJson(body)).toThrow(ExplainError);
    expect(() => parseRequestJson(body)).toThrow(message);
  });
});
