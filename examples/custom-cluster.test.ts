import { readFileSync } from 'node:fs';
import { cluster, createProxy, defineLoadBalancer, type Host, route } from '@mesh/core';
import { simulate, startProxy, startUpstream, type Upstream } from '@mesh/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { listed, maintenance, pack } from './custom-cluster.ts';
import packed from './simulations/packed.ts';

const page = readFileSync(new URL('../docs/writing-a-load-balancer.md', import.meta.url), 'utf8');

const { circuitBreakers: plenty } = cluster('plenty', { circuitBreakers: { thresholds: [{ maxRetries: 10_000 }] } });

let one: Upstream;
let two: Upstream;
let closing: (() => Promise<unknown>)[];

beforeEach(async () => {
  one = await startUpstream({ body: 'one' });
  two = await startUpstream({ body: 'two' });
  closing = [() => one.close(), () => two.close()];
});

afterEach(async () => {
  for (const close of closing.reverse()) await close();
});

/** Hosts in the order of their addresses, which is that of `pack`. */
const first = () => (String(one.port) < String(two.port) ? 'one' : 'two');
const second = () => (first() === 'one' ? 'two' : 'one');

async function start(options: Parameters<typeof startProxy>[0]) {
  const proxy = await startProxy(options);
  closing.push(() => proxy.close());
  return async () => (await fetch(proxy.url)).text();
}

describe('pack', () => {
  it('fills a host before it uses the next', async () => {
    const result = await simulate(packed);
    const share = (host: string, from: number, to: number) => {
      const { requestsByHost, arrivals } = result.span(from, to);
      return (requestsByHost.get(host) ?? 0) / arrivals;
    };
    // 800 requests of 20 ms are 16 at a time: about two hosts' worth.
    expect(share('10.0.0.0:80', 1000, 20_000)).toBeGreaterThan(0.3);
    expect(share('10.0.0.1:80', 1000, 20_000)).toBeGreaterThan(0.3);
    expect(share('10.0.0.9:80', 0, 60_000)).toBe(0);
    // A host that is slow is full, so that it gets little.
    expect(share('10.0.0.0:80', 21_000, 40_000)).toBeLessThan(0.01);
    expect(share('10.0.0.0:80', 45_000, 60_000)).toBeGreaterThan(0.3);
    expect(result.span().failed).toBe(0);
  });

  it('counts when all are full, and takes the least busy one', async () => {
    const result = await simulate({ ...packed, durationMs: 5000, requestsPerSecond: 5000, events: [] });
    expect(result.stats.get('cluster.app.lb_pack_full')).toBeGreaterThan(0);
    const loads = [...result.span().requestsByHost.values()];
    expect(Math.min(...loads)).toBeGreaterThan(0);
  });

  it('answers with another host when one is refused', async () => {
    const failing = '10.0.0.0:80';
    const result = await simulate({
      ...packed,
      cluster: { ...packed.cluster, circuitBreakers: plenty },
      events: [],
      host: ({ address }) => ({ latencyMs: 20, failureRate: address === failing ? 1 : 0 }),
      retries: { numRetries: 1, previousHosts: true },
    });
    expect(result.span().retries).toBeGreaterThan(1000);
    expect(result.span().failed).toBe(0);
  });

  it('works in code', async () => {
    const ask = await start({ upstream: [one, two], cluster: { loadBalancing: pack() } });
    expect([await ask(), await ask(), await ask()]).toEqual([first(), first(), first()]);
  });

  it('is found by its name in YAML', async () => {
    const [, yaml = ''] = /```yaml\n(load_balancing_policy:.*?)```/s.exec(page) ?? [];
    const address = (port: number) => `{ address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } }`;
    const config = `
static_resources:
  clusters:
  - name: app
    load_assignment:
      cluster_name: app
      endpoints: [{ lb_endpoints: [{ endpoint: ${address(one.port)} }, { endpoint: ${address(two.port)} }] }]
${yaml.replace(/^/gm, '    ')}`;
    const proxy = await createProxy({ configOverride: config, extensions: [pack] });
    expect(proxy.stats.counters().map(({ name }) => name)).toContain('cluster.app.lb_pack_full');
    await proxy.close();
  });

  it('refuses what makes no sense', () => {
    expect(() => pack({ perHost: 0 })).toThrow(/perHost/);
  });
});

describe('a policy around another one', () => {
  const counted = defineLoadBalancer({
    name: 'acme.load_balancing_policies.counted',
    config: z.object({}),
    create(_config, context) {
      const picks = context.stats.counter('lb_picks');
      const inner = context.make({ name: 'envoy.load_balancing_policies.random', config: undefined });
      return {
        update: (sets) => inner.update(sets),
        pick(pick, reselection) {
          picks.inc();
          return inner.pick(pick, reselection);
        },
        close: () => inner.close?.(),
      };
    },
  });

  it('leaves priorities, panic and places to it', async () => {
    const endpoints = ['10.0.0.1:80', '10.0.0.2:80'];
    const result = await simulate({
      ...packed,
      cluster: cluster('app', { endpoints, loadBalancing: counted(), circuitBreakers: plenty }),
      durationMs: 1000,
      events: [],
    });
    const { arrivals, requestsByHost } = result.span();
    expect(result.stats.get('cluster.app.lb_picks')).toBe(arrivals);
    expect(Math.min(...requestsByHost.values())).toBeGreaterThan(arrivals / 3);
  });
});

describe('maintenance', () => {
  it('takes hosts out, and lets them back', async () => {
    const out = new Set<number>();
    const isOut = ({ port }: Host) => out.has(port);
    const firstPort = first() === 'one' ? one.port : two.port;
    const ask = await start({
      upstream: [one, two],
      cluster: { loadBalancing: pack() },
      extensions: [maintenance(isOut)],
    });
    expect(await ask()).toBe(first());
    out.add(firstPort);
    await expect.poll(ask, { timeout: 5000 }).toBe(second());
    out.clear();
    await expect.poll(ask, { timeout: 5000 }).toBe(first());
  });
});

describe('listed', () => {
  it('asks for hosts at the start, and again', async () => {
    let hosts = [`127.0.0.1:${one.port}`];
    const service = cluster('service', { clusterType: listed(async () => hosts)() });
    const ask = await start({ clusters: [service], routes: [route('/', 'service')] });
    expect(await ask()).toBe('one');
    hosts = [`127.0.0.1:${two.port}`];
    await expect.poll(ask, { timeout: 5000 }).toBe('two');
  });
});
