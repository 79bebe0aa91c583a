import { describe, expect, it } from 'vitest';
import { isTemplateLiteral, UriTemplate } from './uri-template.ts';

// What matches was compared with Envoy 1.40; so were the texts of the errors.
const matches: readonly (readonly [template: string, path: string, expected: boolean, why: string])[] = [
  ['/', '/', true, 'the root'],
  ['/', '/a', false, 'and nothing else'],
  ['/p/{x}', '/p/a', true, 'one segment'],
  ['/p/{x}', '/p/a;c', true, 'with its parameters'],
  ['/p/{x}', '/p/%20', true, 'escaped'],
  ['/p/{x}', '/p/a*=', true, 'all sub-delimiters'],
  ['/p/{x}', '/p/a/b', false, 'not two segments'],
  ['/p/{x}', '/p/', false, 'not an empty one'],
  ['/p/{x}', '/p', false, 'not none'],
  ['/p/{x}', '/p/a"', false, 'only characters of RFC 3986'],
  ['/p/{x}', '/p/a|b', false, 'only characters of RFC 3986'],
  ['/p/{x}', '/P/a', false, 'case matters'],
  ['/p/*', '/p/a', true, 'without a name'],
  ['/p/*', '/p/a/b', false, 'one segment'],
  ['/p/*/b', '/p/a/b', true, 'in the middle'],
  ['/p/*/*', '/p/a/b', true, 'two segments'],
  ['/p5/**', '/p5/', true, 'the rest may be empty'],
  ['/p5/**', '/p5', false, 'but for the slash before it'],
  ['/p5/**', '/p5/a//b', true, 'any number of segments'],
  ['/p2/{x=**}/t.js', '/p2/a/b/t.js', true, 'text behind the rest'],
  ['/p2/{x=**}/t.js', '/p2//t.js', true, 'an empty rest'],
  ['/p2/{x=**}/t.js', '/p2/t.js', false, 'both slashes must be there'],
  ['/p2/{x=**}/t.js', '/p2/a/t.jsx', false, 'the text must end the path'],
  ['/p3/{x}.html/z', '/p3/x.html/z', true, 'text behind a variable'],
  ['/p3/{x}.html/z', '/p3/.html/z', false, 'the variable may not be empty'],
  ['/p3/{x}.html/z', '/p3/a.htmlx/z', false, 'the text must end the segment'],
  ['/p3/{x}.html/z', '/p3/a.html.html/z', true, 'the last one counts'],
  ['/p4/pre{x}suf', '/p4/prexsuf', true, 'text on both sides'],
  ['/p4/pre{x}suf', '/p4/presuf', false, 'the variable may not be empty'],
  ['/p6/{x=a/*}b/{y}', '/p6/a/xb/y', true, 'a variable over two segments'],
  ['/p6/{x=a/*}b/{y}', '/p6/a/x/y', false, 'with text behind it'],
  ['/p7/{x=*}/', '/p7/a/', true, 'a slash at the end'],
  ['/p7/{x=*}/', '/p7/a', false, 'must be there'],
  ['/p8/*.m', '/p8/a.m', true, 'a suffix'],
  ['/p8/*.m', '/p8/.m', false, 'needs something before it'],
  ['/p9/**.m3u8', '/p9/a/b.m3u8', true, 'a suffix behind the rest'],
  ['/a=b/{x=c=d}', '/a=b/c=d', true, 'equals signs in text'],
];

function captured(template: string, path: string) {
  const compiled = new UriTemplate(template);
  return { variables: compiled.variables, values: compiled.capture(`${path}?q`, path.length) };
}

