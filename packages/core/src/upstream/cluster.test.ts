import { afterEach, describe, expect, it } from 'vitest';
import { clusterRig, endpoint, Get, OK, server } from './fixture.ts';
import type { UpstreamHost } from './host.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function rig() {
  const made = clusterRig();
  cleanups.push(
    () => made.wheel.close(),
    () => made.cluster.close(),
  );
  return made;
}

describe('Cluster.update', () => {
  it('keeps hosts that stay the same objects, with their counters', () => {
    const { cluster, stat } = rig();
    cluster.update([endpoint(1), endpoint(2)]);
    const [first] = cluster.hosts;
    (first as UpstreamHost).stats.rqTotal = 7;
    cluster.update([endpoint(3), endpoint(1, { weight: 5, hostname: 'one' })]);
    expect(cluster.hosts.map(({ port }) => port)).toEqual([3, 1]);
    expect(cluster.hosts[1]).toBe(first);
    expect(cluster.hosts[1]).toMatchObject({ weight: 5, hostname: 'one', stats: { rqTotal: 7 } });
    expect([stat('membership_total'), stat('membership_healthy'), stat('max_host_weight')]).toEqual([2, 2, 5]);
  });

  it('counts a change once, and none when nothing changes', () => {
    const { cluster, stat } = rig();
    cluster.update([endpoint(1), endpoint(2)]);
    cluster.update([endpoint(2), endpoint(1)]);
    expect(stat('membership_change')).toBe(1);
    cluster.update([endpoint(1)]);
    expect(stat('membership_change')).toBe(2);
  });

  it('takes an address once', () => {
    const { cluster } = rig();
    cluster.update([endpoint(1), endpoint(1)]);
    expect(cluster.hosts).toHaveLength(1);
  });

  it('lets a removed host finish what it has, and closes what is idle', async () => {
    const { cluster } = rig();
    let answer = () => {};
    const upstream = await server((text, socket) => {
      if (text.startsWith('GET /now')) socket.write(OK);
      else answer = () => socket.write(OK);
    });
    cleanups.push(upstream.close);
    cluster.update([endpoint(upstream.port)]);
    const host = cluster.hosts[0] as UpstreamHost;
    const [quick, slow] = [new Get('/now'), new Get('/later')];
    cluster.open(host, slow);
    cluster.open(host, quick);
    expect(await quick.done).toBe('200 ok');
    const idle = upstream.sockets[1];
    const closed = new Promise((resolve) => idle?.once('close', resolve));
    cluster.update([]);
    await closed;
    expect(host.removed).toBe(true);
    answer();
    expect(await slow.done).toBe('200 ok');
  });
});

describe('Cluster.pick', () => {
  it('chooses again while a host is refused, as often as the request wants', () => {
    const { cluster } = rig();
    cluster.update([endpoint(1), endpoint(2), endpoint(3)]);
    const asked: number[] = [];
    const refuse = (host: { port: number }) => asked.push(host.port) > 0 && host.port !== 3;
    for (let i = 0; i < 3; i++) expect(cluster.pick({ reselections: 5, shouldSkip: refuse as never })?.port).toBe(3);
    asked.length = 0;
    cluster.pick({ reselections: 2, shouldSkip: () => asked.push(0) > 0 });
    expect(asked).toHaveLength(2);
    cluster.pick({ shouldSkip: () => asked.push(0) > 0 });
    expect(asked).toHaveLength(2);
  });

  it('counts when there is no host', () => {
    const { cluster, stat } = rig();
    expect(cluster.pick({})).toBeUndefined();
    expect(stat('upstream_cx_none_healthy')).toBe(1);
  });
});

it('Cluster.chargeStatus counts by code, class and origin, and for the host', () => {
  const { cluster, stat } = rig();
  cluster.update([endpoint(1)]);
  const host = cluster.hosts[0] as UpstreamHost;
  cluster.chargeStatus(host, 200, false);
  cluster.chargeStatus(host, 503, true);
  cluster.chargeStatus(undefined, 503, false);
  expect([stat('upstream_rq_200'), stat('upstream_rq_2xx'), stat('upstream_rq_503')]).toEqual([1, 1, 2]);
  expect([stat('external.upstream_rq_5xx'), stat('internal.upstream_rq_5xx')]).toEqual([1, 1]);
  expect(stat('upstream_rq_completed')).toBe(3);
  expect(host.stats).toMatchObject({ rqSuccess: 1, rqError: 1 });
});

describe('Cluster.open', () => {
  it('keeps connections of high priority apart, under limits of their own', async () => {
    const { cluster, stat } = rig();
    const upstream = await server((_text, socket) => void socket.write(OK));
    cleanups.push(upstream.close);
    cluster.update([endpoint(upstream.port)]);
    const host = cluster.hosts[0] as UpstreamHost;
    for (const priority of ['default', 'high', 'default', 'high'] as const) {
      const request = new Get();
      cluster.open(host, request, priority);
      expect(await request.done).toBe('200 ok');
    }
    expect(upstream.sockets).toHaveLength(2);
    expect(stat('upstream_cx_active')).toBe(2);
    expect([cluster.breaker.connections, cluster.breakerHigh.connections]).toEqual([1, 1]);
  });
});

it('Cluster.chargeRetried, chargeCanary and chargeAlt count below their prefixes, alternative names up to a limit', () => {
  const { cluster, stat } = rig();
  cluster.chargeRetried(503);
  cluster.chargeCanary(200);
  for (let i = 0; i < 200; i++) cluster.chargeAlt(`alt${i}`, 404, true);
  expect([stat('retry.upstream_rq_503'), stat('canary.upstream_rq_2xx')]).toEqual([1, 1]);
  expect([stat('alt99.upstream_rq_404'), stat('alt99.internal.upstream_rq_4xx')]).toEqual([1, 1]);
  expect(stat('alt100.upstream_rq_404')).toBeUndefined();
});
