import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from './answers.ts';
import { Client, get, NoAnswer } from './client.ts';
import { ProxyProcess } from './proxy.ts';

const REQUESTS = Number(process.env.CROSS_TALK_REQUESTS ?? 20_000);
const CONNECTIONS = 64;
const SEED = Number(process.env.CROSS_TALK_SEED ?? Date.now() % 1_000_000);

/** Small enough for one write with the head, larger than that, and larger than every buffer on the way. */
const SIZES = [0, 1, 700, 5000, 70_000, 300_000];
const UPSTREAM_WAYS = ['length', 'chunked', 'close', 'slow', 'cut', 'reset'] as const;

type Way = (typeof UPSTREAM_WAYS)[number];

/** What is asked for; the nonce is in the path, in a field, and all through both bodies. */
interface Plan {
  readonly nonce: string;
  readonly way: Way;
  readonly size: number;
  readonly bytes: string;
}

/** `nonce` over and over: any byte of another exchange shows. */
function bodyOf(nonce: string, size: number): string {
  return nonce.repeat(Math.ceil(size / nonce.length)).slice(0, size);
}

/** Mulberry32: the same seed asks for the same. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// The upstream: Node's own HTTP server, another codec than the proxy's

let mixedUp = 0;

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, nonce = '', way, size] = (request.url as string).split('/');
  let received = '';
  request.setEncoding('latin1');
  for await (const part of request) received += part;
  if (request.headers['x-nonce'] !== nonce || received !== bodyOf(nonce, received.length)) mixedUp++;
  answer(response, nonce, way as Way, Number(size));
}

function answer(response: ServerResponse, nonce: string, way: Way, size: number): void {
  const body = bodyOf(nonce, size);
  response.setHeader('x-nonce', nonce);
  if (way === 'length') response.setHeader('content-length', size);
  if (way === 'close') response.setHeader('connection', 'close');
  if (way === 'cut' || way === 'reset') {
    response.write(body.slice(0, size / 2), () => {
      if (way === 'reset') response.socket?.resetAndDestroy();
      else response.destroy();
    });
  } else if (way === 'slow') {
    response.write(body.slice(0, size / 2));
    setTimeout(() => response.end(body.slice(size / 2)), 5);
  } else response.end(body);
}

// The clients

/** Behind another answer on the same connection `ways` has no cut one: the RST that tells of it takes the first along. */
function plan(random: () => number, serial: number, ways: readonly Way[] = UPSTREAM_WAYS): Plan {
  const nonce = `n${serial.toString(36)}-${Math.floor(random() * 1e9).toString(36)}.`;
  // Mostly small and well-behaved, as traffic is.
  const way = random() < 0.9 ? pick(random, ways.slice(0, 2)) : pick(random, ways);
  const size = random() < 0.9 ? pick(random, SIZES.slice(0, 4)) : pick(random, SIZES);
  const path = `/${nonce}/${way}/${size}`;
  const fields = `X-Nonce: ${nonce}\r\n`;
  const kind = random();
  if (kind < 0.6) return { nonce, way, size, bytes: get(path, fields) };
  const upload = bodyOf(nonce, pick(random, SIZES));
  const start = `POST ${path} HTTP/1.1\r\nHost: mesh.test\r\n${fields}`;
  if (kind < 0.8) return { nonce, way, size, bytes: `${start}Content-Length: ${upload.length}\r\n\r\n${upload}` };
  return { nonce, way, size, bytes: `${start}Transfer-Encoding: chunked\r\n\r\n${chunked(upload)}` };
}

