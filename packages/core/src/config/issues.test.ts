import { describe, expect, it } from 'vitest';
import {
  ConfigError,
  type ConfigIssue,
  didYouMean,
  formatIssues,
  formatPath,
  nearest,
  showValue,
  sortIssues,
} from './issues.ts';

function issue(line: number, col: number, message = 'm', file = 'a.yaml'): ConfigIssue {
  return { path: 'p', file, line, col, message };
}

describe('formatIssues', () => {
  it.each([
    [issue(2, 3), 'a.yaml:2:3 p: m'],
    [{ ...issue(2, 3), path: '' }, 'a.yaml:2:3 m'],
    [{ ...issue(0, 0), hint: 'try x' }, 'a.yaml p: m (try x)'],
  ])('%j → %s', (each, text) => {
    expect(formatIssues([each])).toBe(text);
  });
});

describe('sortIssues', () => {
  it('sorts by file in order of appearance, then by place, and drops repetitions', () => {
    const sorted = sortIssues([issue(9, 1), issue(2, 5), issue(1, 1, 'm', 'b.yaml'), issue(2, 4), issue(2, 5)]);
    expect(sorted.map(({ file, line, col }) => `${file}:${line}:${col}`)).toEqual([
      'a.yaml:2:4',
      'a.yaml:2:5',
      'a.yaml:9:1',
      'b.yaml:1:1',
    ]);
  });
});

describe('formatPath', () => {
  it.each([
    [['a', 0, 'b_c'], 'a[0].b_c'],
    [['@type'], '@type'],
    [['a', 'envoy.x', 'b'], 'a["envoy.x"].b'],
    [[], ''],
  ])('%j → %s', (path, text) => {
    expect(formatPath(path)).toBe(text);
  });
});

describe('nearest', () => {
  it.each([
    ['claster', ['cluster', 'clusters'], 'cluster'],
    ['ROUND_ROBBIN', ['ROUND_ROBIN', 'RANDOM'], 'ROUND_ROBIN'],
    ['Name', ['name'], 'name'],
    ['x', ['name'], undefined],
    ['entirely', ['different'], undefined],
    ['a', [], undefined],
  ])('%s among %j → %s', (name, candidates, found) => {
    expect(nearest(name, candidates)).toBe(found);
  });

  it('didYouMean puts it into words', () => {
    expect(didYouMean('nmae', ['name'])).toBe('did you mean "name"?');
    expect(didYouMean('qqqqqq', ['name'])).toBeUndefined();
  });
});

describe('showValue', () => {
  it.each([
    [[], 'a list'],
    [{}, 'a map'],
    [null, 'null'],
    [1.5, '1.5'],
    ['a"b', '"a\\"b"'],
    ['x'.repeat(50), `"${'x'.repeat(37)}..."`],
  ])('%j → %s', (value, text) => {
    expect(showValue(value)).toBe(text);
  });
});

describe('ConfigError', () => {
  it('carries a stable code, the issues and their text', () => {
    const error = new ConfigError([issue(1, 2), issue(3, 4)]);
    expect(error).toMatchObject({
      code: 'CONFIG_INVALID',
      name: 'ConfigError',
      message: 'a.yaml:1:2 p: m\na.yaml:3:4 p: m',
    });
    expect(error.issues).toHaveLength(2);
  });
});
