/** What the scripts know about the workspace: where it is, its packages in build order, and how to start programs. */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the workspace's package.json. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** Used where pnpm is not on PATH: when a script was started by plain `node` or `npm run`. */
const PNPM = 'pnpm@12.21.0';

/** Manifests of packages/*, each with its folder. */
export function packages() {
  const folder = join(root, 'packages');
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => ({ folder: join(folder, entry.name), ...readJson(join(folder, entry.name, 'package.json')) }));
}

/**
 * Packages in waves: each wave needs only the ones before it. Only what a package needs at run time counts: tests of a
 * filter use the test kit and tests of the test kit use a filter, so the dev dependencies go in circles.
 *
 * @throws Error when the run-time dependencies go in circles.
 */
export function buildWaves() {
  const left = new Map(packages().map((one) => [one.name, one]));
  const waves = [];
  while (left.size > 0) {
    const wave = [...left.values()].filter((one) => needs(one).every((name) => !left.has(name)));
    if (wave.length === 0) throw new Error(`dependency cycle among ${[...left.keys()].join(', ')}`);
    for (const { name } of wave) left.delete(name);
    waves.push(wave);
  }
  return waves;
}

function needs({ dependencies, peerDependencies }) {
  return Object.keys({ ...dependencies, ...peerDependencies });
}

/** Program and leading arguments that start a package's command with this Node, without a shell. */
export function tool(name, command = name) {
  const manifest = manifestPath(name);
  const { bin } = readJson(manifest);
  return [process.execPath, join(dirname(manifest), typeof bin === 'string' ? bin : bin[command])];
}

/** Not by `require('<name>/package.json')`: some packages do not export it. */
function manifestPath(name) {
  for (const folder of createRequire(join(root, 'package.json')).resolve.paths(name) ?? []) {
    const manifest = join(folder, name, 'package.json');
    if (readJson(manifest, undefined) !== undefined) return manifest;
  }
  throw new Error(`${name} is not installed`);
}

let pnpmCommand;

/** Program and leading arguments that start pnpm. */
export function pnpm() {
  pnpmCommand ??= spawnSync('pnpm', ['--version']).status === 0 ? ['pnpm'] : ['npx', '-y', PNPM];
  return pnpmCommand;
}

/** Runs a command to its end; resolves with its exit code and everything it printed. Never rejects. */
export function run([program, ...leading], args = [], options = {}) {
  return new Promise((resolve) => {
    const chunks = [];
    const child = spawn(program, [...leading, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => resolve({ ok: false, output: String(error) }));
    child.on('close', (code) => resolve({ ok: code === 0, output: Buffer.concat(chunks).toString().trimEnd() }));
  });
}

/** A JSON file, or `fallback` (when given) if there is none. */
export function readJson(path, ...fallback) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (fallback.length > 0 && error.code === 'ENOENT') return fallback[0];
    throw error;
  }
}
