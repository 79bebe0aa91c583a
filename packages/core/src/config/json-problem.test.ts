import { describe, expect, it } from 'vitest';
import { jsonProblem } from './json-problem.ts';

describe('jsonProblem', () => {
  it.each(['{}', '[1, "x", true, null]', ' {"a": {"b": -1.5e3}}\n'])('finds nothing wrong with %j', (text) => {
    expect(jsonProblem(text)).toBeUndefined();
  });

  it.each([
    ['{"node":\n {"id": nope}\n}', 'o', 'unexpected "o"'],
    ['{"a": tru}', '}', 'unexpected "}"'],
    ['\uFEFF{}', '\uFEFF', 'unexpected "\uFEFF"'],
    ['?', '?', 'unexpected "?"'],
    ['{"a": 1,\n "b": @}', '@', 'unexpected "@"'],
  ])('tells the place of a token that has none in the message: %j', (text, token, message) => {
    expect(jsonProblem(text)).toEqual({ offset: text.lastIndexOf(token), message });
  });

  it.each([
    ['{"a": 1,}', 8],
    ['{"a": 1 "b"}', 8],
    ['{a: 1}', 1],
    ['{} x', 3],
    ['{"a": "b\n"}', 8],
    ['{"a": 1', 7],
    ['{"a":', 5],
    ['', 0],
  ])('tells the place of the problem in %j in one line', (text, offset) => {
    const problem = jsonProblem(text);
    expect(problem?.offset).toBe(offset);
    expect(problem?.message).toMatch(/^[^\n]+$/);
  });
});
