/**
 * Everything a change must pass besides the tests: `node scripts/check.mjs [section…]`. Runs every section even when an
 * early one fails, prints a summary, and exits 1 if anything failed. Sections given by name run alone.
 */
import { buildAll } from './build.mjs';
import { installAndUse } from './check/consumer.mjs';
import { figures } from './check/figures.mjs';
import { checkTarballs } from './check/tarballs.mjs';
import { run, tool } from './workspace.mjs';

const SECTIONS = [
  ['types', () => command('typescript', ['-p', 'tsconfig.json', '--pretty', 'false'], 'tsc')],
  ['style', () => command('@biomejs/biome', ['ci', '--colors=off', '--max-diagnostics=30', '.'], 'biome')],
  ['arrows', () => command('dependency-cruiser', ['--config', '.dependency-cruiser.mjs', ...SOURCES], 'depcruise')],
  ['unused', () => command('knip', ['--no-progress'])],
  ['figures', figures],
  ['build', async () => verdict(await buildAll())],
  ['tarballs', async () => verdict(await checkTarballs())],
  ['consumer', async () => verdict(await installAndUse())],
];
const SOURCES = ['packages', 'examples', 'conformance', 'benchmarks', 'scripts'];

async function command(packageName, args, bin) {
  const { ok, output } = await run(tool(packageName, bin), args);
  return { ok, output: ok ? lastLine(output) : output };
}

function lastLine(text) {
  return text.slice(text.lastIndexOf('\n') + 1);
}

function verdict(failures) {
  return { ok: failures.length === 0, output: failures.join('\n\n') };
}

async function runSection([name, section]) {
  console.log(`\n=== ${name} ${'='.repeat(100 - name.length)}`);
  const started = performance.now();
  const { ok, output } = await section().catch((error) => ({ ok: false, output: error.stack }));
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (output !== '') console.log(output);
  console.log(`${ok ? 'ok' : 'FAILED'} (${seconds} s)`);
  return { name, ok, seconds };
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !SECTIONS.some(([known]) => known === name));
if (unknown.length > 0) {
  console.error(`no section ${unknown.join(', ')}; there are ${SECTIONS.map(([name]) => name).join(', ')}`);
  process.exit(2);
}
const results = [];
for (const section of SECTIONS) {
  if (wanted.length === 0 || wanted.includes(section[0])) results.push(await runSection(section));
}

console.log(`\n=== summary ${'='.repeat(93)}`);
for (const { name, ok, seconds } of results) console.log(`${ok ? 'ok    ' : 'FAILED'}  ${name} (${seconds} s)`);
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;
