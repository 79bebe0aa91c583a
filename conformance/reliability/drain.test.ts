import { afterEach, describe, expect, it } from 'vitest';
import { get } from './client.ts';
import { pace, runLoad } from './load.ts';
import { startMesh } from './mesh.ts';
import { type Exit, ProxyProcess } from './proxy.ts';
import { OK, Upstream } from './upstream.ts';

const RATE = 1000;
/** Load before the signal: by then as many requests are in flight as there will ever be. */
const LOAD_MS = 2500;
const SLOWEST_MS = 2000;
/** Enough for `RATE` × the mean time of an answer. */
const CONNECTIONS = 1200;
/** The slowest answer, and the second that idle connections are given for a request on its way. */
const DRAIN_LIMIT_MS = SLOWEST_MS + 3000;
const LIMITS = { maxConnections: 10_000, maxPendingRequests: 10_000, maxRequests: 10_000, maxRetries: 3 };
const circuitBreakers = { thresholds: [{ priority: 'DEFAULT', trackRemaining: false, ...LIMITS }] };

interface Draining {
  readonly port: number;
  readonly exit: Promise<Exit>;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

const STARTS: readonly [string, (upstreamPort: number) => Promise<Draining>][] = [
  ['proxy.drain()', (port) => ProxyProcess.start({ upstreamPorts: [port], cluster: { circuitBreakers } })],
  ['mesh -c', (port) => startMesh(port)],
];

describe('SIGTERM under load', () => {
  let proxy: Draining;
  let upstream: Upstream;

  afterEach(async () => {
    await proxy.stop();
    await upstream.close();
  });

  it.each(STARTS)(
    '%s answers all that was sent on accepted connections, then exits 0',
    {
      timeout: 60_000,
    },
    async (_name, start) => {
      let answered = 0;
      upstream = await Upstream.start((socket) => {
        const answer = (): void => {
          answered++;
          socket.write(OK);
        };
        setTimeout(answer, Math.random() * SLOWEST_MS);
      });
      proxy = await start(upstream.port);
      let inFlight = 0;
      let signalMs = Number.POSITIVE_INFINITY;
      let exitMs = Number.POSITIVE_INFINITY;
      setTimeout(() => {
        inFlight = upstream.requests - answered;
        signalMs = performance.now();
        proxy.signal('SIGTERM');
      }, LOAD_MS);
      void proxy.exit.then(() => {
        exitMs = performance.now();
      });
      const report = await runLoad({
        port: proxy.port,
        connections: CONNECTIONS,
        // Clients go on as if nothing had happened until the process is gone, or should be.
        next: () => (performance.now() < Math.min(exitMs, signalMs + 2 * DRAIN_LIMIT_MS) ? get('/') : undefined),
        pause: pace(RATE),
      });
      expect(inFlight).toBeGreaterThan(RATE / 2);
      expect(report.lost).toEqual({});
      expect(report.statuses).toEqual({ 200: upstream.requests });
      expect(Object.keys(report.refused)).toEqual(['ECONNREFUSED']);
      expect(await proxy.exit).toEqual({ code: 0, signal: null });
      expect(exitMs - signalMs).toBeLessThan(DRAIN_LIMIT_MS);
    },
  );
});
