/** Pages show parts of files that are tested; here it is tested that they still do. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
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

describe.each([
  'protocols.md',
  'tls.md',
  'tcp-proxy.md',
  'clusters.md',
  'load-balancing.md',
  'health.md',
  'circuit-breakers.md',
  'operations/access-logs.md',
  'operations/admin.md',
  'operations/stats.md',
  'operations/tracing.md',
  '../packages/access-loggers/README.md',
])('docs/%s', (name) => {
  const shown = blocks(read(`../docs/${name}`), 'yaml');

  it('shows configuration', () => expect(shown.length).toBeGreaterThan(1));

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

describe('docs/writing-a-load-balancer.md', () => {
  const shown = blocks(read('../docs/writing-a-load-balancer.md'), 'ts');
  const sources = ['custom-cluster.ts', 'custom-cluster.test.ts'].map((file) => lines(read(file)));

  it('shows code', () => expect(shown.length).toBeGreaterThan(5));

  it.each(shown)('is part of examples/custom-cluster:\n%s', (text) => {
    expect(sources.some((file) => contains(file, lines(text)))).toBe(true);
  });
});

describe('docs/writing-an-observer.md', () => {
  const page = read('../docs/writing-an-observer.md');
  const shown = [...blocks(page, 'ts'), ...blocks(page, 'yaml')];
  const sources = ['custom-observers.ts', 'custom-observers.test.ts'].map((file) => lines(read(file)));

  it('shows code', () => expect(shown.length).toBeGreaterThan(6));

  it.each(shown)('is part of examples/custom-observers:\n%s', (text) => {
    expect(sources.some((file) => contains(file, lines(text)))).toBe(true);
  });
});

describe('docs/writing-a-filter.md and docs/operations/tracing.md', () => {
  const [, section = ''] = read('../docs/writing-a-filter.md').split('\n### Asking another service\n');
  const [, inFilters = ''] = read('../docs/operations/tracing.md').split('\n## In filters\n');
  const shown = [section, inFilters].map((text) => blocks(text.split('\n## ')[0] ?? '', 'ts')[0] ?? 'nothing');
  const source = lines(read('custom-observers.ts'));

  it.each(shown)('show parts of examples/custom-observers.ts:\n%s', (text) => {
    expect(contains(source, lines(text))).toBe(true);
  });
});

const packages = readdirSync(new URL('../packages', import.meta.url)).map((name) => `../packages/${name}/README.md`);
const pages = ['', 'operations/'].flatMap((folder) => {
  const names = readdirSync(new URL(`../docs/${folder}`, import.meta.url)).filter((name) => name.endsWith('.md'));
  return names.map((name) => `${folder}${name}`);
});

/** As GitHub makes it of a heading. */
function anchor(heading: string): string {
  const plain = heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '');
  return plain.replaceAll(' ', '-');
}

describe.each(['../README.md', ...packages, ...pages.map((name) => `../docs/${name}`)])('links of %s', (name) => {
  it('lead somewhere', () => {
    const links = [...read(name).matchAll(/\]\(([^()\s]+)\)/g)].map(([, link = '']) => link);
    const broken = links.filter((link) => {
      if (/^\w+:/.test(link)) return false;
      const [file = '', fragment] = link.split('#');
      const target = new URL(file === '' ? name : `${name}/../${file}`, new URL('x', import.meta.url));
      if (!existsSync(target)) return true;
      if (fragment === undefined) return false;
      const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => anchor(text));
      return !headings.includes(fragment);
    });
    expect(broken).toEqual([]);
  });
});
