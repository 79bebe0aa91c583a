/**
 * Both sides of the proxy give up at every point of an exchange, thousands of times; afterwards the proxy must hold what
 * it held before: no socket, stream, timer or heap more.
 */
import { once } from 'node:events';
import type net from 'node:net';
import type { Answer } from './answers.ts';
import { Client, get, NoAnswer } from './client.ts';
import { ProxyProcess } from './proxy.ts';
import type { Measurement } from './proxy-process.ts';
import { OK, Upstream } from './upstream.ts';

/** What one cell of the matrix did. */
export interface CellReport {
  readonly name: string;
  readonly iterations: number;
  /** How often the client saw what, e.g. `{ '503': 100, truncated: 100 }`. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Outcomes that this cell must not have. */
  readonly unexpected: readonly string[];
}

/** What the whole matrix did, and what the proxy held before and after. */
export interface MatrixReport {
  readonly cells: readonly CellReport[];
  readonly before: Measurement;
  readonly after: Measurement;
  /** Active streams and connections that are left, by gauge; empty when all is well. */
  readonly left: Readonly<Record<string, number>>;
}

interface Cell {
  readonly name: string;
  /** What a client may see. */
  readonly allowed: readonly string[];
  /** One exchange; says what the client saw. `variant` counts up. */
  run(bench: Bench, variant: number): Promise<string>;
}

interface Bench {
  readonly proxy: ProxyProcess;
  /** Resolves when the upstream has seen the request of this path. */
  arrival(path: string): Promise<unknown>;
}

const CONCURRENCY = 16;
const SETTLE_LIMIT_MS = 10_000;
const HALF = `${'HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n'}${'x'.repeat(1000)}`;
const HALF_CHUNKED = `${'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n'}${'x'.repeat(1000)}\r\n`;
const FLOOD = Buffer.alloc(65_536, 'y');

const CELLS: readonly Cell[] = [
  { name: 'client, before headers', allowed: ['left'], run: clientBefore },
  { name: 'client, mid body', allowed: ['left'], run: clientMidBody },
  { name: 'client, after', allowed: ['200'], run: clientAfter },
  { name: 'upstream, before headers', allowed: ['503'], run: upstreamBefore },
  { name: 'upstream, mid body', allowed: ['truncated'], run: upstreamMidBody },
  { name: 'upstream, after', allowed: ['200'], run: upstreamAfter },
];

/** Runs every cell `iterations` times against a fresh proxy process. */
export async function runAbortMatrix(iterations: number): Promise<MatrixReport> {
  const arrivals = new Map<string, () => void>();
  const upstream = await Upstream.start((socket, head) => answer(socket, head, arrivals));
  const proxy = await ProxyProcess.start({ upstreamPorts: [upstream.port] });
  const arrival = (path: string) => new Promise<void>((resolve) => arrivals.set(path, resolve));
  const bench: Bench = { proxy, arrival };
  try {
    // Warm: compiled code, pools and caches that a proxy keeps are part of what it holds.
    for (const cell of CELLS) await runCell(cell, bench, Math.max(100, iterations / 5));
    const before = await settle(proxy, upstream);
    const cells: CellReport[] = [];
    for (const cell of CELLS) cells.push(await runCell(cell, bench, iterations));
    const after = await settle(proxy, upstream);
    return { cells, before, after, left: activeGauges(after) };
  } finally {
    await proxy.stop();
    await upstream.close();
  }
}

/**
 * Waits until the proxy has noticed every end, its own pooled connections included. The upstream drops its connections
 * at every look: a client that left with FIN may still read, so its request, when the first drop met it on a connection
 * that had been idle, is rightly sent once more, to an upstream that will never answer it.
 */
function settle(proxy: ProxyProcess, upstream: Upstream): Promise<Measurement> {
  upstream.dropConnections();
  const quiet = (now: Measurement): boolean => {
    upstream.dropConnections();
    return Object.keys(activeGauges(now)).length === 0;
  };
  return proxy.measureUntil(quiet, SETTLE_LIMIT_MS);
}

/** Gauges of streams and connections that are not 0. */
function activeGauges({ gauges }: Measurement): Record<string, number> {
  const active = /_(?:rq|cx|rq_pending|cx_http1)_active$/;
  return Object.fromEntries(Object.entries(gauges).filter(([name, value]) => active.test(name) && value !== 0));
}

