/** What upstreams do with requests: answer well, or badly in one exactly known way. */
import { setTimeout as delay } from 'node:timers/promises';
import { type BodyInput, type HeadersInput, toBytes, toChunks, toLines } from '../bytes.ts';
import { turn } from '../clock.ts';
import type { UpstreamPeer } from './peer.ts';
import type { Behaviour } from './upstream.ts';

/** A well-formed response. */
export interface Answer {
  /** Default 200. */
  readonly status?: number;
  readonly reason?: string;
  readonly headers?: HeadersInput;
  readonly body?: BodyInput;
  readonly trailers?: HeadersInput;
  /** Default: `chunked` when the body is given in chunks or there are trailers, else `length`. `close` sends FIN behind it. */
  readonly framing?: 'length' | 'chunked' | 'close' | 'none';
  /** Interim responses before it, e.g. `[103]`. */
  readonly interim?: readonly number[];
}

/** A response in the pieces in which it is written: the head, then a piece for each chunk. */
export function serializeAnswer(response: Answer, method = 'GET'): Buffer[] {
  const { status = 200, reason = 'Test', headers, body, trailers, interim = [] } = response;
  const chunks = toChunks(body);
  const framing = response.framing ?? (Array.isArray(body) || trailers !== undefined ? 'chunked' : 'length');
  const lines = toLines(headers);
  if (framing === 'chunked') lines.push(['transfer-encoding', 'chunked']);
  if (framing === 'length') lines.push(['content-length', String(Buffer.concat(chunks).length)]);
  const before = interim.map((code) => `HTTP/1.1 ${code} Interim\r\n\r\n`).join('');
  const fields = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = Buffer.from(`${before}HTTP/1.1 ${status} ${reason}\r\n${fields}\r\n`, 'latin1');
  if (method === 'HEAD') return [head];
  if (framing !== 'chunked') return [head, ...chunks];
  const last = toLines(trailers).map(([name, value]) => `${name}: ${value}\r\n`);
  return [head, ...chunks.map(toChunk), Buffer.from(`0\r\n${last.join('')}\r\n`, 'latin1')];
}

function toChunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

/** Answers well. */
export function answer(response: Answer = {}): Behaviour {
  return async (request, peer) => {
    for (const piece of serializeAnswer(response, request.method)) await peer.write(piece);
    if (response.framing === 'close') peer.end();
  };
}

/** Does one thing per request, in order; the last one again and again. */
export function sequence(...behaviours: readonly [Behaviour, ...Behaviour[]]): Behaviour {
  return (request, peer) => (behaviours[request.index] ?? (behaviours.at(-1) as Behaviour))(request, peer);
}

/** Waits for `gate` before it does the rest: the deterministic form of being slow. */
export function after(gate: Promise<unknown>, then: Behaviour): Behaviour {
  return async (request, peer) => {
    await gate;
    await then(request, peer);
  };
}

/** Real slowness, in milliseconds: before the head and before each piece of the body. */
export function slow(response: Answer, { headMs = 0, chunkMs = 0 }: { headMs?: number; chunkMs?: number }): Behaviour {
  return async (request, peer) => {
    const [head, ...pieces] = serializeAnswer(response, request.method);
    await delay(headMs);
    await peer.write(head as Buffer);
    for (const piece of pieces) {
      await delay(chunkMs);
      await peer.write(piece);
    }
    if (response.framing === 'close') peer.end();
  };
}

/** Reads the request and never says a word. Resolves when the connection is gone. */
export function neverAnswer(): Behaviour {
  return (_request, peer) => untilGone(peer);
}

/** Sends the first `bytes` bytes of a response, then waits for the connection to go. */
export function stall(response: Answer, bytes: number): Behaviour {
  return async (request, peer) => {
    await writeSome(peer, response, request.method, bytes);
    await untilGone(peer);
  };
}

/** Sends the first `bytes` bytes of a response, then FIN: `content-length` promises more than comes. */
export function truncate(response: Answer, bytes: number): Behaviour {
  return async (request, peer) => {
    await writeSome(peer, response, request.method, bytes);
    peer.end();
  };
}

/** Sends the first `bytes` bytes of a response (default none), then RST. */
export function resetAfter(response: Answer = {}, bytes = 0): Behaviour {
  return async (request, peer) => {
    await writeSome(peer, response, request.method, bytes);
    // Bytes and RST that arrive in one poll look like an orderly end to Node: let the bytes be read first.
    await turn();
    await turn();
    peer.reset();
  };
}

/** Closes the connection in order, without a byte. */
export function closeUnanswered(): Behaviour {
  return (_request, peer) => peer.end();
}

/**
 * Answers the first request of each connection, promises to keep it open, and closes it without a byte when a second
 * one comes: the race of an idle timer with a new request, every time.
 */
export function staleKeepAlive(response: Answer = {}): Behaviour {
  return async (request, peer) => {
    if (peer.served > 0) peer.end();
    else await answer(response)(request, peer);
  };
}

/** Answers, then sends FIN, and goes on reading. */
export function halfClose(response: Answer = {}): Behaviour {
  return async (request, peer) => {
    await answer(response)(request, peer);
    peer.end();
  };
}

/** Writes these bytes, whatever they are. */
export function garbage(bytes: string | Uint8Array): Behaviour {
  return async (_request, peer) => peer.write(toBytes(bytes));
}

/**
 * Streams a body of `totalBytes`, chunk by chunk, never further ahead than the kernel lets it;
 * `peer.bytesAccepted` tells how far it came.
 */
export function flood(totalBytes: number, chunkBytes = 65_536): Behaviour {
  return async (_request, peer) => {
    await peer.write(`HTTP/1.1 200 OK\r\ncontent-length: ${totalBytes}\r\n\r\n`);
    const chunk = Buffer.alloc(chunkBytes, 'mesh');
    for (let left = totalBytes; left > 0 && !peer.closed; left -= chunkBytes) {
      await peer.write(left >= chunkBytes ? chunk : chunk.subarray(0, left));
    }
  };
}

async function writeSome(peer: UpstreamPeer, response: Answer, method: string, bytes: number): Promise<void> {
  const whole = Buffer.concat(serializeAnswer(response, method));
  if (bytes > 0) await peer.write(whole.subarray(0, bytes));
}

/** Waits without limit: how long is the test's business. */
function untilGone(peer: UpstreamPeer): Promise<void> {
  if (peer.closed) return Promise.resolve();
  return new Promise((resolve) => peer.socket.once('close', () => resolve()));
}
