/**
 * The least that a correct streaming proxy on `node:http` and undici costs: `dispatch` with raw headers, backpressure in both
 * directions, and no stream objects beyond those that node:http makes anyway.
 *   node undici.mjs LISTEN_PORT UPSTREAM_PORT
 */
import http from 'node:http';
import { Pool } from 'undici';
import { forwardedHeaders, isHopByHop, KEEP_ALIVE_MS, ports, UPSTREAM_SOCKETS } from './node-http.mjs';

const { listenPort, upstreamPort } = ports();
const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, {
  connections: UPSTREAM_SOCKETS,
  pipelining: 1,
  keepAliveTimeout: KEEP_ALIVE_MS,
  keepAliveMaxTimeout: KEEP_ALIVE_MS,
  headersTimeout: 0,
  bodyTimeout: 0,
});

/** `latin1Slice` is what `toString('latin1')` comes down to, without the look-up of the encoding. @param {unknown} bytes */
function text(bytes) {
  return /** @type {{ latin1Slice(): string }} */ (bytes).latin1Slice();
}

/** undici's raw handler: the form that its HTTP/1 client calls without a wrapper in between. */
class Forward {
  /** @param {http.ServerResponse} response */
  constructor(response) {
    this.response = response;
    this.finished = false;
    /** @type {(error?: Error) => void} */
    this.abort = () => {};
    this.resume = () => {};
    response.on('drain', () => this.resume());
    response.on('close', () => {
      if (!this.finished) this.abort(new Error('client went away'));
    });
  }

  /** @param {(error?: Error) => void} abort */
  onConnect(abort) {
    if (this.response.destroyed) abort(new Error('client went away'));
    this.abort = abort;
  }

  /** @param {number} status @param {Buffer[]} raw @param {() => void} resume */
  onHeaders(status, raw, resume) {
    if (status < 200) return true;
    this.resume = resume;
    const headers = [];
    for (let i = 0; i < raw.length; i += 2) {
      const name = text(raw[i]).toLowerCase();
      if (!isHopByHop(name)) headers.push(name, text(raw[i + 1]));
    }
    this.response.writeHead(status, headers);
    return true;
  }

  /** @param {Buffer} chunk @returns {boolean} false pauses the upstream */
  onData(chunk) {
    return this.response.write(chunk);
  }

  onComplete() {
    this.finished = true;
    this.response.end();
  }

  onError() {
    this.finished = true;
    if (this.response.headersSent) return void this.response.destroy();
    this.response.writeHead(502).end();
  }
}

const server = http.createServer((request, response) => {
  const hasBody = request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
  pool.dispatch(
    {
      path: /** @type {string} */ (request.url),
      method: /** @type {import('undici').Dispatcher.HttpMethod} */ (request.method),
      headers: forwardedHeaders(request),
      body: hasBody ? request : null,
    },
    new Forward(response),
  );
});
server.keepAliveTimeout = KEEP_ALIVE_MS;
server.listen({ port: listenPort, host: '127.0.0.1', backlog: 4096 });
