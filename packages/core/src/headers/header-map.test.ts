import { describe, expect, it } from 'vitest';
import { HeaderMap, RequestHead, ResponseHead } from './header-map.ts';

function map(...fields: string[]): HeaderMap {
  const headers = new HeaderMap();
  for (let i = 0; i < fields.length; i += 2) headers.append(fields[i] as string, fields[i + 1] as string);
  return headers;
}

describe('HeaderMap', () => {
  it('get finds the first value in any case', () => {
    const headers = map('X-A', '1', 'x-a', '2');
    expect(headers.get('x-A')).toBe('1');
    expect(headers.get('x-b')).toBeUndefined();
  });

  it('getAll keeps repeated fields apart and in order', () => {
    expect(map('set-cookie', 'a=1', 'x', 'y', 'Set-Cookie', 'b=2').getAll('SET-COOKIE')).toEqual(['a=1', 'b=2']);
    expect(map().getAll('x')).toEqual([]);
  });

  it('set replaces every line at the place of the first', () => {
    const headers = map('a', '1', 'b', '2', 'a', '3', 'c', '4', 'a', '5');
    headers.set('A', '9');
    expect(headers.fields).toEqual(['a', '9', 'b', '2', 'c', '4']);
    headers.set('d', '5');
    expect(headers.size).toBe(4);
  });

  it('remove drops every line and tells whether there was one', () => {
    const headers = map('a', '1', 'b', '2', 'A', '3');
    expect(headers.remove('A')).toBe(true);
    expect(headers.remove('a')).toBe(false);
    expect(headers.fields).toEqual(['b', '2']);
  });

  it('has tells an empty value from an absent field', () => {
    expect(map('a', '').has('A')).toBe(true);
    expect(map().has('a')).toBe(false);
  });

  it('entries and forEach walk in wire order with lower-case names', () => {
    const headers = map('B', '1', 'a', '2');
    expect([...headers.entries()]).toEqual([
      ['b', '1'],
      ['a', '2'],
    ]);
    const seen: string[] = [];
    headers.forEach((name, value) => {
      seen.push(`${name}=${value}`);
    });
    expect(seen).toEqual(['b=1', 'a=2']);
  });

  it.each([
    ['', 'v'],
    ['a b', 'v'],
    ['a:', 'v'],
    [':path', '/x'],
    ['é', 'v'],
    ['a', 'x\r\ny: z'],
    ['a', 'x\ny'],
    ['a', '\0'],
    ['a', '\x7f'],
    ['a', 'Ā'],
  ])('set and append refuse the field %j: %j', (name, value) => {
    const headers = new HeaderMap();
    expect(() => headers.set(name, value)).toThrow(TypeError);
    expect(() => headers.append(name, value)).toThrow(TypeError);
    expect(headers.size).toBe(0);
  });

  it('set takes tab, obs-text and the empty value', () => {
    const headers = new HeaderMap();
    headers.set('a', 'x\ty');
    headers.set('b', 'é\xff');
    headers.set('c', '');
    expect(headers.fields).toEqual(['a', 'x\ty', 'b', 'é\xff', 'c', '']);
  });

  it('names of object prototypes are ordinary names', () => {
    const headers = map('__proto__', 'x', 'constructor', 'y');
    expect(headers.get('__PROTO__')).toBe('x');
    expect(headers.get('constructor')).toBe('y');
    expect(headers.get('tostring')).toBeUndefined();
  });
});

describe('RequestHead', () => {
  it('host and :authority both mean the authority', () => {
    const head = new RequestHead();
    head.set('Host', 'a.test');
    expect([head.authority, head.get('HOST'), head.get(':authority')]).toEqual(['a.test', 'a.test', 'a.test']);
    head.append(':authority', 'b.test');
    expect(head.getAll('host')).toEqual(['b.test']);
    expect(head.fields).toEqual([]);
  });

  it('pseudo names read and write the request line', () => {
    const head = new RequestHead();
    head.set(':path', '/a?b');
    head.set(':method', 'PUT');
    expect([head.path, head.method, head.get(':scheme')]).toEqual(['/a?b', 'PUT', 'http']);
    expect(head.getAll(':path')).toEqual(['/a?b']);
    expect(head.get(':status')).toBeUndefined();
    expect(head.getAll(':x')).toEqual([]);
  });

  it.each([
    [':path', ''],
    [':path', '/a b'],
    [':path', '/a\r\nx: y'],
    [':path', '/é'],
    [':method', ''],
    [':method', 'GET /x'],
    [':scheme', 'https'],
    [':other', 'x'],
    ['host', 'a\r\nb'],
  ])('set refuses %s %j', (name, value) => {
    const head = new RequestHead();
    expect(() => head.set(name, value)).toThrow(TypeError);
    expect([head.path, head.method, head.authority]).toEqual(['/', 'GET', '']);
  });
});

describe('ResponseHead', () => {
  it('status is also :status', () => {
    const head = new ResponseHead();
    head.status = 404;
    expect(head.get(':status')).toBe('404');
  });
});
