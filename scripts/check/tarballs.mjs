/** Packs every package as `pnpm publish` would, and looks at the tarballs: publint, attw, and what was built into them. */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { packages, pnpm, readJson, root, run, tool } from '../workspace.mjs';

/** Where the tarballs are, for the checks that follow. */
export const tarballFolder = join(root, 'node_modules', '.cache', 'tarballs');

/** Resolves with one text per failure. */
export async function checkTarballs() {
  rmSync(tarballFolder, { recursive: true, force: true });
  mkdirSync(tarballFolder, { recursive: true });
  const failures = [];
  for (const one of packages()) failures.push(...(await checkOne(one)));
  return failures;
}

async function checkOne({ name, folder, version }) {
  if (!existsSync(join(folder, 'dist'))) return [`${name} is not built`];
  const packed = await run(pnpm(), ['pack', '--pack-destination', tarballFolder], { cwd: folder });
  if (!packed.ok) return [`${name} cannot be packed\n${packed.output}`];
  const tarball = join(tarballFolder, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
  const looks = await Promise.all([
    run(tool('publint'), ['run', tarball, '--strict']),
    run(tool('@arethetypeswrong/cli', 'attw'), [
      tarball,
      '--profile',
      'esm-only',
      '--no-definitely-typed',
      '--no-color',
    ]),
  ]);
  const failures = looks.filter(({ ok }) => !ok).map(({ output }) => `${name}\n${output}`);
  return [...failures, ...foreignSources(name, folder)];
}

/** A package that carries another's code means two copies of it at the user's: a missing entry in `dependencies`. */
function foreignSources(name, folder) {
  const dist = join(folder, 'dist');
  const maps = readdirSync(dist).filter((file) => file.endsWith('.js.map'));
  const sources = maps.flatMap((file) => readJson(join(dist, file)).sources.map((source) => resolve(dist, source)));
  const foreign = sources.filter((source) => !source.startsWith(join(folder, 'src')));
  return foreign.map((source) => `${name}: ${relative(root, source)} was built into dist; is it in dependencies?`);
}
