import { describe, expect, it } from 'vitest';
import { isGrpc } from '../headers/grpc.ts';
import type { ResponseHead } from '../headers/header-map.ts';
import { plainReply, replyBody, replyHead } from './local-reply.ts';

describe('replyHead', () => {
  it('has length and type with a body only', () => {
    expect(replyHead(503, Buffer.from('abc')).fields).toEqual(['content-length', '3', 'content-type', 'text/plain']);
    expect(replyHead(404, undefined).fields).toEqual([]);
  });
  it('counts bytes, not characters', () => {
    expect(replyHead(200, replyBody('ü')).get('content-length')).toBe('2');
  });
  it('lets given fields win, and repeats those given as a list', () => {
    const head = replyHead(200, Buffer.from('{}'), { 'Content-Type': 'application/json', 'x-a': ['1', '2'] });
    expect(head.fields).toEqual(['content-length', '2', 'content-type', 'application/json', 'x-a', '1', 'x-a', '2']);
  });
  it.each([0, 99, 100, 199, 600, 200.5, Number.NaN])('refuses status %s', (status) => {
    expect(() => replyHead(status, undefined)).toThrow(TypeError);
  });
  it.each([
    ['a', 'x\r\ny'],
    ['a b', 'x'],
    ['', 'x'],
  ])('refuses the field %j: %j', (name, value) => {
    expect(() => replyHead(200, undefined, { [name]: value })).toThrow(TypeError);
    expect(() => replyHead(200, undefined, { [name]: [value] })).toThrow(TypeError);
  });
});

it.each([
  ['application/grpc', true],
  ['application/grpc+proto', true],
  ['application/grpc-web', false],
  ['application/grpcx', false],
  ['application/json', false],
  [undefined, false],
])('isGrpc of %s is %s', (type, expected) => {
  expect(isGrpc(type)).toBe(expected);
});

it.each([
  [400, '13'],
  [401, '16'],
  [403, '7'],
  [404, '12'],
  [429, '14'],
  [502, '14'],
  [503, '14'],
  [504, '14'],
  [500, '2'],
  [413, '2'],
])('plainReply to gRPC of %s has grpc-status %s', (status, code) => {
  const { head, body } = plainReply(true, status, undefined);
  expect(head.fields).toEqual(['content-type', 'application/grpc', 'grpc-status', code]);
  expect([head.status, body]).toEqual([200, undefined]);
});

it('plainReply to gRPC percent-encodes the message, and overrides the type', () => {
  const { head, body } = plainReply(true, 503, Buffer.from('50% ü\n'), { 'content-type': 'a/b', x: '1' });
  expect(head.get('grpc-message')).toBe('50%25 %C3%BC%0A');
  expect([head.getAll('content-type'), head.get('x'), body]).toEqual([['application/grpc'], '1', undefined]);
});

describe('plainReply', () => {
  const modify = (head: ResponseHead) => head.append('content-type', 'x/y');

  it.each<readonly [string, Parameters<typeof plainReply>, readonly string[]]>([
    ['a body', [false, 200, Buffer.from('ab')], ['content-length', '2', 'content-type', 'text/plain']],
    ['no body', [false, 404, undefined], []],
    [
      'a type of its own',
      [false, 200, Buffer.from('ab'), { 'content-type': 'a/b' }],
      ['content-type', 'a/b', 'content-length', '2'],
    ],
    [
      'a type that modify adds',
      [false, 200, Buffer.from('ab'), {}, modify],
      ['content-type', 'x/y', 'content-length', '2'],
    ],
    ['a type without a body', [false, 301, undefined, { location: '/' }, modify], ['location', '/']],
  ])('of %s', (_, given, fields) => {
    const { head, body } = plainReply(...given);
    expect([head.status, head.fields, body]).toEqual([given[1], fields, given[2]]);
  });
});
