/** Test (a): many idle kept-alive connections, each of which has made one request. */
import net from 'node:net';
import tls from 'node:tls';
import { TINY_BODY } from '../macro/scenarios.mjs';
import { settled, startProxy } from './proxy.mjs';

const AT_ONCE = 100;
const ANSWER_TIMEOUT_MS = 10_000;
export const IDLE_LIMIT_BYTES = 150e6;
export const IDLE_TLS_LIMIT_BYTES = 600e6;

/**
 * @param {import('../macro/targets.mjs').Target} target @param {number} upstreamPort @param {number} connections
 * @param {{ tls: boolean, limit: number }} options
 * @returns {Promise<{ baseline: number, resident: number, perConnection: number, lost: number, passed: boolean }>} bytes
 */
export async function idleConnections(target, upstreamPort, connections, options) {
  const proxy = await startProxy(target, upstreamPort, options.tls ? 'tls' : 'h1');
  /** @type {net.Socket[]} */
  const sockets = [];
  try {
    const baseline = await settled(proxy);
    while (sockets.length < connections) {
      const batch = Math.min(AT_ONCE, connections - sockets.length);
      sockets.push(...(await Promise.all(Array.from({ length: batch }, () => openAndAsk(proxy.port, options.tls)))));
    }
    const resident = await settled(proxy);
    const lost = sockets.filter((socket) => socket.destroyed || socket.readableEnded).length;
    const passed = resident <= options.limit && lost === 0;
    return { baseline, resident, perConnection: (resident - baseline) / connections, lost, passed };
  } finally {
    for (const socket of sockets) socket.destroy();
    await proxy.process.stop();
  }
}

/** One for all: making it costs more than a handshake. @type {tls.SecureContext | undefined} */
let context;

/** @param {number} port @param {boolean} secure @returns {net.Socket} */
function open(port, secure) {
  if (!secure) return net.connect({ port, host: '127.0.0.1', noDelay: true });
  context ??= tls.createSecureContext();
  return tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, secureContext: context });
}

/**
 * Opens a connection, makes one request, leaves it open.
 * @param {number} port @param {boolean} secure @returns {Promise<net.Socket>}
 */
function openAndAsk(port, secure) {
  return new Promise((resolve, reject) => {
    const socket = open(port, secure);
    const timer = setTimeout(() => socket.destroy(new Error('no answer on a new connection')), ANSWER_TIMEOUT_MS);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!text.endsWith(TINY_BODY)) return;
      clearTimeout(timer);
      if (text.startsWith('HTTP/1.1 200')) resolve(socket);
      else reject(new Error(`unexpected answer: ${text.slice(0, 60)}`));
    });
    // After the answer, an error shows as a destroyed socket and is counted as lost.
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed before the answer')));
    socket.write('GET /tiny HTTP/1.1\r\nhost: memory.test\r\n\r\n', 'latin1');
  });
}
