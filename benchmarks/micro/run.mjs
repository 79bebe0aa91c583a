/**
 * Runs every `*.bench.mjs` of this folder, each in a tinybench of its own. A bench file exports
 * `register(bench)`, which adds tasks, or returns the reason why it cannot run, and perhaps `check(bench)`, which tells
 * afterwards what is too slow.
 *   node benchmarks/micro/run.mjs [part of a file name …]
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Bench } from 'tinybench';

/**
 * @typedef {{
 *   register(bench: Bench): string | undefined | void | Promise<string | undefined | void>,
 *   check?(bench: Bench): string | undefined,
 * }} BenchFile
 */

const TIME_MS = 500;
const wanted = process.argv.slice(2).filter((each) => each !== '--');
const files = readdirSync(fileURLToPath(new URL('.', import.meta.url)))
  .filter((file) => file.endsWith('.bench.mjs'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();

for (const file of files) await runFile(file);
if (files.length === 0) console.log('no bench file matches');

/** @param {string} file */
async function runFile(file) {
  const name = file.replace(/\.bench\.mjs$/, '');
  /** @type {BenchFile} */
  const module = await import(new URL(file, import.meta.url).href);
  const bench = new Bench({ name, time: TIME_MS });
  const reason = await module.register(bench);
  if (reason) return console.log(`${name}: skipped, ${reason}`);
  await bench.run();
  console.log(name);
  console.table(bench.table());
  for (const task of bench.tasks) {
    if (!task.result || !('error' in task.result)) continue;
    console.error(`${name} / ${task.name} failed:`, task.result.error);
    process.exitCode = 1;
  }
  const failure = module.check?.(bench);
  if (!failure) return;
  console.error(`${name}: ${failure}`);
  process.exitCode = 1;
}
