import { expect, it } from 'vitest';
import { copyRequestHeaders } from './copy.ts';
import { RequestHead } from './header-map.ts';

it('copyRequestHeaders keeps every part and shares none', () => {
  const head = new RequestHead();
  head.method = 'POST';
  head.path = '/a?b';
  head.authority = 'host:1';
  head.scheme = 'https';
  head.append('x-a', '1');
  head.append('x-a', '2');
  const copy = copyRequestHeaders(head);
  expect([copy.method, copy.path, copy.authority, copy.scheme]).toEqual(['POST', '/a?b', 'host:1', 'https']);
  expect(copy.getAll('x-a')).toEqual(['1', '2']);
  copy.set('x-a', '3');
  copy.path = '/other';
  expect([head.getAll('x-a'), head.path]).toEqual([['1', '2'], '/a?b']);
});
