import { afterEach, expect, it } from 'vitest';
import { get } from './client.ts';
import { runLoad } from './load.ts';
import { ProxyProcess } from './proxy.ts';
import { Upstream } from './upstream.ts';

const REQUESTS = Number(process.env.STORM_REQUESTS ?? 4000);
const CONNECTIONS = 60;
const BROKEN = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno';

let proxy: ProxyProcess;
let upstreams: Upstream[];

afterEach(async () => {
  await proxy.stop();
  await Promise.all(upstreams.map((upstream) => upstream.close()));
});

async function storm(thresholds: object) {
  const answer = (socket: { write(text: string): unknown }) => void setTimeout(() => socket.write(BROKEN), 2);
  upstreams = [await Upstream.start(answer), await Upstream.start(answer)];
  proxy = await ProxyProcess.start({
    upstreamPorts: upstreams.map(({ port }) => port),
    route: { retryPolicy: { retryOn: '5xx', numRetries: 3 } },
    cluster: { circuitBreakers: { thresholds: [thresholds] } },
  });
  let sent = 0;
  const next = () => (sent++ < REQUESTS ? get('/') : undefined);
  const { statuses, lost } = await runLoad({ port: proxy.port, connections: CONNECTIONS, next });
  expect({ statuses, lost }).toEqual({ statuses: { 503: REQUESTS }, lost: {} });
  return upstreams.reduce((sum, { requests }) => sum + requests, 0) / REQUESTS;
}

it('a retry budget of 20 % keeps broken upstreams from more than 1.2 × the load', { timeout: 60_000 }, async () => {
  const amplification = await storm({ retryBudget: { budgetPercent: { value: 20 }, minRetryConcurrency: 3 } });
  const { counters } = await proxy.measure();
  // Some retries are made, or the test would have shown nothing.
  expect(amplification).toBeGreaterThan(1);
  expect(amplification).toBeLessThanOrEqual(1.2);
  expect(counters['cluster.upstream.upstream_rq_retry_overflow']).toBeGreaterThan(0);
});

it('max_retries is a bound as well', { timeout: 60_000 }, async () => {
  expect(await storm({ maxRetries: 3 })).toBeLessThanOrEqual(1.2);
});
