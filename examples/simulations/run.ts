/** `pnpm simulate <scenario.ts> [--svg file] [--seed n]`: runs a scenario on virtual time and prints what came of it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { type Scenario, simulate } from '@mesh/testing';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { svg: { type: 'string' }, seed: { type: 'string' } },
});
const [file] = positionals;
if (file === undefined) {
  console.error('usage: pnpm simulate <scenario.ts> [--svg file] [--seed n]\nexamples: examples/simulations/*.ts');
  process.exit(2);
}
const { default: scenario } = (await import(pathToFileURL(path.resolve(file)).href)) as { default?: Scenario };
if (scenario === undefined) {
  console.error(`${file} has no default export; it must be a Scenario of @mesh/testing`);
  process.exit(2);
}
const started = performance.now();
const cpuBefore = process.cpuUsage();
const result = await simulate({ ...scenario, ...(values.seed !== undefined && { seed: Number(values.seed) }) });
const seconds = (performance.now() - started) / 1000;
console.log(result.text());
const { user, system } = process.cpuUsage(cpuBefore);
const cpu = ((user + system) / 1e6).toFixed(1);
const { arrivals } = result.span();
console.log(
  `${arrivals} requests, ${scenario.durationMs / 1000} s of traffic, worked out in ${seconds.toFixed(1)} s (CPU ${cpu} s)`,
);
if (values.svg !== undefined) {
  writeFileSync(values.svg, result.svg());
  console.log(`plot: ${values.svg}`);
}
