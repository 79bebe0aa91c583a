import type net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { get } from './client.ts';
import { type LoadReport, runLoad } from './load.ts';
import { ProxyProcess } from './proxy.ts';
import { OK, Upstream } from './upstream.ts';

const REQUESTS = Number(process.env.KILL_REQUESTS ?? 4000);
const CONNECTIONS = 40;
const PUT = 'PUT /thing HTTP/1.1\r\nHost: mesh.test\r\nContent-Length: 3\r\n\r\nnew';

let proxy: ProxyProcess;
let victim: Upstream;
let steady: Upstream;

afterEach(async () => {
  await proxy.stop();
  await Promise.all([victim.close(), steady.close()]);
});

const answer = (socket: net.Socket): void => void setTimeout(() => socket.write(OK), 1);

async function start(script: (socket: net.Socket) => void): Promise<void> {
  victim = await Upstream.start(script);
  steady = await Upstream.start(answer);
  const predicate = { name: 'envoy.retry_host_predicates.previous_hosts', config: {} };
  const retryPolicy = {
    retryOn: 'reset,connect-failure',
    numRetries: 1,
    retryHostPredicate: [predicate],
    hostSelectionRetryMaxAttempts: 5,
  };
  proxy = await ProxyProcess.start({
    upstreamPorts: [victim.port, steady.port],
    route: { retryPolicy },
    cluster: { circuitBreakers: { thresholds: [{ maxRetries: 1024 }] } },
  });
}

function load(): Promise<LoadReport> {
  let sent = 0;
  const next = () => (sent++ < REQUESTS ? (sent % 4 === 0 ? PUT : get('/')) : undefined);
  return runLoad({ port: proxy.port, connections: CONNECTIONS, next });
}

async function expectAllAnswered({ statuses, lost, refused }: LoadReport): Promise<void> {
  expect({ statuses, lost, refused }).toEqual({ statuses: { 200: REQUESTS }, lost: {}, refused: {} });
  const { counters, gauges } = await proxy.measure();
  expect(counters['cluster.upstream.upstream_rq_retry']).toBeGreaterThan(10);
  expect(gauges['cluster.upstream.circuit_breakers.default.rq_retry_open']).toBe(0);
}

it('no idempotent request fails though an upstream is killed and comes back, again and again', {
  timeout: 60_000,
}, async () => {
  await start(answer);
  let over = false;
  const killing = (async () => {
    while (!over) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      await victim.close();
      await new Promise((resolve) => setTimeout(resolve, 30));
      victim = await Upstream.start(answer, victim.port);
    }
  })();
  const report = await load();
  over = true;
  await killing;
  await expectAllAnswered(report);
});

it('no idempotent request fails though an upstream resets connections with requests on them', {
  timeout: 60_000,
}, async () => {
  let seen = 0;
  await start((socket) => (++seen % 10 === 0 ? void socket.resetAndDestroy() : answer(socket)));
  await expectAllAnswered(await load());
});
