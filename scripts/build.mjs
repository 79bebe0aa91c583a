/** Builds every package, those that others need first: `node scripts/build.mjs`. Quiet unless something fails. */
import { pathToFileURL } from 'node:url';
import { buildWaves, run, tool } from './workspace.mjs';

/** Builds in waves, the packages of a wave side by side; resolves with the failures' output. */
export async function buildAll() {
  const failures = [];
  for (const wave of buildWaves()) {
    const results = await Promise.all(wave.map((one) => build(one)));
    failures.push(...results.filter((result) => result !== undefined));
    if (failures.length > 0) break;
  }
  return failures;
}

async function build({ name, folder }) {
  const started = performance.now();
  const { ok, output } = await run(tool('tsup'), ['--silent'], { cwd: folder });
  if (!ok) return `${name} does not build\n${output}`;
  console.log(`${name} built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return undefined;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const failures = await buildAll();
  for (const failure of failures) console.error(failure);
  process.exitCode = failures.length === 0 ? 0 : 1;
}
