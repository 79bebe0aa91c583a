/**
 * The long form, which is also a soak: `node conformance/reliability/cross-talk-http2.mjs [--seconds 20] [--seed 1]`. Prints
 * its figures; exits 1 when a byte was another's, an exchange failed that nobody had given up, or anything is left.
 */
import { parseArgs } from 'node:util';
import { register } from 'tsx/esm/api';

register();
const { runCrossTalk } = await import('./cross-talk-http2.ts');
const { randomFrom } = await import('./random.ts');

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } },
});
const report = await runCrossTalk(Number(values.seconds) * 1000, 8, 64, randomFrom(Number(values.seed)));
const { faults, mixedUp, exchanges, whole, unmeant, left, openFiles, resident } = report;
console.log(`exchanges  ${exchanges}, ${whole} whole, ${unmeant.length} failed that were not meant to`);
console.log(`cross-talk ${faults.length} answers, ${mixedUp} requests`);
for (const each of [...faults, ...unmeant].slice(0, 10)) console.log(`  ${each}`);
console.log(`resident   ${resident.map((bytes) => Math.round(bytes / 1048576)).join(' ')} MiB`);
console.log(`files      ${openFiles.before} → ${openFiles.after}`);
console.log(`gauges     ${JSON.stringify(left)}`);
process.exitCode = faults.length + mixedUp + unmeant.length + Object.keys(left).length === 0 ? 0 : 1;
