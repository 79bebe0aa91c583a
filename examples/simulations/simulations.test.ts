import { cluster, type HealthCheckInit } from '@mesh/core';
import { standard } from '@mesh/standard';
import { type HostBehaviour, type Scenario, type SimulationControl, simulate } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import oneBadHost from './one-bad-host.ts';
import zoneSpill from './zone-spill.ts';

const addresses = (count: number): string[] => Array.from({ length: count }, (_, index) => `10.0.0.${index + 1}:80`);
const FIRST = '10.0.0.1:80';
const scenario = (more: Partial<Scenario> & Pick<Scenario, 'cluster'>): Scenario => ({
  name: 'test',
  extensions: [...standard],
  durationMs: 20_000,
  requestsPerSecond: 500,
  ...more,
});

describe('simulate', () => {
  it('runs the same for the same seed, and otherwise for another', async () => {
    const run = async (seed: number) => (await simulate({ ...oneBadHost, durationMs: 30_000, seed })).text();
    const first = await run(1);
    expect(await run(1)).toBe(first);
    expect(await run(2)).not.toBe(first);
  });

  it('ejects the host that fails, and takes it back: the worked example', async () => {
    const result = await simulate(oneBadHost);
    const share = (from: number, to: number) => {
      const { requestsByHost, arrivals } = result.span(from, to);
      return (requestsByHost.get(FIRST) ?? 0) / arrivals;
    };
    expect(share(0, 20_000)).toBeCloseTo(0.1, 1);
    expect(share(21_000, 30_000)).toBe(0);
    expect(share(100_000, 120_000)).toBeCloseTo(0.1, 1);
    expect(result.span().failed).toBeLessThan(60);
    // It failed again after 10 s, and after 20 s more; each time it is out for longer.
    expect(result.stats.get('cluster.app.outlier_detection.ejections_enforced_total')).toBeGreaterThanOrEqual(3);
    expect(result.record.ejected[result.record.at(25_000)]).toBe(1);
  });

  it('holds retries to the budget of the cluster', async () => {
    const failing = (circuitBreakers: object) =>
      simulate(
        scenario({
          cluster: cluster('app', { endpoints: addresses(4), circuitBreakers }),
          host: () => ({ latencyMs: 20, failureRate: 1 }),
          retries: { numRetries: 3, backOffMs: 1 },
        }),
      );
    const budget = await failing({
      thresholds: [{ retryBudget: { budgetPercent: { value: 20 }, minRetryConcurrency: 1 } }],
    });
    const free = await failing({ thresholds: [{ maxRetries: 100_000 }] });
    const amplified = (result: typeof free) => 1 + result.span().retries / result.span().arrivals;
    expect(amplified(free)).toBeGreaterThan(3.9);
    expect(amplified(budget)).toBeLessThan(1.35);
  });

  it('refuses at once what is beyond max_requests', async () => {
    const result = await simulate(
      scenario({
        cluster: cluster('app', { endpoints: addresses(2), circuitBreakers: { thresholds: [{ maxRequests: 5 }] } }),
        host: () => ({ latencyMs: 100, latency: 'fixed' }),
      }),
    );
    const { arrivals, overflows, failed } = result.span(1000);
    // Five at a time for 100 ms each are 50 of the 500 that come each second.
    expect((arrivals - overflows) / arrivals).toBeCloseTo(0.1, 2);
    expect(failed).toBe(overflows);
  });

  it('panics when fewer than half of the hosts pass their checks', async () => {
    const result = await simulate(
      scenario({
        cluster: cluster('app', {
          endpoints: addresses(10),
          healthChecks: [
            {
              timeoutMs: 500,
              intervalMs: 1000,
              noTrafficIntervalMs: 1000,
              unhealthyThreshold: 1,
              healthyThreshold: 1,
              httpHealthCheck: { path: '/' },
            },
          ],
        }),
        events: [
          {
            atMs: 5000,
            name: 'four',
            run: ({ host }) => void addresses(4).map((one) => (host(one).passesChecks = false)),
          },
          {
            atMs: 12_000,
            name: 'six',
            run: ({ host }) => void addresses(6).map((one) => (host(one).passesChecks = false)),
          },
        ],
      }),
    );
    const toFirst = (from: number, to: number) => result.span(from, to).requestsByHost.get(FIRST) ?? 0;
    expect(toFirst(0, 5000)).toBeGreaterThan(200);
    expect(toFirst(7000, 12_000)).toBe(0);
    expect(toFirst(14_000, 20_000)).toBeGreaterThan(250);
    expect(result.stats.get('cluster.app.lb_healthy_panic')).toBeGreaterThan(0);
    expect(result.span().failed).toBe(0);
  });

  it.each<[string, Partial<HealthCheckInit>]>([
    ['HTTP', { httpHealthCheck: { path: '/' } }],
    [
      'HTTP with wishes',
      { httpHealthCheck: { path: '/', expectedStatuses: [{ start: 204, end: 205 }], receive: [{ text: '6f6b' }] } },
    ],
    ['gRPC', { grpcHealthCheck: {} }],
    ['TCP that connects', { tcpHealthCheck: {} }],
    ['TCP that asks', { tcpHealthCheck: { send: { text: '50' }, receive: [{ text: '6f6b' }, { text: '21' }] } }],
  ])('takes out whoever fails its checks or is down: %s', async (_kind, check) => {
    const every = { timeoutMs: 500, intervalMs: 500, noTrafficIntervalMs: 500, unhealthyThreshold: 1 };
    const set = (passesChecks: boolean, up: boolean) => ({
      run: ({ host }: SimulationControl) => void Object.assign(host(FIRST), { passesChecks, up }),
    });
    const result = await simulate(
      scenario({
        cluster: cluster('app', {
          endpoints: addresses(3),
          healthChecks: [{ ...every, healthyThreshold: 1, ...check } as HealthCheckInit],
        }),
        requestsPerSecond: 10,
        events: [
          { atMs: 5000, name: 'fails', ...set(false, true) },
          { atMs: 9000, name: 'passes', ...set(true, true) },
          { atMs: 12_000, name: 'down', ...set(true, false) },
          { atMs: 16_000, name: 'up', ...set(true, true) },
        ],
      }),
    );
    const healthy = (atMs: number) => result.record.healthy[result.record.at(atMs)];
    expect([4900, 8000, 11_000, 15_000, 19_000].map(healthy)).toEqual([3, 2, 3, 2, 3]);
  });

  it('tells outlier detection what the router does: timeouts are of local origin, answers are not', async () => {
    const detecting = (host: Partial<HostBehaviour>) =>
      simulate(
        scenario({
          cluster: cluster('app', {
            endpoints: addresses(2),
            outlierDetection: {
              splitExternalLocalOriginErrors: true,
              consecutiveLocalOriginFailure: 5,
              consecutiveGatewayFailure: 5,
              enforcingConsecutiveGatewayFailure: 0,
              enforcingConsecutive5xx: 0,
            },
          }),
          durationMs: 5000,
          requestsPerSecond: 50,
          arrivals: 'steady',
          timeoutMs: 100,
          host: () => host,
        }),
      );
    const detected = (result: Awaited<ReturnType<typeof simulate>>) =>
      ['local_origin_failure', 'gateway_failure'].map(
        (cause) => (result.stats.get(`cluster.app.outlier_detection.ejections_detected_consecutive_${cause}`) ?? 0) > 0,
      );
    expect(detected(await detecting({ up: false }))).toEqual([true, false]);
    expect(detected(await detecting({ failureRate: 1, failureStatus: 504 }))).toEqual([false, true]);
    // Each begins with a connection, which ends the row of failures.
    expect(detected(await detecting({ latencyMs: 500, latency: 'fixed' }))).toEqual([false, false]);
  });

  it('runs events in the order of their times', async () => {
    const seen: number[] = [];
    const run = ({ nowMs }: SimulationControl) => void seen.push(nowMs);
    const app = cluster('app', { endpoints: addresses(1) });
    const events = [9000, 3000, 6000].map((atMs) => ({ atMs, name: 'x', run }));
    await simulate(scenario({ cluster: app, requestsPerSecond: 1, events }));
    expect(seen).toEqual([3000, 6000, 9000]);
  });

  it('gives a host that comes back its load little by little with slow start', async () => {
    const result = await simulate(
      scenario({
        cluster: cluster('app', {
          endpoints: addresses(4),
          roundRobinLbConfig: { slowStartConfig: { slowStartWindowMs: 10_000 } },
          healthChecks: [
            {
              timeoutMs: 500,
              intervalMs: 500,
              noTrafficIntervalMs: 500,
              unhealthyThreshold: 1,
              healthyThreshold: 1,
              httpHealthCheck: { path: '/' },
            },
          ],
        }),
        durationMs: 40_000,
        events: [
          { atMs: 12_000, name: 'down', run: ({ host }) => void (host(FIRST).up = false) },
          { atMs: 16_000, name: 'back', run: ({ host }) => void (host(FIRST).up = true) },
        ],
      }),
    );
    const share = (from: number, to: number) => {
      const { requestsByHost, arrivals } = result.span(from, to);
      return (requestsByHost.get(FIRST) ?? 0) / arrivals;
    };
    expect(share(13_000, 16_000)).toBe(0);
    expect(share(17_000, 18_000)).toBeLessThan(0.12);
    expect(share(21_000, 22_000)).toBeGreaterThan(share(17_000, 18_000));
    expect(share(30_000, 40_000)).toBeCloseTo(0.25, 1);
  });

  it('keeps traffic in the zone as far as its hosts go: the worked example, in small', async () => {
    const result = await simulate({ ...zoneSpill, requestsPerSecond: 2000 });
    const outside = (from: number, to: number) => {
      const { requestsByZone, arrivals } = result.span(from, to);
      return 1 - (requestsByZone.get('a') ?? 0) / arrivals;
    };
    expect(outside(0, 25_000)).toBe(0);
    // Half of the zone's quarter is left: 125 of 875 hosts are a seventh, and the proxies of the zone are a quarter.
    expect(outside(30_000, 50_000)).toBeCloseTo(1 - (125 / 875) * 4, 1);
    expect(outside(55_000, 75_000)).toBeCloseTo(1 - (25 / 775) * 4, 1);
    expect(outside(80_000, 100_000)).toBe(0);
  });

  it('puts requests of one hash on one host, and moves few of them when a host goes', async () => {
    const result = await simulate(
      scenario({
        cluster: cluster('app', { endpoints: addresses(5), lbPolicy: 'MAGLEV' }),
        hashes: 1,
        events: [{ atMs: 10_000, name: 'idle', run: () => {} }],
      }),
    );
    const loads = [...result.span().requestsByHost.values()].filter((count) => count > 0);
    expect(loads).toEqual([result.span().arrivals]);
  });

  it('replaces endpoints as a discovery does', async () => {
    const result = await simulate(
      scenario({
        cluster: cluster('app', { endpoints: addresses(2) }),
        events: [
          {
            atMs: 10_000,
            name: 'new set',
            run: ({ setEndpoints }) => setEndpoints(cluster('app', { endpoints: ['10.9.9.9:80'] })),
          },
        ],
      }),
    );
    expect(result.span(11_000).requestsByHost.get(FIRST)).toBe(0);
    expect(result.span(11_000).requestsByHost.get('10.9.9.9:80')).toBeGreaterThan(4000);
    expect(result.stats.get('cluster.app.membership_total')).toBe(1);
  });

  it('says which extension is missing, and which host there is not', async () => {
    const app = cluster('app', { endpoints: addresses(1), lbPolicy: 'MAGLEV' });
    await expect(simulate(scenario({ cluster: app, extensions: [] }))).rejects.toThrow(
      /no extension|Didn't find|didn't find/,
    );
    const event = { atMs: 1, name: 'x', run: ({ host }: { host(address: string): unknown }) => void host('1.2.3.4:5') };
    const wrong = scenario({ cluster: cluster('app', { endpoints: addresses(1) }), events: [event] });
    await expect(simulate(wrong)).rejects.toThrow('there is no host 1.2.3.4:5');
  });
});
