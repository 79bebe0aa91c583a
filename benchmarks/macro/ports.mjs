/** Free loopback ports and readiness checks. */
import http from 'node:http';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A port that was free a moment ago. @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {net.AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}

/**
 * One request on a connection of its own; resolves to the status and the length of the body.
 * @param {number} port @param {string} path @param {number} [uploadBytes] 0 means GET
 * @returns {Promise<{ status: number, bodyBytes: number }>}
 */
export function request(port, path, uploadBytes = 0) {
  return new Promise((resolve, reject) => {
    const agent = new http.Agent({ keepAlive: true });
    const headers = uploadBytes > 0 ? { 'content-length': uploadBytes } : {};
    const method = uploadBytes > 0 ? 'POST' : 'GET';
    const call = http.request({ host: '127.0.0.1', port, path, method, headers, agent, timeout: 5000 }, (response) => {
      let bodyBytes = 0;
      response.on('data', (chunk) => (bodyBytes += chunk.length));
      response.on('error', reject);
      response.on('end', () => {
        agent.destroy();
        resolve({ status: response.statusCode ?? 0, bodyBytes });
      });
    });
    call.on('timeout', () => call.destroy(new Error(`no answer to ${method} ${path} within 5 s`)));
    call.on('error', (error) => {
      agent.destroy();
      reject(error);
    });
    call.end(uploadBytes > 0 ? Buffer.alloc(uploadBytes, 'x') : undefined);
  });
}

/**
 * Waits until a GET through the process answers 200, which implies that it accepts connections and reaches its upstream.
 * @param {import('./processes.mjs').Launched} launched @param {number} port @param {string} path @param {number} [timeoutMs]
 */
export async function waitReady(launched, port, path, timeoutMs = 20_000) {
  const deadline = performance.now() + timeoutMs;
  let last = 'nothing was tried';
  while (performance.now() < deadline) {
    if (!launched.running)
      throw new Error(`${launched.label} ended before it was ready: ${launched.output.trim() || 'no output'}`);
    try {
      const { status } = await request(port, path);
      if (status === 200) return;
      last = `status ${status}`;
    } catch (error) {
      last = String(error);
    }
    await delay(25);
  }
  throw new Error(
    `${launched.label} was not ready within ${timeoutMs} ms (${last}): ${launched.output.trim() || 'no output'}`,
  );
}
