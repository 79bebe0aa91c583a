import http2 from 'node:http2';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, PAIR, SPEECHES, startWeb, type Web } from './web.ts';

const CONNECTIONS = 12;
const RATE = 500;
const LOAD_MS = 1500;
const SLOWEST_MS = 2000;
/** Until GOAWAY is there (reliability promise), and until the process is gone. */
const GOAWAY_LIMIT_MS = 100;
const DRAIN_LIMIT_MS = SLOWEST_MS + 8000;

interface Outcome {
  sent: number;
  whole: number;
  /** Streams that the proxy had taken on and did not answer. */
  readonly lost: string[];
  /** Told to be safe to send again: the stream was never begun. */
  refused: number;
  /** Time from the signal to the first GOAWAY on each connection. */
  readonly goawayMs: number[];
}

/** One connection, replaced when it is told to leave; each request is a stream of its own. */
class Load {
  readonly #url: string;
  readonly #outcome: Outcome;
  readonly #signalled: () => number;
  #session: http2.ClientHttp2Session | undefined = undefined;
  open = 0;

  constructor(url: string, outcome: Outcome, signalled: () => number) {
    this.#url = url;
    this.#outcome = outcome;
    this.#signalled = signalled;
    this.#connect();
  }

  #connect(): void {
    const session = http2.connect(this.#url, { ca: PAIR.cert });
    session.on('error', () => {});
    session.once('goaway', () => {
      this.#outcome.goawayMs.push(performance.now() - this.#signalled());
    });
    this.#session = session;
  }

  ask(): void {
    const session = this.#session as http2.ClientHttp2Session;
    if (session.closed || session.destroyed || session.connecting) return;
    const stream = session.request({ ':path': '/h2/' });
    const outcome = this.#outcome;
    outcome.sent++;
    this.open++;
    let [status, text] = [0, ''];
    stream.on('response', (fields) => {
      status = Number(fields[':status']);
    });
    stream.on('data', (part) => {
      text += part;
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      this.open--;
      if (status === 200 && text === 'ok' && stream.rstCode === 0) outcome.whole++;
      else if (status === 0 && stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM) outcome.refused++;
      else outcome.lost.push(`${status} ${text} code ${stream.rstCode}`);
    });
  }

  close(): void {
    this.#session?.destroy();
  }
}

describe('SIGTERM under load of HTTP/2', () => {
  let web: Web;
  let upstream: http2.Http2Server;
  const sessions = new Set<http2.ServerHttp2Session>();

  afterEach(async () => {
    await web.mesh.stop();
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => upstream.close(resolve));
  });

  it.each(['plain', 'tls'] as const)(
    'mesh (%s) answers every stream that it has taken on, says GOAWAY at once and exits 0',
    {
      timeout: 40_000,
    },
    async (kind) => {
      upstream = http2.createServer((_request, response) => {
        setTimeout(() => response.end('ok'), Math.random() * SLOWEST_MS);
      });
      upstream.on('session', (session) => {
        sessions.add(session);
        session.on('close', () => sessions.delete(session));
      });
      await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
      const { port } = upstream.address() as { port: number };
      web = await startWeb({ clusters: { h2: { speech: SPEECHES.h2 as (typeof SPEECHES)[string], ports: [port] } } });
      const url = kind === 'plain' ? `http://127.0.0.1:${web.plain}` : `https://localhost:${web.tls}`;
      const outcome: Outcome = { sent: 0, whole: 0, lost: [], refused: 0, goawayMs: [] };
      let signalMs = Number.NaN;
      const loads = Array.from({ length: CONNECTIONS }, () => new Load(url, outcome, () => signalMs));
      const startMs = performance.now();
      let due = 0;
      // Open loop: clients do not wait for answers, and know of the end only by GOAWAY.
      const ticking = setInterval(() => {
        for (const until = ((performance.now() - startMs) * RATE) / 1000; due < until; due++) {
          loads[due % CONNECTIONS]?.ask();
        }
      }, 5);
      await new Promise((resolve) => setTimeout(resolve, LOAD_MS));
      const inFlight = loads.reduce((sum, { open }) => sum + open, 0);
      signalMs = performance.now();
      web.mesh.signal('SIGTERM');
      const exit = await web.mesh.exit;
      const exitMs = performance.now() - signalMs;
      clearInterval(ticking);
      await eventually(() => loads.every(({ open }) => open === 0), 2000);
      for (const load of loads) load.close();
      expect(inFlight).toBeGreaterThan(RATE / 3);
      expect(outcome.lost).toEqual([]);
      expect(outcome.whole + outcome.refused).toBe(outcome.sent);
      expect(exit).toEqual({ code: 0, signal: null });
      expect(outcome.goawayMs).toHaveLength(CONNECTIONS);
      expect(Math.max(...outcome.goawayMs)).toBeLessThan(GOAWAY_LIMIT_MS);
      expect(exitMs).toBeLessThan(DRAIN_LIMIT_MS);
    },
  );
});
