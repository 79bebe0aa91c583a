/**
 * The long abort matrix, with its figures: `node conformance/reliability/abort-matrix.mjs [--iterations 2000]`.
 * Exits 1 when anything is left or an exchange ended in an unexpected way.
 */
import { parseArgs } from 'node:util';
import { register } from 'tsx/esm/api';

register();
const { runAbortMatrix } = await import('./abort-matrix.ts');

const { values } = parseArgs({ options: { iterations: { type: 'string', default: '2000' } } });
const { cells, before, after, left } = await runAbortMatrix(Number(values.iterations));

for (const { name, iterations, outcomes, unexpected } of cells) {
  console.log(
    `${name.padEnd(26)} × ${iterations}  ${JSON.stringify(outcomes)}${unexpected.length > 0 ? '  UNEXPECTED' : ''}`,
  );
}
const growth = after.heapBytes - before.heapBytes;
console.log(`heap       ${kib(before.heapBytes)} → ${kib(after.heapBytes)} (${kib(growth)})`);
console.log(`resources  ${JSON.stringify(before.resources)} → ${JSON.stringify(after.resources)}`);
console.log(`gauges     ${JSON.stringify(left)}`);

const same = JSON.stringify(before.resources) === JSON.stringify(after.resources);
const fine = cells.every(({ unexpected }) => unexpected.length === 0) && Object.keys(left).length === 0;
process.exitCode = fine && same && growth < 1024 * 1024 ? 0 : 1;

function kib(bytes) {
  return `${(bytes / 1024).toFixed(0)} KiB`;
}
