/**
 * Test (b): clients that read a little of a 1 GiB response and then stop. What the proxy holds must stay bounded:
 *
 *   upstream ──► [its send queue] [proxy's receive queue] ( proxy ) [its send queue] [client's receive queue] ──► client
 *
 * held by the proxy = sent by the upstream − the four kernel queues − read by the client
 */
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { median } from '../macro/statistics.mjs';
import { kernelQueues } from './kernel-queues.mjs';
import { settled, startProxy } from './proxy.mjs';
import { allowMore, slowStreams, UNBOUNDED_BYTES } from './upstream.mjs';

export const GROWTH_LIMIT_BYTES = 30e6;
/** What a stream may have buffered: the watermark of 32 KiB, one read of 64 KiB, and room for both to be pieces. */
export const HELD_LIMIT_BYTES = 128 * 1024;

const WARM_REQUESTS = 2000;
const READ_BEFORE_PAUSE = 64 * 1024;
const QUIET_MS = 1500;
const QUIET_LIMIT_MS = 30_000;
const RESUME_BYTES = 16 * 1024 ** 2;
const RESUME_TIMEOUT_MS = 60_000;
/** Far beyond the limit the proxy is ended at once, before it takes the machine with it. */
const EMERGENCY_BYTES = 2 * 1024 ** 3;

/**
 * @typedef {object} SlowResult
 * @property {number} baseline resident bytes before
 * @property {number} growth of resident bytes
 * @property {number} heldMedian bytes per stream
 * @property {number} heldMax
 * @property {boolean} quiet whether the proxy stopped taking from the upstream
 * @property {number} capped streams that were taken without end
 * @property {boolean} resumed whether a stream went on when its client read again
 * @property {boolean} passed
 */

/**
 * @param {import('../macro/targets.mjs').Target} target @param {number} upstreamPort @param {number} readers
 * @returns {Promise<SlowResult>}
 */
export async function slowReaders(target, upstreamPort, readers) {
  const proxy = await startProxy(target, upstreamPort);
  /** @type {net.Socket[]} */
  const clients = [];
  try {
    await warmUp(proxy.port);
    const baseline = await settled(proxy);
    for (let id = 0; id < readers; id++) clients.push(openSlow(proxy.port, id));
    const quiet = await untilQuiet(proxy, baseline, readers);
    const growth = (await settled(proxy)) - baseline;
    const held = heldPerStream(proxy.port, upstreamPort, clients);
    const capped = [...slowStreams.values()].filter((stream) => stream.capped).length;
    const resumed = quiet ? await resumeOne(clients, 0) : false;
    const maxHeld = Math.max(...held);
    const passed = quiet && capped === 0 && growth <= GROWTH_LIMIT_BYTES && maxHeld <= HELD_LIMIT_BYTES && resumed;
    return { baseline, growth, heldMedian: median(held), heldMax: maxHeld, quiet, capped, resumed, passed };
  } finally {
    for (const client of clients) client.destroy();
    await proxy.process.stop();
    slowStreams.clear();
  }
}

/** Lets a just-in-time compiler and allocators reach their usual size first. @param {number} port */
async function warmUp(port) {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise((resolve, reject) => {
    let left = WARM_REQUESTS;
    const ask = () => socket.write('GET /tiny HTTP/1.1\r\nhost: memory.test\r\n\r\n', 'latin1');
    // One answer per read: small, and the next request is only sent after it.
    socket.on('data', () => (--left > 0 ? ask() : resolve(undefined)));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed during warm-up')));
    ask();
  });
  socket.destroy();
}

/** @param {number} port @param {number} id */
function openSlow(port, id) {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  const onData = () => {
    if (socket.bytesRead < READ_BEFORE_PAUSE) return;
    socket.off('data', onData);
    socket.pause();
  };
  socket.on('data', onData);
  // A reset is seen by the caller as a destroyed socket.
  socket.on('error', () => socket.destroy());
  socket.write(`GET /slow/${id} HTTP/1.1\r\nhost: memory.test\r\n\r\n`, 'latin1');
  return socket;
}

/**
 * Waits until every stream has begun and nothing is taken from the upstream any more.
 * @param {import('./proxy.mjs').Proxy} proxy @param {number} baseline @param {number} readers
 * @returns {Promise<boolean>} false when the proxy kept on taking; rejects when it had to be ended
 */
async function untilQuiet(proxy, baseline, readers) {
  const deadline = performance.now() + QUIET_LIMIT_MS;
  let last = -1;
  let since = performance.now();
  while (performance.now() < deadline) {
    await delay(50);
    if (proxy.resident() - baseline > EMERGENCY_BYTES)
      throw new Error('the proxy grew by more than 2 GiB and was ended');
    const sent = [...slowStreams.values()].reduce((sum, stream) => sum + stream.sent, 0);
    if (sent !== last || slowStreams.size < readers) since = performance.now();
    else if (performance.now() - since > QUIET_MS) return true;
    last = sent;
  }
  return false;
}

/** @param {number} proxyPort @param {number} upstreamPort @param {net.Socket[]} clients @returns {number[]} bytes, an upper bound each */
function heldPerStream(proxyPort, upstreamPort, clients) {
  const queues = kernelQueues();
  return clients.map((client, id) => {
    const stream = slowStreams.get(id);
    if (!stream || client.destroyed) return Number.POSITIVE_INFINITY;
    const dialed = stream.socket.remotePort ?? 0;
    const clientPort = client.localPort ?? 0;
    const inKernel =
      queues(upstreamPort, dialed).unsent +
      queues(dialed, upstreamPort).unread +
      queues(proxyPort, clientPort).unsent +
      queues(clientPort, proxyPort).unread;
    return Math.max(0, stream.sent + stream.headBytes - inKernel - client.bytesRead);
  });
}

/** A paused stream must go on when its client reads again. @param {net.Socket[]} clients @param {number} id */
async function resumeOne(clients, id) {
  const client = /** @type {net.Socket} */ (clients[id]);
  allowMore(id, UNBOUNDED_BYTES);
  const goal = client.bytesRead + RESUME_BYTES;
  client.on('data', () => {
    if (client.bytesRead >= goal) client.pause();
  });
  client.resume();
  const deadline = performance.now() + RESUME_TIMEOUT_MS;
  while (client.bytesRead < goal && !client.destroyed && performance.now() < deadline) await delay(20);
  return client.bytesRead >= goal;
}
