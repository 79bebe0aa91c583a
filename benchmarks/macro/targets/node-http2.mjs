/**
 * The least that a correct streaming proxy on `node:http2` costs: the stream API downstream, and undici's `dispatch` (HTTP/1.1)
 * or a `node:http2` session upstream, with back-pressure.
 *   node node-http2.mjs LISTEN_PORT UPSTREAM_PORT SHAPE [CERT KEY]
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import { Pool } from 'undici';
import { forwardedHeaders, isHopByHop, KEEP_ALIVE_MS, ports, UPSTREAM_SOCKETS } from './node-http.mjs';

const { listenPort, upstreamPort } = ports();
const [shape = 'h2-h1', cert = '', key = ''] = process.argv.slice(4);
const origin = `http://127.0.0.1:${upstreamPort}`;

const pool = new Pool(origin, {
  connections: UPSTREAM_SOCKETS,
  pipelining: 1,
  keepAliveTimeout: KEEP_ALIVE_MS,
  keepAliveMaxTimeout: KEEP_ALIVE_MS,
  headersTimeout: 0,
  bodyTimeout: 0,
});

/** @param {unknown} bytes */
function text(bytes) {
  return /** @type {{ latin1Slice(): string }} */ (bytes).latin1Slice();
}

/** undici's raw handler, writing to an HTTP/2 stream. */
class ToStream {
  /** @param {http2.ServerHttp2Stream} stream */
  constructor(stream) {
    this.stream = stream;
    this.finished = false;
    /** @type {(error?: Error) => void} */
    this.abort = () => {};
    this.resume = () => {};
    stream.on('drain', () => this.resume());
    stream.on('error', () => {});
    stream.on('close', () => {
      if (!this.finished) this.abort(new Error('client went away'));
    });
  }

  /** @param {(error?: Error) => void} abort */
  onConnect(abort) {
    this.abort = abort;
  }

  /** @param {number} status @param {Buffer[]} raw @param {() => void} resume */
  onHeaders(status, raw, resume) {
    if (status < 200) return true;
    this.resume = resume;
    /** @type {http2.OutgoingHttpHeaders} */
    const headers = { ':status': status };
    for (let i = 0; i < raw.length; i += 2) {
      const name = text(raw[i]).toLowerCase();
      if (!isHopByHop(name)) headers[name] = text(raw[i + 1]);
    }
    if (!this.stream.destroyed) this.stream.respond(headers);
    return true;
  }

  /** @param {Buffer} chunk @returns {boolean} false pauses the upstream */
  onData(chunk) {
    return this.stream.write(chunk);
  }

  onComplete() {
    this.finished = true;
    this.stream.end();
  }

  onError() {
    this.finished = true;
    this.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
  }
}

/** @param {http2.ServerHttp2Stream} stream @param {http2.IncomingHttpHeaders} headers */
function toHttp1(stream, headers) {
  const fields = [];
  for (const name in headers) if (name.charCodeAt(0) !== 58) fields.push(name, String(headers[name]));
  fields.push('host', String(headers[':authority']), 'x-request-id', randomUUID());
  fields.push('x-forwarded-for', '127.0.0.1', 'x-forwarded-proto', 'http');
  const method = /** @type {import('undici').Dispatcher.HttpMethod} */ (headers[':method']);
  const body = method === 'GET' || method === 'HEAD' ? null : stream;
  pool.dispatch({ path: String(headers[':path']), method, headers: fields, body }, new ToStream(stream));
}

/** One session: undici loses the trailers of HTTP/2, so gRPC must not go through it. @type {http2.ClientHttp2Session} */
let session;

function upstreamSession() {
  session = http2.connect(origin);
  session.on('error', () => {});
  session.on('close', upstreamSession);
}

/** @param {http2.ServerHttp2Stream} stream @param {http2.IncomingHttpHeaders} headers */
function toHttp2(stream, headers) {
  const onward = {
    ...headers,
    'x-request-id': randomUUID(),
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
  };
  const request = session.request(onward, { endStream: headers[':method'] === 'GET' });
  /** @type {http2.IncomingHttpHeaders} */
  let trailers = {};
  request.on('response', (answer) => {
    if (!stream.destroyed) stream.respond(answer, { waitForTrailers: shape === 'grpc' });
  });
  request.on('trailers', (fields) => (trailers = fields));
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.on('error', () => request.close());
  request.on('error', () => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
  if (headers[':method'] !== 'GET') stream.pipe(request);
  request.pipe(stream);
}

/** The peer of `tls`: node:https in front of undici. */
class ToResponse {
  /** @param {import('node:http').ServerResponse} response */
  constructor(response) {
    this.response = response;
    this.resume = () => {};
    response.on('drain', () => this.resume());
  }
  onConnect() {}
  /** @param {number} status @param {Buffer[]} raw @param {() => void} resume */
  onHeaders(status, raw, resume) {
    this.resume = resume;
    const headers = [];
    for (let i = 0; i < raw.length; i += 2) {
      const name = text(raw[i]).toLowerCase();
      if (!isHopByHop(name)) headers.push(name, text(raw[i + 1]));
    }
    this.response.writeHead(status, headers);
    return true;
  }
  /** @param {Buffer} chunk */
  onData(chunk) {
    return this.response.write(chunk);
  }
  onComplete() {
    this.response.end();
  }
  onError() {
    this.response.destroy();
  }
}

const tls = cert === '' ? undefined : { cert: readFileSync(cert), key: readFileSync(key) };
const listen = { port: listenPort, host: '127.0.0.1', backlog: 4096 };
if (shape === 'tls') {
  const server = https.createServer(/** @type {object} */ (tls), (request, response) => {
    const path = /** @type {string} */ (request.url);
    pool.dispatch({ path, method: 'GET', headers: forwardedHeaders(request), body: null }, new ToResponse(response));
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(listen);
} else {
  const settings = { settings: { maxConcurrentStreams: 1024 } };
  const server = tls === undefined ? http2.createServer(settings) : http2.createSecureServer({ ...settings, ...tls });
  const onHttp2 = shape === 'h2-h2' || shape === 'grpc';
  if (onHttp2) upstreamSession();
  server.on('stream', onHttp2 ? toHttp2 : toHttp1);
  server.on('sessionError', () => {});
  server.listen(listen);
}
