/**
 * A long fuzz run: `node conformance/fuzz/long.mjs [runs] [seed]`. One million runs per property and a seed of the hour
 * unless given; both are printed, and the same numbers repeat the same run.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [runs = '1000000', seed = String(Math.floor(Date.now() / 3_600_000))] = process.argv.slice(2);
console.log(`FUZZ_RUNS=${runs} FUZZ_SEED=${seed}`);
const { status } = spawnSync('npx', ['vitest', 'run', 'conformance/fuzz'], {
  cwd: fileURLToPath(new URL('../..', import.meta.url)),
  env: { ...process.env, FUZZ_RUNS: runs, FUZZ_SEED: seed },
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
