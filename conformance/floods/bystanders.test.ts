import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeshProcess } from '../mesh-process/index.ts';
import { App } from './app.ts';
import { AttackerProcess } from './attacker-process.ts';
import { bootstrap } from './bootstrap.ts';
import { quantile, SteadyLoad } from './steady-load.ts';

const RATE = 100;
const EACH_MS = 1000;
const EVERY_MS = 100;

/** What is dear to fend off, of each kind. */
const WORST = ['rapid reset', 'ping', 'made you reset: window beyond 2³¹', 'header bomb: references', 'zero window'];

// The exact figures take a calm machine: `p99.mjs`.
describe('other clients of a proxy under attack', () => {
  let app: App;
  let mesh: MeshProcess;
  let attacker: AttackerProcess;
  let load: SteadyLoad;
  let calm99: number;

  beforeAll(async () => {
    app = await App.start();
    [mesh, attacker] = await Promise.all([MeshProcess.start(bootstrap(app.port)), AttackerProcess.start()]);
    load = await SteadyLoad.connect(mesh.port);
    await load.run(RATE, 500);
    calm99 = quantile(await load.run(RATE, EACH_MS), 0.99);
  }, 30_000);

  afterAll(async () => {
    load.close();
    await Promise.all([mesh.stop(), attacker.stop()]);
    app.close();
  });

  it.each(WORST)('are all answered, and in reasonable time: %s', async (name) => {
    let times: number[] = [];
    const attacks = await attacker.during({ port: mesh.port, name, everyMs: EVERY_MS }, async () => {
      times = await load.run(RATE, EACH_MS);
    });
    expect(attacks).toBeGreaterThan(0);
    expect(times.length).toBeGreaterThanOrEqual((RATE * EACH_MS) / 1000 - 10);
    expect(quantile(times, 0.99)).toBeLessThan(Math.max(5 * calm99, 250));
  });
});
