import { describe, expect, it } from 'vitest';
import { http } from '../compose.ts';
import { httpSettings } from '../config/build-http.ts';
import { normalizePath } from './normalize.ts';

const settings = (options: object) => httpSettings(http({ ...options, filters: [] } as never), 0);
const normalizing = settings({ normalizePath: true });

describe('normalizePath', () => {
  it.each([
    ['/a/b', '/a/b'],
    ['/a/./b', '/a/b'],
    ['/a/../b', '/b'],
    ['/a/b/..', '/a/'],
    ['/a/b/.', '/a/b/'],
    ['/../../etc', '/etc'],
    ['/..', '/'],
    ['/a/%2e%2E/b', '/b'],
    ['/%7Euser', '/~user'],
    ['/a%2fb', '/a%2fb'],
    ['/a%', '/a%'],
    ['/a%2', '/a%2'],
    ['/a%zz/%C3%A9', '/a%zz/%C3%A9'],
    ['/a/..;x/b', '/b'],
    ['/a\\b', '/a/b'],
    ['/a\\..\\b', '/b'],
    ['/...', '/...'],
    ['/a..b', '/a..b'],
    ['/a//b', '/a//b'],
    ['/a/../b?x=/../y', '/b?x=/../y'],
    ['/?../', '/?../'],
  ])('%s becomes %s', (path, expected) => {
    expect(normalizePath(path, normalizing)).toEqual({ path: expected });
  });

  it.each(['/a%00b', '/%00'])('refuses %s', (path) => {
    expect(normalizePath(path, normalizing)).toEqual({ reject: true });
  });

  it('is stable: a second time changes nothing', () => {
    for (const path of ['/a/%2e%2e/b//c', '/x\\..\\..//y', '/%41/./%7e/..']) {
      const once = normalizePath(path, normalizing) as { path: string };
      expect(normalizePath(once.path, normalizing)).toEqual(once);
    }
  });

  it('merges slashes in the path and not in the query', () => {
    expect(normalizePath('//a///b?c//d', settings({ mergeSlashes: true }))).toEqual({ path: '/a/b?c//d' });
    expect(normalizePath('///', settings({ mergeSlashes: true }))).toEqual({ path: '//' });
  });

  it('does nothing that it was not asked for', () => {
    const path = '/a/../b//c%2Fd\\e';
    expect(normalizePath(path, settings({}))).toEqual({ path });
  });
});

describe('normalizePath with escaped slashes', () => {
  const escaped = (action: string, more = {}) => settings({ pathWithEscapedSlashesAction: action, ...more });
  it('keeps, refuses, redirects or forwards', () => {
    expect(normalizePath('/a%2Fb%5c', escaped('KEEP_UNCHANGED'))).toEqual({ path: '/a%2Fb%5c' });
    expect(normalizePath('/a%2fb', escaped('REJECT_REQUEST'))).toEqual({ reject: true });
    expect(normalizePath('/a%2fb?q', escaped('UNESCAPE_AND_REDIRECT'))).toEqual({ redirect: '/a/b?q' });
    expect(normalizePath('/a%5Cb', escaped('UNESCAPE_AND_FORWARD'))).toEqual({ path: '/a\\b' });
  });
  it('unescapes before it normalises', () => {
    const both = escaped('UNESCAPE_AND_FORWARD', { normalizePath: true });
    expect(normalizePath('/a/..%2f..%5Cb', both)).toEqual({ path: '/b' });
  });
  it('leaves escapes in the query alone', () => {
    expect(normalizePath('/a?b=%2f', escaped('REJECT_REQUEST'))).toEqual({ path: '/a?b=%2f' });
  });
});
