/**
 * What other clients notice of each attack: `node conformance/floods/p99.mjs [--attack ping] [--seconds 5] [--every 250]`.
 * 200 requests per second over 8 connections, calm and attacked seconds by turns, so that whatever else the machine does
 * meets both; an attack begins every 250 ms. Prints p50 and p99 of both and the ratios; exits 1 when a p99 is more than
 * 20 % above the calm one and by more than half a millisecond. The proxy has a processor of its own where `taskset` is found.
 */
import { execFileSync } from 'node:child_process';
import { setPriority } from 'node:os';
import { parseArgs } from 'node:util';
import { register } from 'tsx/esm/api';

register();
const { MeshProcess } = await import('../mesh-process/index.ts');
const { App } = await import('./app.ts');
const { AttackerProcess } = await import('./attacker-process.ts');
const { ATTACKS } = await import('./attacks.ts');
const { bootstrap } = await import('./bootstrap.ts');
const { cpuMs } = await import('./meter.ts');
const { quantile, SteadyLoad } = await import('./steady-load.ts');

const { values } = parseArgs({
  options: {
    attack: { type: 'string' },
    seconds: { type: 'string', default: '5' },
    every: { type: 'string', default: '250' },
  },
});
const RATE = 200;
const NOTICEABLE_MS = 0.5;

const app = await App.start();
const mesh = await MeshProcess.start(bootstrap(app.port));
const attacker = await AttackerProcess.start();
pin(mesh.pid, 0);
pin(process.pid, 1);
pin(attacker.pid, 1);
// It shares a processor with the clients whose time is taken: they come first.
setPriority(attacker.pid, 19);
const load = await SteadyLoad.connect(mesh.port);
await load.run(RATE, 2000);

let fine = true;
console.log(`${'attack'.padEnd(46)} p50 calm  attacked  p99 calm  attacked   ratio  attacks  CPU ms each`);
for (const { name } of ATTACKS) {
  if (values.attack !== undefined && name !== values.attack) continue;
  fine = (await measure(name)) && fine;
}
load.close();
await attacker.stop();
await mesh.stop();
app.close();
process.exitCode = fine ? 0 : 1;

async function measure(name) {
  const calm = [];
  const attacked = [];
  let calmCpu = 0;
  let attackedCpu = 0;
  let attacks = 0;
  const order = { port: mesh.port, name, everyMs: Number(values.every) };
  await attacker.during(order, () => load.run(RATE, 300));
  for (let second = 0; second < Number(values.seconds); second++) {
    let before = cpuMs(mesh.pid);
    calm.push(...(await load.run(RATE, 1000)));
    calmCpu += cpuMs(mesh.pid) - before;
    before = cpuMs(mesh.pid);
    attacks += await attacker.during(order, async () => {
      attacked.push(...(await load.run(RATE, 1000)));
    });
    attackedCpu += cpuMs(mesh.pid) - before;
  }
  const [calm99, attacked99] = [quantile(calm, 0.99), quantile(attacked, 0.99)];
  const figures = [quantile(calm, 0.5), quantile(attacked, 0.5), calm99, attacked99].map((ms) =>
    ms.toFixed(2).padStart(9),
  );
  const ratio = attacked99 / calm99;
  const each = (attackedCpu - calmCpu) / attacks;
  console.log(
    `${name.padEnd(45)}${figures.join(' ')}  ${ratio.toFixed(2).padStart(6)}  ${String(attacks).padStart(7)}  ${each.toFixed(1)}`,
  );
  return ratio < 1.2 || attacked99 - calm99 < NOTICEABLE_MS;
}

function pin(pid, core) {
  try {
    execFileSync('taskset', ['-a', '-cp', String(core), String(pid)], { stdio: 'ignore' });
  } catch {
    // Not there, or not that many processors: the figures are noisier.
  }
}
