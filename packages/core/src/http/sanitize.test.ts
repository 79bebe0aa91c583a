import { describe, expect, it } from 'vitest';
import { RequestHead, Seen } from '../headers/header-map.ts';
import { sanitize } from './sanitize.ts';

function left(
  fields: Readonly<Record<string, string>>,
  internal: boolean,
  edge: boolean,
  own: string[] = [],
): string[] {
  const head = new RequestHead();
  for (const [name, value] of Object.entries(fields)) head.append(name, value);
  head.seen = Seen.envoy | Seen.referer;
  sanitize(head, internal, edge, own);
  return [...head.entries()].map(([name]) => name);
}

describe('sanitize', () => {
  const fields = { 'x-envoy-retry-on': '5xx', 'x-envoy-original-path': '/', 'x-envoy-internal': 'true', 'x-own': '1' };
  it.each([
    ['internal', true, false, ['x-envoy-retry-on', 'x-envoy-original-path', 'x-own']],
    ['external', false, false, ['x-envoy-original-path', 'x-own']],
    ['edge', false, true, ['x-own']],
  ])('an %s request', (_case, internal, edge, expected) => {
    expect(left(fields, internal, edge)).toEqual(expected);
  });

  it("takes the route configuration's own names from external requests only", () => {
    expect(left(fields, false, true, ['x-own'])).toEqual([]);
    expect(left(fields, true, false, ['x-own'])).toContain('x-own');
  });

  it.each([
    ['http://h.test/', true],
    ['https://h.test:99/a?b', true],
    ['ftp://h.test', true],
    ['/x', true],
    ['foo', true],
    ['', true],
    ['a b', false],
    ['about:blank', false],
    ['http:///', false],
    ['https://h.test/a#b', false],
    ['https://user@h.test/', false],
  ])('a referer of %j stays: %s', (referer, stays) => {
    expect(left({ referer }, false, false)).toEqual(stays ? ['referer'] : []);
  });
});
