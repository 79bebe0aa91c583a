import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client, get, NoAnswer } from './client.ts';
import { ProxyProcess } from './proxy.ts';
import { OK, Upstream } from './upstream.ts';

// Loading the sources takes many at a time.
const OPEN_FILES = 512;
const CLIENTS = 800;
const WATCH_MS = 1000;
const RECOVERY_MS = 2000;

describe('out of file descriptors', () => {
  let upstream: Upstream;
  let proxy: ProxyProcess;
  let clients: Client[];

  beforeEach(async () => {
    upstream = await Upstream.start((socket) => socket.write(OK));
    proxy = await ProxyProcess.start({
      upstreamPorts: [upstream.port],
      openFiles: OPEN_FILES,
      // Whatever is done regularly has to work without descriptors, too.
      bootstrap: { stats_flush_interval: '0.1s' },
    });
    clients = await Promise.all(Array.from({ length: CLIENTS }, () => Client.connect(proxy.port)));
  });

  afterEach(async () => {
    for (const client of clients) client.destroy();
    await proxy.stop();
    await upstream.close();
  });

  async function status(client: Client): Promise<number | undefined> {
    try {
      return (await client.exchange(get('/'))).status;
    } catch (error) {
      if (error instanceof NoAnswer) return undefined;
      throw error;
    }
  }

  it('proxy answers whom it accepted and ends the rest', async () => {
    const statuses = await Promise.all(clients.map(status));
    const answered = statuses.filter((one) => one !== undefined);
    expect(proxy.running).toBe(true);
    expect(answered.length).toBeGreaterThan(10);
    expect(answered.length).toBeLessThan(OPEN_FILES);
    // No descriptor may be left for a connection to the upstream; then the answer says so.
    expect(answered.filter((one) => one !== 200 && one !== 503)).toEqual([]);
  });

  it('proxy does not spin', async () => {
    await Promise.all(clients.map(status));
    const before = await proxy.measure();
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
    const after = await proxy.measure();
    expect(proxy.running).toBe(true);
    // A measurement itself collects garbage, which costs some 20 ms.
    expect(after.cpuMs - before.cpuMs).toBeLessThan(WATCH_MS / 4);
  });

  it('proxy serves again once descriptors are free', async () => {
    await Promise.all(clients.map(status));
    for (const client of clients) client.destroy();
    const endMs = performance.now() + RECOVERY_MS;
    let seen: number | undefined;
    while (seen !== 200 && performance.now() < endMs) {
      const client = await Client.connect(proxy.port);
      seen = await status(client);
      client.destroy();
    }
    expect(seen).toBe(200);
    const calm = await proxy.measureUntil(
      ({ gauges }) => gauges['http.ingress_http.downstream_cx_active'] === 0,
      RECOVERY_MS,
    );
    expect(calm.gauges['http.ingress_http.downstream_cx_active']).toBe(0);
    expect(calm.gauges['http.ingress_http.downstream_rq_active']).toBe(0);
  });
});