function chunked(body: string): string {
  const part = Math.max(1, Math.ceil(body.length / 3));
  let text = '';
  for (let at = 0; at < body.length; at += part) {
    const chunk = body.slice(at, at + part);
    text += `${chunk.length.toString(16)}\r\n${chunk}\r\n`;
  }
  return `${text}0\r\n\r\n`;
}

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** What is wrong with an answer; undefined when every byte of it belongs to its request. */
function fault({ nonce, way, size, bytes }: Plan, { status, headers, body, whole }: Answer): string | undefined {
  const cut = way === 'cut' || way === 'reset';
  // A POST that meets a connection just given up is not repeated: the upstream might have seen it.
  const mayFail = cut || bytes.startsWith('POST');
  if (status === 503 && headers.get('x-nonce') === undefined) return mayFail ? undefined : 'refused';
  if (status !== 200) return `status ${status}`;
  if (headers.get('x-nonce') !== nonce) return 'the header of another';
  if (body !== bodyOf(nonce, body.length)) return 'the body of another';
  return whole && !cut && body.length !== size ? 'a body of another length' : undefined;
}

interface Outcome {
  whole: number;
  faults: string[];
  /** Requests that ended without a whole answer though their upstream did not mean to. */
  unmeant: number;
}

describe('cross-talk', () => {
  let upstream: Server;
  let proxy: ProxyProcess;

  beforeAll(async () => {
    upstream = createServer((request, response) => {
      // A request that the proxy gave up, because its client did, fails the loop over its body; nobody waits for it.
      serve(request, response).catch(() => {});
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    proxy = await ProxyProcess.start({ upstreamPorts: [(upstream.address() as AddressInfo).port] });
  });

  afterAll(async () => {
    await proxy.stop();
    upstream.closeAllConnections();
    upstream.close();
  });

  async function judge(client: Client, asked: Plan, outcome: Outcome, answer: Promise<Answer>): Promise<void> {
    try {
      const got = await answer;
      const wrong = fault(asked, got);
      if (wrong !== undefined) outcome.faults.push(`${wrong}: ${asked.nonce} ${asked.way} ${asked.size}`);
      if (got.whole) outcome.whole++;
      else if (asked.way !== 'cut' && asked.way !== 'reset') outcome.unmeant++;
      if (!got.whole || got.headers.get('connection') === 'close') client.destroy();
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      outcome.unmeant++;
      client.destroy();
    }
  }

  /** One connection's traffic: single requests, pipelined pairs, and now and then a request that is walked out on. */
  async function runClient(random: () => number, next: () => number | undefined, outcome: Outcome): Promise<void> {
    let client = await Client.connect(proxy.port);
    for (let serial = next(); serial !== undefined; serial = next()) {
      if (client.socket.destroyed || !client.usable) client = await Client.connect(proxy.port);
      const asked = plan(random, serial);
      const manner = random();
      if (manner < 0.03) {
        client.send(asked.bytes);
        await new Promise((resolve) => setImmediate(resolve));
        client.reset();
      } else if (manner < 0.15 && asked.way === 'length') {
        const second = plan(random, serial + REQUESTS, UPSTREAM_WAYS.slice(0, 4));
        const answers = [client.exchange(asked.bytes), client.exchange(second.bytes)] as const;
        await Promise.all([judge(client, asked, outcome, answers[0]), judge(client, second, outcome, answers[1])]);
      } else await judge(client, asked, outcome, client.exchange(asked.bytes));
    }
    client.destroy();
  }

  it(`every response echoes its request's nonce (seed ${SEED})`, { timeout: 1_800_000 }, async () => {
    const random = randomFrom(SEED);
    const outcome: Outcome = { whole: 0, faults: [], unmeant: 0 };
    let serial = 0;
    const next = () => (serial < REQUESTS ? serial++ : undefined);
    await Promise.all(Array.from({ length: CONNECTIONS }, () => runClient(random, next, outcome)));
    expect(outcome.faults).toEqual([]);
    expect(mixedUp).toBe(0);
    // Nearly all traffic is meant to succeed; a test of failures alone would prove little.
    expect(outcome.whole).toBeGreaterThan(REQUESTS * 0.9);
    expect(outcome.unmeant).toBe(0);
  });
});
