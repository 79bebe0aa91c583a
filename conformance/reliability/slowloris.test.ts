import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client, get } from './client.ts';
import { type LoadReport, pace, quantile, runLoad } from './load.ts';
import { ProxyProcess } from './proxy.ts';
import { OK, Upstream } from './upstream.ts';

const ATTACKERS = 1000;
const HEADERS_TIMEOUT_MS = 2000;
/** One more byte of each head so often: idleness is not what ends them. */
const TRICKLE_MS = 500;
const RATE = 300;

describe('slowloris', () => {
  let upstream: Upstream;
  let proxy: ProxyProcess;
  let calm: LoadReport;
  let attacked: LoadReport;
  /** How long each attacker lasted from its first byte. */
  let lives: number[];

  beforeAll(async () => {
    upstream = await Upstream.start((socket) => socket.write(OK));
    proxy = await ProxyProcess.start({
      upstreamPorts: [upstream.port],
      http: { requestHeadersTimeoutMs: HEADERS_TIMEOUT_MS },
    });
    await live(300);
    calm = await live(600);
    const attack = Promise.all(Array.from({ length: ATTACKERS }, attackOnce));
    attacked = await live(900);
    lives = await attack;
  }, 60_000);

  afterAll(async () => {
    await proxy.stop();
    await upstream.close();
  });

  function live(requests: number): Promise<LoadReport> {
    let sent = 0;
    const next = () => (sent++ < requests ? get('/') : undefined);
    return runLoad({ port: proxy.port, connections: 16, next, pause: pace(RATE) });
  }

  async function attackOnce(): Promise<number> {
    const client = await Client.connect(proxy.port);
    const started = performance.now();
    client.send('GET / HTTP/1.1\r\nHost: mesh.test\r\nX-Slow: ');
    const trickle = setInterval(() => client.send('a'), TRICKLE_MS);
    // What ends it is a 408 and FIN; the socket itself may live on until the next byte meets a closed peer.
    await client.answer();
    clearInterval(trickle);
    client.destroy();
    return performance.now() - started;
  }

  it('request_headers_timeout ends every half-open head in time', () => {
    expect(lives).toHaveLength(ATTACKERS);
    expect(Math.min(...lives)).toBeGreaterThan(HEADERS_TIMEOUT_MS * 0.9);
    expect(Math.max(...lives)).toBeLessThan(HEADERS_TIMEOUT_MS * 1.1 + 500);
  });

  it('live traffic is all answered, and in reasonable time', () => {
    expect(attacked.statuses).toEqual({ 200: 900 });
    expect(attacked.lost).toEqual({});
    expect(quantile(attacked, 0.99)).toBeLessThan(Math.max(5 * quantile(calm, 0.99), 250));
  });

  it('proxy holds nothing of them and has counted all', async () => {
    const idle = (active: number | undefined) => active === 0;
    const after = await proxy.measureUntil(
      ({ gauges }) => idle(gauges['http.ingress_http.downstream_cx_active']),
      5000,
    );
    expect(after.gauges['http.ingress_http.downstream_cx_active']).toBe(0);
    expect(after.counters['http.ingress_http.downstream_rq_header_timeout']).toBe(ATTACKERS);
  });
});
