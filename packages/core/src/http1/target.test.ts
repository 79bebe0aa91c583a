import { describe, expect, it } from 'vitest';
import { RequestHead } from '../headers/header-map.ts';
import { DEFAULT_HTTP1_OPTIONS } from './options.ts';
import { ProtocolErrors } from './protocol-error.ts';
import { applyTarget, isAuthority } from './target.ts';

function apply(method: string, target: string) {
  const head = new RequestHead();
  head.method = method;
  const error = applyTarget(head, target, DEFAULT_HTTP1_OPTIONS);
  return error ?? { path: head.path, authority: head.authority, scheme: head.scheme, close: head.close };
}

describe('isAuthority', () => {
  it.each([
    'h',
    'h.test',
    'h.test.',
    'h.test:80',
    'h.test:',
    '127.0.0.1:65535',
    '[::1]',
    '[::1]:80',
    '[fe80::1%25eth0]:1',
    'a_b-c~d',
    'xn--p1ai',
  ])('takes %j', (text) => expect(isAuthority(text)).toBe(true));

  it.each([
    '',
    ':80',
    'h:65536',
    'h:99999999999',
    'h:8a',
    'h:80:80',
    'h:-1',
    'a b',
    'a,b',
    'u@h',
    'h/',
    'h?x',
    'h#x',
    'h\\x',
    '<h>',
    '"h"',
    'h\t',
    'h\0',
    'h\xe9',
    '[::1',
    '[::1]x',
    '[::1]80',
    '[]',
    '[g::1]',
    '[::1%eth0]',
    '[::1]:x',
    '::1',
    'http://h',
    'a[::1]',
    'h|',
    'h^',
    'h`',
    'h{}',
  ])('refuses %j', (text) => expect(isAuthority(text)).toBe(false));
});

describe('applyTarget', () => {
  it.each([
    ['/', '/'],
    ['/a?b=/../c', '/a?b=/../c'],
    ['//evil.test/x', '//evil.test/x'],
    ['/?', '/?'],
    ['/a%zz', '/a%zz'],
  ])('origin form %j is the path as it came', (target, path) => {
    expect(apply('GET', target)).toMatchObject({ path, authority: '' });
  });

  it.each([
    ['http://h.test/x?q', '/x?q', 'h.test', 'http'],
    ['HTTP://H.TEST:8080/x', '/x', 'H.TEST:8080', 'http'],
    ['https://h.test', '/', 'h.test', 'https'],
    ['http://h.test?q', '/?q', 'h.test', 'http'],
    ['http://[::1]:80/', '/', '[::1]:80', 'http'],
  ])('absolute form %j gives path, authority and scheme', (target, path, authority, scheme) => {
    expect(apply('GET', target)).toEqual({ path, authority, scheme, close: false });
  });

  it('OPTIONS takes * and an absolute form without a path', () => {
    expect(apply('OPTIONS', '*')).toMatchObject({ path: '*', authority: '' });
    expect(apply('OPTIONS', 'http://h.test')).toMatchObject({ path: '*', authority: 'h.test' });
  });

  it('CONNECT takes an authority with a port and ends the connection', () => {
    expect(apply('CONNECT', 'h.test:443')).toEqual({ path: '', authority: 'h.test:443', scheme: 'http', close: true });
  });

  it.each([
    ['GET', '*'],
    ['GET', 'admin/x'],
    ['GET', '@h/x'],
    ['GET', ':80/x'],
    ['GET', '?x'],
    ['GET', 'h.test:80'],
    ['GET', 'http:///x'],
    ['GET', 'http://u:p@h/x'],
    ['GET', 'http://h#@evil/x'],
    ['GET', 'http://h/x#f'],
    ['GET', 'ftp://h/x'],
    ['GET', 'file:///etc/passwd'],
    ['GET', 'http:/h/x'],
    ['GET', 'http://h:99999/'],
    ['OPTIONS', '*/x'],
    ['CONNECT', '/x'],
    ['CONNECT', 'h.test'],
    ['CONNECT', 'http://h.test:80/'],
    ['CONNECT', '*'],
    ['CONNECT', 'h.test:x'],
  ])('%s %j is refused', (method, target) => {
    expect(apply(method, target)).toBe(ProtocolErrors.badTarget);
  });
});
