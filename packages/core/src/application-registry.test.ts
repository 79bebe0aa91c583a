/** The metrics of running proxies in the prom-client registry of the application around them. */
import { createServer } from 'node:http';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { afterEach, expect, it } from 'vitest';
import { createProxy } from './create-proxy.ts';
import { bindToRegistry, type MeshProxy } from './index.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function started(): Promise<MeshProxy> {
  const proxy = await createProxy({ config: { stats_flush_interval: '0.01s' } });
  closing.push(() => proxy.close());
  await proxy.start();
  return proxy;
}

it('bindToRegistry shows two proxies beside the metrics of the application', async () => {
  const [edge, inner] = [await started(), await started()];
  const register = new Registry();
  collectDefaultMetrics({ register });
  new Gauge({ name: 'app_users', help: 'Users.', registers: [register] }).set(3);
  bindToRegistry(edge.stats, register, { labels: { proxy: 'edge' } });
  const unbind = bindToRegistry(inner.stats, register, { labels: { proxy: 'inner' }, usedOnly: true });

  const server = createServer(async (_request, response) => {
    response.setHeader('content-type', register.contentType);
    response.end(await register.metrics());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  const scrape = async () => (await fetch(`http://127.0.0.1:${(server.address() as { port: number }).port}`)).text();

  const lines = (await scrape()).split('\n');
  expect(lines).toContain('app_users 3');
  expect(lines).toContain('envoy_listener_manager_total_listeners_active{proxy="edge"} 0');
  expect(lines.filter((line) => line.startsWith('# TYPE envoy_server_uptime '))).toHaveLength(1);
  const series = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.replace(/ \S+$/, ''));
  expect(new Set(series).size).toBe(series.length);
  unbind();
  const after = await scrape();
  expect(after).not.toContain('proxy="inner"');
  expect(after).toContain('proxy="edge"');
});
