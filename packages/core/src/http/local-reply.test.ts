import { describe, expect, it } from 'vitest';
import { grpcReplyHead, isGrpc, replyBody, replyHead } from './local-reply.ts';

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
])('grpcReplyHead of %s has grpc-status %s', (status, code) => {
  const head = grpcReplyHead(status, undefined);
  expect([head.status, head.get('content-type'), head.get('grpc-status')]).toEqual([200, 'application/grpc', code]);
  expect(head.has('grpc-message')).toBe(false);
});

it('grpcReplyHead percent-encodes the message', () => {
  expect(grpcReplyHead(503, Buffer.from('50% ü\n')).get('grpc-message')).toBe('50%25 %C3%BC%0A');
});
