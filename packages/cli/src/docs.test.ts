import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { TestIo } from './fixture.ts';
import { main } from './main.ts';

const page = (name: string) => fs.readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
/** The content of every fenced block in this language. */
function block(text: string, language: string): string[] {
  const all = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  return all.filter(([, found]) => found === language).map(([, , content]) => content ?? '');
}

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-docs-'));
afterAll(() => fs.rmSync(dir, { recursive: true }));

const tests = block(page('route-check.md'), 'yaml')[0] ?? '';
const files: Readonly<Record<string, string>> = {
  'api.yaml': block(page('explain.md'), 'yaml').at(-1) ?? '',
  'tests.yaml': tests,
  'bad-tests.yaml': tests.replace('code_redirect: 308', 'code_redirect: 301'),
  'typo.yaml': tests.replace('cluster_name: users-v2', 'cluster_nam: users-v2'),
};
for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(dir, name), text);

/** `[command, output]` of every `$ mesh …` that a page shows with what it prints. */
function commands(name: string): [string, string][] {
  return block(page(name), '').flatMap((text) => {
    const [, command, output = ''] = /^\$ mesh ([^\n]+)\n(.*?)(?:^\$ |$(?![\s\S]))/ms.exec(text) ?? [];
    return command === undefined ? [] : [[command, output] as [string, string]];
  });
}

/** Words as a shell splits them; names of files become paths. */
function words(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain = '']) => {
    return quoted ?? (plain in files ? path.join(dir, plain) : plain);
  });
}

describe.each(['explain.md', 'route-check.md'])('docs/%s', (name) => {
  it('shows commands', () => expect(commands(name).length).toBeGreaterThan(1));

  it.each(commands(name))('mesh %s prints what is shown', async (command, output) => {
    const io = new TestIo();
    await main(words(command), io);
    expect(`${io.stdout}${io.stderr}`.replaceAll(`${dir}${path.sep}`, '')).toBe(output);
  });
});
