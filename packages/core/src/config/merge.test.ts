import { describe, expect, it } from 'vitest';
import { loadConfigText } from './load.ts';
import { mergeConfig } from './merge.ts';

function merged(base: string, override: string): unknown {
  return mergeConfig(loadConfigText(base, 'base.yaml'), loadConfigText(override, 'over.yaml')).data;
}

describe('mergeConfig', () => {
  it.each([
    ['scalars override', 'a: 1\nb: 1', 'a: 2', { a: 2, b: 1 }],
    ['messages merge', 'a: {b: 1, c: 1}', 'a: {c: 2, d: 2}', { a: { b: 1, c: 2, d: 2 } }],
    ['lists append', 'a: [1]', 'a: [2, 3]', { a: [1, 2, 3] }],
    ['messages in lists do not merge', 'a: [{b: 1}]', 'a: [{b: 2}]', { a: [{ b: 1 }, { b: 2 }] }],
    ['null says nothing', 'a: {b: 1}\nc: 1', 'a: null\nc:', { a: { b: 1 }, c: 1 }],
    ['a list for a map replaces', 'a: {b: 1}', 'a: [1]', { a: [1] }],
    ['both spellings are one field', 'stat_prefix: a', 'statPrefix: b', { stat_prefix: 'b' }],
    ['lists in both spellings', 'http_filters: [1]', 'httpFilters: [2]', { http_filters: [1, 2] }],
    ['a oneof has one member', 'x: {socket_address: {}}', 'x: {pipe: {path: /p}}', { x: { pipe: { path: '/p' } } }],
    ['in either spelling', 'x: {socketAddress: {}}', 'x: {pipe: {}}', { x: { pipe: {} } }],
    [
      'members of a oneof merge with themselves',
      'x: {pipe: {path: /a}}',
      'x: {pipe: {mode: 1}}',
      { x: { pipe: { path: '/a', mode: 1 } } },
    ],
    [
      'entries of maps are replaced',
      'metadata: {a: {x: 1}, b: 1}',
      'metadata: {a: {y: 1}}',
      { metadata: { a: { y: 1 }, b: 1 } },
    ],
    ['the first of a new field', 'a: 1', 'b: {c: 1}', { a: 1, b: { c: 1 } }],
  ])('%s', (_, base, override, expected) => {
    expect(merged(base, override)).toEqual(expected);
  });

  it('changes neither input', () => {
    const [base, override] = [loadConfigText('a: {b: [1]}', 'base.yaml'), loadConfigText('a: {b: [2]}', 'over.yaml')];
    mergeConfig(base, override);
    expect([base.data, override.data]).toEqual([{ a: { b: [1] } }, { a: { b: [2] } }]);
  });

  it('keeps the place that each value came from', () => {
    const all = mergeConfig(
      loadConfigText('a: { b: 1 }\nlist:\n- { x: 1 }', 'base.yaml'),
      loadConfigText('\n\na: { c: 2 }\nlist:\n- { y: 2 }', 'over.yaml'),
    );
    expect(all.locate(['a', 'b'])).toEqual({ file: 'base.yaml', line: 1, col: 9 });
    expect(all.locate(['a', 'c'])).toEqual({ file: 'over.yaml', line: 3, col: 9 });
    expect(all.locate(['list', 0, 'x'])).toEqual({ file: 'base.yaml', line: 3, col: 8 });
    expect(all.locate(['list', 1, 'y'])).toEqual({ file: 'over.yaml', line: 5, col: 8 });
  });

  it('keeps the problems of both texts', () => {
    const all = mergeConfig(loadConfigText('a: 1\na: 2', 'base.yaml'), loadConfigText('- x', 'over.yaml'));
    expect(all.issues.map(({ file }) => file)).toEqual(['base.yaml', 'over.yaml']);
    expect(all.data).toBeUndefined();
  });
});
