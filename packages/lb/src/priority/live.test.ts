/** Policies in a running proxy: what only the whole of it shows. */
import { type ConfiguredLoadBalancer, cluster, route } from '@mesh/core';
import { type LiveProxy, startProxy, startUpstream, type Upstream } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { clientSideWeightedRoundRobin } from '../client-side-weighted-round-robin/index.ts';
import { roundRobin } from '../round-robin/index.ts';

const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each.close();
});

async function upstreamOf(given: Parameters<typeof startUpstream>[0]): Promise<Upstream> {
  const upstream = await startUpstream(given);
  closing.push(upstream);
  return upstream;
}

interface Member {
  readonly upstream: Upstream;
  readonly weight?: number;
  readonly priority?: number;
}

/** A proxy in front of these hosts. */
async function proxyOf(
  members: readonly Member[],
  loadBalancing: ConfiguredLoadBalancer,
  action: Record<string, unknown> = {},
) {
  const endpoints = members.map(({ upstream, weight = 1, priority = 0 }) => {
    const address = { socketAddress: { address: '127.0.0.1', portValue: upstream.port } };
    return { priority, lbEndpoints: [{ endpoint: { address }, loadBalancingWeight: weight }] };
  });
  const loadAssignment = { clusterName: 'upstream', endpoints };
  const proxy = await startProxy({
    clusters: [cluster('upstream', { loadAssignment, loadBalancing } as never)],
    routes: [route('/', 'upstream', { route: action })],
  });
  closing.push(proxy);
  return proxy;
}

async function bodies(proxy: LiveProxy, count: number): Promise<string> {
  let all = '';
  for (let i = 0; i < count; i++) all += await (await fetch(proxy.url)).text();
  return all;
}

/** Whether one is the other, begun elsewhere. */
function isRotation(sequence: string, of: string): boolean {
  return sequence.length === of.length && (of + of).includes(sequence);
}

describe('round robin in a proxy', () => {
  it.each<[weights: number[], envoy: string]>([
    [[1, 1, 1], '120'],
    [[1, 2, 3], '012212'],
    [[3, 7, 11], '102122120122120122122'],
  ])('has the order of Envoy 1.40 for weights %j, from wherever it begins', async (weights, envoy) => {
    const upstreams = await Promise.all(weights.map((_, i) => upstreamOf({ body: String(i) })));
    const members = upstreams.map((upstream, i) => ({ upstream, weight: weights[i] as number }));
    const proxy = await proxyOf(members, roundRobin());
    const [first, second] = [await bodies(proxy, envoy.length), await bodies(proxy, envoy.length)];
    expect(isRotation(first, envoy), first).toBe(true);
    expect(second).toBe(first);
  });
});

describe('previous_priorities', () => {
  it('sends each retry to another priority, and begins anew when none is left', async () => {
    const [a, b, c] = await Promise.all([503, 503, 200].map((status) => upstreamOf({ status, body: 'x' })));
    const members = [a, b, c].map((upstream, priority) => ({ upstream: upstream as Upstream, priority }));
    const retryPolicy = (numRetries: number) => ({
      retryOn: '5xx',
      numRetries,
      retryBackOff: { baseIntervalMs: 1, maxIntervalMs: 1 },
      retryPriority: { name: 'envoy.retry_priorities.previous_priorities', config: { updateFrequency: 1 } },
    });
    const proxy = await proxyOf(members, roundRobin(), { retryPolicy: retryPolicy(2) });
    for (let i = 0; i < 5; i++) expect((await fetch(proxy.url)).status).toBe(200);
    expect([a, b, c].map((each) => each?.requests.length)).toEqual([5, 5, 5]);
    const two = await proxyOf(members.slice(0, 2), roundRobin(), { retryPolicy: retryPolicy(3) });
    expect((await fetch(two.url)).status).toBe(503);
    expect([a, b].map((each) => each?.requests.length)).toEqual([7, 7]);
  });
});

describe('client-side weighted round robin in a proxy', () => {
  it('follows what responses report', async () => {
    const reporting = (rps: number) => {
      const headers = { 'endpoint-load-metrics': `TEXT cpu_utilization=1.0,rps_fractional=${rps}` };
      return upstreamOf({ headers, body: String(rps).charAt(0) });
    };
    const upstreams = await Promise.all([100, 300].map(reporting));
    const policy = clientSideWeightedRoundRobin({ blackoutPeriod: '0s', weightUpdatePeriod: '0.1s' });
    const proxy = await proxyOf(
      upstreams.map((upstream) => ({ upstream })),
      policy,
    );
    await expect.poll(() => bodies(proxy, 4), { timeout: 5000 }).toMatch(/1333|3133|3313|3331/);
  });
});
