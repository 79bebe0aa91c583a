/** Starts the proxy under test and reads its memory. */
import { setTimeout as delay } from 'node:timers/promises';
import { residentBytes } from '../macro/cpu.mjs';
import { freePort, waitReady } from '../macro/ports.mjs';
import { isWrapper, launch, makeWorkDir } from '../macro/processes.mjs';
import { makeCertificate } from '../macro/upstreams.mjs';

/**
 * @typedef {object} Proxy
 * @property {number} port
 * @property {import('../macro/processes.mjs').Launched} process
 * @property {() => number} resident bytes, wrapper scripts left out; throws when the proxy has died
 */

/**
 * @param {import('../macro/targets.mjs').Target} target @param {number} upstreamPort
 * @param {import('../macro/scenarios.mjs').Shape} [shape] @returns {Promise<Proxy>}
 */
export async function startProxy(target, upstreamPort, shape = 'h1') {
  const port = await freePort();
  const place = {
    listenPort: port,
    adminPort: await freePort(),
    upstreamPort,
    workDir: makeWorkDir(),
    longLived: true,
    shape,
    ...(shape === 'tls' && { certificate: makeCertificate() }),
  };
  const process = launch(target.command(place), { label: target.name });
  await waitReady(process, port, '/tiny', shape);
  const resident = () => {
    if (!process.running) throw new Error(`${target.name} died: ${process.output.trim() || 'no output'}`);
    return residentBytes(process.members().filter((pid) => !isWrapper(pid)));
  };
  return { port, process, resident };
}

/**
 * Memory once it has stopped moving: three readings half a second apart within 1 %, or the last one after `limitMs`.
 * @param {Proxy} proxy @param {number} [limitMs]
 */
export async function settled(proxy, limitMs = 10_000) {
  const deadline = performance.now() + limitMs;
  let readings = [proxy.resident()];
  while (performance.now() < deadline) {
    await delay(500);
    readings = [...readings.slice(-2), proxy.resident()];
    if (readings.length === 3 && Math.max(...readings) <= Math.min(...readings) * 1.01) break;
  }
  return readings[readings.length - 1] ?? 0;
}