async function runCell(cell: Cell, bench: Bench, iterations: number): Promise<CellReport> {
  const outcomes: Record<string, number> = {};
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < iterations) {
      const outcome = await cell.run(bench, next++);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  const unexpected = Object.keys(outcomes).filter((outcome) => !cell.allowed.includes(outcome));
  return { name: cell.name, iterations, outcomes, unexpected };
}

// The upstream's part, chosen by the path

let serial = 0;

function answer(socket: net.Socket, head: string, arrivals: Map<string, () => void>): void {
  const path = head.slice(head.indexOf(' ') + 1, head.indexOf(' HTTP/'));
  arrivals.get(path)?.();
  arrivals.delete(path);
  const [, what, how] = path.split('/');
  if (what === 'hold') return;
  if (what === 'flood') flood(socket);
  else if (what === 'half') socket.write(HALF);
  else if (what === 'whole') socket.write(OK);
  else abort(socket, textBefore(what as string), how === 'reset');
}

function textBefore(what: string): string {
  if (what === 'before') return '';
  if (what === 'after') return OK;
  return what === 'mid-chunked' ? HALF_CHUNKED : HALF;
}

/** Gives up after `text`, with RST or FIN. */
function abort(socket: net.Socket, text: string, reset: boolean): void {
  socket.write(text, () => (reset ? socket.resetAndDestroy() : socket.destroy()));
}

/** An endless body, as fast as it is taken; a turn of the event loop between writes, or nobody else here would run. */
function flood(socket: net.Socket): void {
  socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
  const more = (): void => {
    if (socket.destroyed) return;
    socket.write('10000\r\n');
    socket.write(FLOOD);
    socket.write('\r\n', () => setImmediate(more));
  };
  more();
}

// The client's part

function unique(path: string): string {
  return `${path}/${serial++}`;
}

function leave(client: Client, variant: number): Promise<void> {
  if (variant % 2 === 0) client.reset();
  else client.destroy();
  return client.closed;
}

async function clientBefore({ proxy, arrival }: Bench, variant: number): Promise<string> {
  const client = await Client.connect(proxy.port);
  const path = unique('/hold/any');
  switch (variant % 4) {
    case 0:
      client.send(`GET ${path} HTTP/1.1\r\nHost: me`);
      break;
    case 1:
      client.send(get(path));
      break;
    case 2: {
      const arrived = arrival(path);
      client.send(get(path));
      await arrived;
      break;
    }
    default: {
      const arrived = arrival(path);
      client.send(`POST ${path} HTTP/1.1\r\nHost: mesh.test\r\nContent-Length: 5000\r\n\r\npart of it`);
      await arrived;
    }
  }
  await leave(client, variant >> 2);
  return 'left';
}

async function clientMidBody({ proxy }: Bench, variant: number): Promise<string> {
  const client = await Client.connect(proxy.port);
  client.send(get(unique(variant % 4 < 2 ? '/half/any' : '/flood/any')));
  await once(client.socket, 'data');
  // Every other flood meets a client that has stopped reading: the proxy is left with a full buffer.
  if (variant % 4 === 3) client.socket.pause();
  await leave(client, variant >> 2);
  return 'left';
}

async function clientAfter({ proxy }: Bench, variant: number): Promise<string> {
  const client = await Client.connect(proxy.port);
  const outcome = await seen(client.exchange(get(unique('/whole/any'))));
  await leave(client, variant);
  return outcome;
}

function upstreamBefore(bench: Bench, variant: number): Promise<string> {
  return upstreamAborts(bench, 'before', variant);
}

function upstreamMidBody(bench: Bench, variant: number): Promise<string> {
  return upstreamAborts(bench, variant % 4 < 2 ? 'mid' : 'mid-chunked', variant);
}

function upstreamAfter(bench: Bench, variant: number): Promise<string> {
  return upstreamAborts(bench, 'after', variant);
}

async function upstreamAborts({ proxy }: Bench, what: string, variant: number): Promise<string> {
  const client = await Client.connect(proxy.port);
  const outcome = await seen(client.exchange(get(unique(`/${what}/${variant % 2 === 0 ? 'reset' : 'fin'}`))));
  await leave(client, 1);
  return outcome;
}

async function seen(exchange: Promise<Answer>): Promise<string> {
  try {
    const { status, whole } = await exchange;
    return whole ? String(status) : 'truncated';
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return error.midway ? 'truncated' : 'no answer';
  }
}
