/**
 * Uses the packed tarballs as a stranger would: plain npm in an empty directory, a consumer type-checked with NodeNext
 * and `skipLibCheck` off, then run. Finds wrong `exports`, missing files, and types that only work inside the workspace.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readJson, root, run, tool } from '../workspace.mjs';
import { tarballFolder } from './tarballs.mjs';

const fixture = fileURLToPath(new URL('../consumer', import.meta.url));

/** Resolves with one text per failure. Needs the tarballs of `checkTarballs`. */
export async function installAndUse() {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-consumer-'));
  try {
    return await useIn(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function useIn(folder) {
  cpSync(fixture, folder, { recursive: true });
  const types = readJson(join(root, 'package.json')).devDependencies['@types/node'];
  const tarballs = readdirSync(tarballFolder).map((file) => join(tarballFolder, file));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error'];
  const steps = [
    [
      ['npm', 'install'],
      [...flags, ...tarballs, `@types/node@${types}`],
    ],
    [tool('typescript', 'tsc'), ['-p', '.', '--pretty', 'false']],
    [[process.execPath], ['consumer.js']],
    [[process.execPath], [join('node_modules', '@mesh', 'cli', 'bin', 'mesh.js'), '--version']],
  ];
  for (const [command, args] of steps) {
    const { ok, output } = await run(command, args, { cwd: folder });
    if (!ok) return [`${command.slice(-1)} ${args.join(' ')}\n${output}`];
    if (output !== '') console.log(output);
  }
  return [];
}