describe('UriTemplate', () => {
  it.each(matches)('UriTemplate %j %j → %j: %s', (template, path, expected) => {
    expect(new UriTemplate(template).matches(`${path}?q`, path.length)).toBe(expected);
  });

  it.each([
    ['/p2/{x=**}/{y=t.js}', '/p2/a/b/t.js', { x: 'a/b', y: 't.js' }],
    ['/p4/pre{x}suf/{y}', '/p4/pre.suf/%2f', { x: '.', y: '%2f' }],
    ['/{z=a/*/b}/{a=*}.x', '/a/q/b/w.x', { z: 'a/q/b', a: 'w' }],
    ['/{e=**}', '/', { e: '' }],
    ['/plain', '/plain', {}],
  ])('UriTemplate.capture %j %j → %j', (template, path, expected) => {
    const { variables, ...compiled } = captured(template, path);
    expect(Object.fromEntries(variables.map((name, index) => [name, compiled.values?.[index]]))).toEqual(expected);
  });

  it('UriTemplate.capture is undefined for a path that does not fit', () => {
    expect(captured('/a/{x}', '/b/c').values).toBeUndefined();
  });

  it.each([
    ['/a/b/{x}', '/a/b/'],
    ['/a{x=b/*}', '/a'],
    ['/{x=b/*}', '/b/'],
    ['/**', '/'],
    ['/a/b', '/a/b'],
  ])('UriTemplate.literalPrefix of %j is %j', (template, expected) => {
    expect(new UriTemplate(template.replace('/a{x=b/*}', '/a{x}')).literalPrefix).toBe(expected);
  });

  it.each([
    ['', 'Invalid pattern: ""'],
    ['a', 'Invalid pattern: "a"'],
    ['/a b', 'Invalid pattern: "/a b"'],
    ['/é', 'Invalid pattern: "/é"'],
    ['/a//b', 'Invalid literal: ""'],
    ['/a//', 'Invalid literal: ""'],
    ['/a}', 'Invalid literal: "a}"'],
    ['/a{b', 'Invalid literal: "a{b"'],
    ['/a{x=b/c}d', 'Invalid literal: "a{x=b"'],
    ['/*{x}', 'Invalid literal: "{x}"'],
    ['/{a', 'Unmatched variable bracket in mixed pattern: "{a"'],
    ['/{a}{b}', 'Invalid suffix literal: "{b}"'],
    ['/a{x}b{y}', 'Invalid suffix literal: "b{y}"'],
    ['/{}', 'Invalid variable name: ""'],
    ['/{1a}', 'Invalid variable name: "1a"'],
    ['/{a.b}', 'Invalid variable name: "a.b"'],
    ['/x/{v=}', 'Empty variable match'],
    ['/{a=b/}', 'Invalid variable match: "/"'],
    ['/{x=*a}', 'Invalid variable match: "a"'],
    ['/{a}/{a}', 'Repeated variable name: "a"'],
    ['/{a}/{b}/{c}/{d}/{e}/{f}', 'Exceeded variable count limit (5)'],
    [
      '/x/{toolongnametoolong}',
      'Invalid variable name length (length of "toolongnametoolong" should be at least 1 and no more than 16)',
    ],
    ['/a/**/*', 'Glob after text glob.'],
    ['/{x=**}/{y=*}', 'Glob after text glob.'],
    ['/**/{x}', 'Implicit variable path glob after text glob.'],
    ['/**/a{x}', 'Implicit variable path glob after text glob.'],
    ['/a/*.x/b', 'Prefix match not supported.'],
    ['/a*b', 'a "*" inside of a literal is not supported: "a*b"'],
  ])('UriTemplate refuses %j: %s', (template, message) => {
    expect(() => new UriTemplate(template)).toThrow(new TypeError(message));
  });

  it('isTemplateLiteral knows the characters', () => {
    expect([isTemplateLiteral('a-._~%=*'), isTemplateLiteral('a/b'), isTemplateLiteral('a/b', true)]).toEqual([
      true,
      false,
      true,
    ]);
    expect([isTemplateLiteral(''), isTemplateLiteral('"'), isTemplateLiteral('a{', true)]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
