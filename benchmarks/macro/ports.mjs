/** Free loopback ports and readiness checks. */
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
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

/** @param {import('./scenarios.mjs').Shape} shape whether its clients speak HTTP/2 */
export function isHttp2(shape) {
  return shape === 'h2-h1' || shape === 'h2-h2' || shape === 'tls-h2' || shape === 'grpc';
}

/** @param {import('./scenarios.mjs').Shape} shape whether its clients come over TLS */
export function isTls(shape) {
  return shape === 'tls' || shape === 'tls-h2';
}

/**
 * One request on a connection of its own; resolves to the status and the length of the body.
 * @param {number} port @param {string} path @param {number} [uploadBytes] 0 means GET
 * @param {import('./scenarios.mjs').Shape} [shape]
 * @returns {Promise<{ status: number, bodyBytes: number }>}
 */
export function request(port, path, uploadBytes = 0, shape = 'h1') {
  if (isHttp2(shape)) return requestHttp2(port, path, uploadBytes, shape);
  return new Promise((resolve, reject) => {
    const { Agent, request: ask } = isTls(shape) ? https : http;
    const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
    const headers = uploadBytes > 0 ? { 'content-length': uploadBytes } : {};
    const method = uploadBytes > 0 ? 'POST' : 'GET';
    const call = ask({ host: '127.0.0.1', port, path, method, headers, agent, timeout: 5000 }, (response) => {
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
 * @param {number} port @param {string} path @param {number} uploadBytes @param {import('./scenarios.mjs').Shape} shape
 * @returns {Promise<{ status: number, bodyBytes: number }>}
 */
function requestHttp2(port, path, uploadBytes, shape) {
  return new Promise((resolve, reject) => {
    const scheme = isTls(shape) ? 'https' : 'http';
    const session = http2.connect(`${scheme}://127.0.0.1:${port}`, { rejectUnauthorized: false });
    session.on('error', reject);
    session.setTimeout(5000, () => session.destroy(new Error(`no answer to ${path} within 5 s`)));
    const grpc = shape === 'grpc' ? { 'content-type': 'application/grpc', te: 'trailers' } : {};
    const stream = session.request({ ':method': uploadBytes > 0 ? 'POST' : 'GET', ':path': path, ...grpc });
    let status = 0;
    let bodyBytes = 0;
    stream.on('response', (headers) => (status = Number(headers[':status'])));
    stream.on('data', (chunk) => (bodyBytes += chunk.length));
    stream.on('error', reject);
    stream.on('end', () => {
      session.close();
      resolve({ status, bodyBytes });
    });
    stream.end(uploadBytes > 0 ? Buffer.alloc(uploadBytes) : undefined);
  });
}

/**
 * Waits until a GET through the process answers 200, which implies that it accepts connections and reaches its upstream.
 * @param {import('./processes.mjs').Launched} launched @param {number} port @param {string} path
 * @param {import('./scenarios.mjs').Shape} [shape] @param {number} [timeoutMs]
 */
export async function waitReady(launched, port, path, shape = 'h1', timeoutMs = 20_000) {
  const deadline = performance.now() + timeoutMs;
  let last = 'nothing was tried';
  while (performance.now() < deadline) {
    if (!launched.running)
      throw new Error(`${launched.label} ended before it was ready: ${launched.output.trim() || 'no output'}`);
    try {
      const { status } = await request(port, path, 0, shape);
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
