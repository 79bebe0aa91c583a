/** Pages show parts of files that are tested; here it is tested that they still do. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');
const lines = (text: string) => text.replace(/\n$/, '').split('\n');

/** Every fenced block of a language. */
function blocks(page: string, language: string): string[] {
  return [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter(([, found]) => found === language)
    .map(([, , text = '']) => text);
}

/** Whether the lines stand in the file one after the other, all with the same further indentation. */
function contains(file: readonly string[], block: readonly string[]): boolean {
  const [first = ''] = block;
  return file.some((line, start) => {
    if (!line.endsWith(first) || line.slice(0, line.length - first.length).trim() !== '') return false;
    const indent = line.slice(0, line.length - first.length);
    return block.every((wanted, i) => file[start + i] === (wanted === '' ? '' : indent + wanted));
  });
}

const configurations = readdirSync(new URL('yaml/', import.meta.url)).map((name) => lines(read(`yaml/${name}`)));

describe.each(['protocols.md', 'tls.md', 'tcp-proxy.md'])('docs/%s', (name) => {
  const shown = blocks(read(`../docs/${name}`), 'yaml');

  it('shows configuration', () => expect(shown.length).toBeGreaterThan(2));

  it.each(shown)('is part of a file in examples/yaml:\n%s', (text) => {
    expect(configurations.some((file) => contains(file, lines(text)))).toBe(true);
  });
});

describe('docs/writing-a-filter.md, filters for connections', () => {
  const [, section = ''] = read('../docs/writing-a-filter.md').split('\n## 12. ');
  const shown = blocks(section.split('\n## ')[0] ?? '', 'ts');
  const sources = ['connection-filters.ts', 'connection-filters.test.ts'].map((file) => lines(read(file)));

  it('shows code', () => expect(shown.length).toBeGreaterThan(2));

  it.each(shown)('is part of examples/connection-filters:\n%s', (text) => {
    expect(sources.some((file) => contains(file, lines(text)))).toBe(true);
  });
});
