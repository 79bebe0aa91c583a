/** An upstream in this very process, so that the memory test can see what was taken from it: `/tiny`, and `/slow/N` of 1 GiB. */
import net from 'node:net';
import { TINY_BODY } from '../macro/scenarios.mjs';

export const STREAM_BYTES = 1024 ** 3;

/** A proxy that took this much more than its client read has no backpressure; sending on would only fill the machine. */
export const UNBOUNDED_BYTES = 64 * 1024 ** 2;

// Small chunks keep the error small: what Node has not yet handed to the kernel counts as taken.
const CHUNK = Buffer.alloc(16 * 1024, 'x');

/** @typedef {{ socket: net.Socket, headBytes: number, sent: number, capped: boolean }} SlowStream */

/** @type {Map<number, SlowStream>} by N of `/slow/N` */
export const slowStreams = new Map();

/** Lets a stream run on past the cap, for the check that it is still alive. @type {Map<number, number>} extra bytes by N */
const allowance = new Map();

/** @returns {Promise<{ port: number, close: () => void }>} */
export function startUpstream() {
  /** @type {Set<net.Socket>} */
  const sockets = new Set();
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // The proxy is ended while it still holds connections; nothing is kept per socket here.
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
      resolve({ port: /** @type {net.AddressInfo} */ (server.address()).port, close });
    });
  });
}

/** @param {number} id @param {number} bytes */
export function allowMore(id, bytes) {
  allowance.set(id, (allowance.get(id) ?? 0) + bytes);
  const stream = slowStreams.get(id);
  if (stream?.capped) pump(id, stream);
}

/** @param {net.Socket} socket */
function serve(socket) {
  let head = '';
  socket.on('data', (chunk) => {
    head += chunk.toString('latin1');
    for (let end = head.indexOf('\r\n\r\n'); end >= 0; end = head.indexOf('\r\n\r\n')) {
      answer(socket, head.slice(0, end));
      head = head.slice(end + 4);
    }
  });
}

/** @param {net.Socket} socket @param {string} head */
function answer(socket, head) {
  const slow = /^GET \/slow\/(\d+) /.exec(head);
  if (!slow) {
    socket.write(
      `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${TINY_BODY.length}\r\n\r\n${TINY_BODY}`,
      'latin1',
    );
    return;
  }
  const id = Number(slow[1]);
  const before = socket.bytesWritten;
  socket.write(
    `HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: ${STREAM_BYTES}\r\n\r\n`,
    'latin1',
  );
  const stream = { socket, headBytes: socket.bytesWritten - before, sent: 0, capped: false };
  slowStreams.set(id, stream);
  socket.on('drain', () => pump(id, stream));
  pump(id, stream);
}

/** @param {number} id @param {SlowStream} stream */
function pump(id, stream) {
  const limit = Math.min(STREAM_BYTES, UNBOUNDED_BYTES + (allowance.get(id) ?? 0));
  while (stream.sent < limit && !stream.socket.destroyed) {
    stream.sent += CHUNK.length;
    if (!stream.socket.write(CHUNK)) return;
  }
  stream.capped = stream.sent < STREAM_BYTES;
}
