/** Answers on their way out: small ones whole, large ones in pieces as the client takes them. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Exchange } from './exchange.ts';
import type { AdminReply } from './route.ts';

/** Pieces are gathered up to this size; between two writes the event loop does other work. */
const WRITE_BYTES = 64 * 1024;

/** After so long in one go an answer makes way for everything else. Pieces are made in a fraction of that. */
const TURN_MS = 4;

/** A client that takes nothing for this long is hung up on. */
const STALLED_MS = 30_000;

/** No scripts but our own, nothing from elsewhere, and nobody may frame our buttons. */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-frame-options': 'DENY',
};

/** Writes `reply`; resolves when all of it has been handed to the socket, or nobody wants it any more. */
export async function send(exchange: Exchange, reply: AdminReply): Promise<void> {
  const { request, response } = exchange;
  if (response.destroyed) return;
  const { body } = reply;
  if (reply.after !== undefined) response.once('close', reply.after);
  if (request.method === 'HEAD') {
    writeHead(response, reply, typeof body === 'string' ? { 'content-length': Buffer.byteLength(body) } : {});
    response.end();
  } else if (typeof body === 'string') whole(exchange, reply, body);
  else if (Symbol.asyncIterator in body) await live(exchange, reply, body);
  else await piecewise(exchange, reply, body);
}

function whole(exchange: Exchange, reply: AdminReply, body: string): void {
  const { response } = exchange;
  const bytes = Buffer.from(body);
  exchange.bytesSent += bytes.length;
  writeHead(response, reply, { 'content-length': bytes.length });
  response.end(bytes);
}

async function piecewise(exchange: Exchange, reply: AdminReply, body: Iterable<string>): Promise<void> {
  const { response } = exchange;
  let gathered = '';
  let untilMs = performance.now() + TURN_MS;
  // An empty piece says that some work has been done without anything to show for it.
  for (const piece of body) {
    gathered += piece;
    if (gathered.length >= WRITE_BYTES) {
      if (!response.headersSent) writeHead(response, reply, {});
      if (!(await taken(exchange, gathered))) return;
      gathered = '';
    } else if (performance.now() >= untilMs) {
      await nextTurn();
      if (response.destroyed) return;
    } else continue;
    untilMs = performance.now() + TURN_MS;
  }
  if (!response.headersSent) whole(exchange, reply, gathered);
  else if (await taken(exchange, gathered)) response.end();
}

async function live(exchange: Exchange, reply: AdminReply, body: AsyncIterable<string | Uint8Array>): Promise<void> {
  const { response } = exchange;
  writeHead(response, reply, {});
  if (reply.live) response.flushHeaders();
  // Whoever waits for a piece must hear that nobody is there any more.
  const pieces = body[Symbol.asyncIterator]();
  const leave = () => void pieces.return?.();
  response.once('close', leave);
  try {
    for (let step = await pieces.next(); step.done !== true; step = await pieces.next()) {
      if (!(await taken(exchange, step.value))) return;
    }
    response.end();
  } finally {
    response.off('close', leave);
    leave();
  }
}

/** False when the client is gone. */
async function taken(exchange: Exchange, piece: string | Uint8Array): Promise<boolean> {
  const { response } = exchange;
  if (response.destroyed) return false;
  exchange.bytesSent += Buffer.byteLength(piece);
  if (!response.write(piece)) await drained(response);
  // Always: with a fast reader `drain` comes in the same turn, write after write, and nothing else would be done.
  await nextTurn();
  return !response.destroyed;
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const stalled = setTimeout(() => response.destroy(), STALLED_MS);
    const done = () => {
      clearTimeout(stalled);
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
  });
}

function writeHead(response: ServerResponse, reply: AdminReply, length: OutgoingHttpHeaders): void {
  const { status, contentType, headers, after } = reply;
  const closes = status === 413 || after !== undefined || !response.shouldKeepAlive;
  // Without this Node.js adds `Connection` and `Keep-Alive` in its own spelling; connections stay open all the same.
  response.removeHeader('connection');
  response.sendDate = false;
  response.writeHead(status, {
    ...(contentType !== '' && {
      'content-type': contentType,
      'cache-control': 'no-cache, max-age=0',
      'x-content-type-options': 'nosniff',
    }),
    ...(contentType.startsWith('text/html') && PAGE_HEADERS),
    ...headers,
    date: new Date().toUTCString(),
    server: 'envoy',
    ...(closes && { connection: 'close' }),
    ...length,
  });
}
