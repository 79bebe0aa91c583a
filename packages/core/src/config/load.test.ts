import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatIssues } from './issues.ts';
import { loadConfigFile, loadConfigText } from './load.ts';

function lines(text: string, file = 'c.yaml'): string[] {
  const { issues } = loadConfigText(text, file);
  return issues.length === 0 ? [] : formatIssues(issues).split('\n');
}

function nested(levels: number, open: string, close: string): string {
  return `a: ${open.repeat(levels)}${close.repeat(levels)}`;
}

describe('loadConfigText', () => {
  it('yields plain data without prototypes', () => {
    const { data, issues } = loadConfigText('a: { b: [1, x, true, null] }', 'c.yaml');
    expect(issues).toEqual([]);
    expect(data).toEqual({ a: { b: [1, 'x', true, null] } });
    expect(Object.getPrototypeOf(data)).toBeNull();
    expect(Object.getPrototypeOf(data?.a)).toBeNull();
  });

  it.each([
    [['a'], 1, 4],
    [['list', 0], 3, 3],
    [['list', 1, 'deep'], 5, 11],
    [['flow', 'x'], 6, 12],
    [['folded'], 7, 9],
    [['empty'], 9, 1],
    [['list', 1, 'deep', 'missing'], 5, 11],
  ])('tells the place of %j', (at, line, col) => {
    const text = 'a: 1\nlist:\n- one\n- two: 2\n  deep:   three\nflow: { x: 1 }\nfolded: >\n  text\nempty:\n';
    expect(loadConfigText(text, 'f.yaml').locate(at)).toEqual({ file: 'f.yaml', line, col });
  });

  it('counts columns in characters behind tabs, umlauts and CRLF', () => {
    const loaded = loadConfigText('"ä": 1\r\nb: {c: 2}\r\n', 'c.yaml');
    expect(loaded.locate(['b', 'c'])).toMatchObject({ line: 2, col: 8 });
  });

  it.each([
    ['a: 1\na: 2', 'c.yaml:2:1 a: the key "a" is given twice'],
    ['a: {b: 1, "b": 2}', 'c.yaml:1:11 a.b: the key "b" is given twice'],
    ['__proto__: 1', 'c.yaml:1:1 __proto__: the key "__proto__" is not allowed'],
    ['a:\n  constructor: 1', 'c.yaml:2:3 a.constructor: the key "constructor" is not allowed'],
    ['a: [{prototype: 1}]', 'c.yaml:1:6 a[0].prototype: the key "prototype" is not allowed'],
    ['? [a]\n: 1', 'c.yaml:1:3 map keys must be plain text'],
    ['- a', 'c.yaml:1:1 expected a map at the top of the file, got a list'],
    ['just text', 'c.yaml:1:1 expected a map at the top of the file, got "just text"'],
    ['', 'c.yaml:1:1 expected a map at the top of the file, got nothing'],
    ['a: 1\n---\nb: 2', 'c.yaml:2:1 only one YAML document is allowed in a file'],
    ['a: *nowhere', 'there is no anchor "&nowhere" before this alias'],
    ['a: &x {b: *x}', 'collections are nested more than 100 levels deep'],
    ['a: "open', 'invalid YAML: '],
    ['a: 1\n\tb: 2', 'invalid YAML: '],
    ['a: !!binary aGk=', 'invalid YAML: Unresolved tag'],
    ['a: !!omap [x: 1]', 'invalid YAML: Unresolved tag'],
    ['a: !acme x', 'invalid YAML: Unresolved tag: !acme'],
    ['%YAML 1.1\n---\na: yes', 'c.yaml:1:1 only YAML 1.2 is read'],
    ['<<: 1\na: 2', 'c.yaml:1:5 a merge key (<<) needs a map or a list of maps'],
  ])('refuses %j', (text, message) => {
    expect(lines(text).join('\n')).toContain(message);
  });

  it('tells every duplicate key, not only the first', () => {
    expect(lines('a: 1\na: 2\nb: 1\nb: 2')).toHaveLength(2);
  });

  it('has no prototype to pollute', () => {
    loadConfigText('__proto__: { polluted: 1 }\na: { __proto__: { polluted: 1 } }', 'c.yaml');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('copies anchored maps, so that every use has a place of its own', () => {
    const loaded = loadConfigText('x: &x { a: 1 }\ny: *x\nz: { <<: *x, b: 2 }\n', 'c.yaml');
    expect(loaded.data).toEqual({ x: { a: 1 }, y: { a: 1 }, z: { a: 1, b: 2 } });
    expect(loaded.data?.x).not.toBe(loaded.data?.y);
  });

  it('lets the keys of the map win over those that are merged in', () => {
    expect(loadConfigText('x: &x { a: 1, b: 1 }\ny: { <<: *x, a: 2 }', 'c.yaml').data?.y).toEqual({ a: 2, b: 1 });
    const list = 'x: &x { a: 1 }\nz: &z { a: 2, b: 2 }\ny: { <<: [*x, *z] }';
    expect(loadConfigText(list, 'c.yaml').data?.y).toEqual({ a: 1, b: 2 });
  });

  it('takes the nearest anchor before an alias', () => {
    const { data, issues } = loadConfigText('a: &x 1\nb: *x\nc: &x 2\nd: [*x]\n*x : key', 'c.yaml');
    expect(issues).toEqual([]);
    expect(data).toEqual({ a: 1, b: 1, c: 2, d: [2], 2: 'key' });
  });

  it('reads many aliases of a scalar in time linear in their number', () => {
    const { data, issues } = loadConfigText(`a: &a x\nb: [${Array(50_000).fill('*a').join(',')}]`, 'c.yaml');
    expect(issues).toEqual([]);
    expect(data?.b).toHaveLength(50_000);
  });

  it('refuses an alias inside its own anchor', () => {
    expect(lines('a: &a [*a]').at(0)).toContain('nested more than 100 levels deep');
  });

  it('cuts off alias bombs', () => {
    const rows = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`);
    const start = process.cpuUsage();
    expect(lines(`l0: &l0 [x]\n${rows.join('\n')}`).at(0)).toContain('more than 100 uses of anchored maps or lists');
    const { user, system } = process.cpuUsage(start);
    expect(user + system).toBeLessThan(1_000_000);
  });

  it.each([
    ['flow', nested(101, '[', ']')],
    ['maps', nested(101, '{a: ', '}')],
    ['a hundred thousand', nested(100_000, '[', ']')],
    ['json', `{"a":${'['.repeat(200)}${']'.repeat(200)}}`],
  ])('refuses nesting over 100: %s', (_, text) => {
    expect(lines(text)).toEqual([expect.stringContaining('collections are nested more than 100 levels deep')]);
  });

  it('takes nesting up to 100', () => {
    expect(lines(nested(99, '[', ']'))).toEqual([]);
  });

  it('refuses nesting that aliases build', () => {
    const rows = Array.from({ length: 120 }, (_, i) => `a${i + 1}: &a${i + 1} { b: *a${i} }`);
    expect(lines(`a0: &a0 { b: 1 }\n${rows.join('\n')}`)).not.toEqual([]);
  });

  it('keeps all digits of large integers', () => {
    expect(loadConfigText('a: 18446744073709551615\nb: 1e3', 'c.yaml').data).toEqual({
      a: '18446744073709551615',
      b: 1000,
    });
  });

  it('reads YAML 1.2: yes and on are text', () => {
    expect(loadConfigText('a: yes\nb: on\nc: 0o10\nd: 1_000', 'c.yaml').data).toEqual({
      a: 'yes',
      b: 'on',
      c: 8,
      d: '1_000',
    });
  });

  it.each([
    ['{"a": 1,}', 'invalid JSON: '],
    ["{'a': 1}", 'invalid JSON: '],
    ['{"a": 1} // c', 'invalid JSON: '],
    ['a: 1', 'invalid JSON: '],
    ['{"a": 1, "a": 2}', 'c.json:1:10 a: the key "a" is given twice'],
  ])('is strict with *.json: %j', (text, message) => {
    expect(lines(text, 'c.json').join('\n')).toContain(message);
  });

  it('tells the place in JSON', () => {
    const loaded = loadConfigText('{\n  "a": {\n    "b": 1 } }', 'c.json');
    expect(loaded.issues).toEqual([]);
    expect(loaded.locate(['a', 'b'])).toMatchObject({ line: 3, col: 10 });
  });
});

describe('loadConfigFile', () => {
  it('reads a file, with or without a byte order mark', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'mesh-load-'));
    const file = path.join(folder, 'c.yaml');
    for (const text of ['a: 1', '\ufeffa: 1']) {
      writeFileSync(file, text);
      const { data, issues } = loadConfigFile(file);
      expect([data, issues]).toEqual([{ a: 1 }, []]);
    }
    rmSync(folder, { recursive: true });
  });

  it.each(['/nonexistent/c.yaml', tmpdir()])('tells that %s cannot be read', (file) => {
    const { data, issues } = loadConfigFile(file);
    expect(data).toBeUndefined();
    expect(formatIssues(issues)).toMatch(/^\S+ cannot be read: E/);
  });
});
