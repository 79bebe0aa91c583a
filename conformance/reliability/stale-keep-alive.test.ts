import type net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { get } from './client.ts';
import { type LoadReport, runLoad } from './load.ts';
import { ProxyProcess } from './proxy.ts';
import { OK, Upstream } from './upstream.ts';

const REQUESTS = Number(process.env.STALE_REQUESTS ?? 5000);
const CONNECTIONS = 50;
/** The upstream gives up idle connections around this time, and clients come back around it: races all the time. */
const IDLE_MS = 50;
const SPREAD_MS = 10;

type End = (socket: net.Socket) => void;
const ENDS: readonly [string, End][] = [
  ['FIN', (socket) => socket.end()],
  ['RST', (socket) => socket.resetAndDestroy()],
];

function around(ms: number): number {
  return ms - SPREAD_MS + Math.random() * 2 * SPREAD_MS;
}

/** Ends a connection that stays idle, as servers with a keep-alive timeout do. */
function closingWhenIdle(end: End): End {
  const timers = new WeakMap<net.Socket, NodeJS.Timeout>();
  return (socket) => {
    clearTimeout(timers.get(socket));
    socket.write(OK);
    const timer = setTimeout(() => end(socket), around(IDLE_MS));
    timers.set(socket, timer);
  };
}

/** Promises keep-alive, and ends the connection behind each answer. */
function closingBehindAnswers(end: End): End {
  return (socket) => socket.write(OK, () => end(socket));
}

describe('stale keep-alive', () => {
  let proxy: ProxyProcess;
  let upstream: Upstream;

  afterEach(async () => {
    await proxy.stop();
    await upstream.close();
  });

  async function load(script: End, pause: () => Promise<void>, cluster = {}): Promise<LoadReport> {
    upstream = await Upstream.start(script);
    proxy = await ProxyProcess.start({ upstreamPorts: [upstream.port], cluster });
    let sent = 0;
    const next = () => (sent++ < REQUESTS ? get('/') : undefined);
    return runLoad({ port: proxy.port, connections: CONNECTIONS, next, pause });
  }

  async function expectAllAnswered({ statuses, lost, refused }: LoadReport): Promise<void> {
    expect({ statuses, lost, refused }).toEqual({ statuses: { 200: REQUESTS }, lost: {}, refused: {} });
    // Without a connection that died under a request the test would have shown nothing.
    const { counters } = await proxy.measure();
    expect(counters['cluster.upstream.upstream_rq_retry']).toBeGreaterThan(0);
  }

  it.each(ENDS)('GET is answered though idle connections end with %s', { timeout: 300_000 }, async (_name, end) => {
    const pause = () => new Promise<void>((resolve) => setTimeout(resolve, around(IDLE_MS)));
    await expectAllAnswered(await load(closingWhenIdle(end), pause));
  });

  it.each(ENDS)(
    'GET is answered though every pooled connection ends with %s',
    { timeout: 300_000 },
    async (_name, end) => {
      await expectAllAnswered(await load(closingBehindAnswers(end), async () => {}));
    },
  );

  it('GET is answered by few connections that all go stale', { timeout: 300_000 }, async () => {
    const limits = { maxConnections: 4, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3 };
    const circuitBreakers = { thresholds: [{ priority: 'DEFAULT', trackRemaining: false, ...limits }] };
    const report = await load(
      closingBehindAnswers((socket) => socket.destroy()),
      async () => {},
      { circuitBreakers },
    );
    await expectAllAnswered(report);
  });
});
