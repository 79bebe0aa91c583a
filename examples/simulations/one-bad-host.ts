/**
 * Ten hosts, one of which begins to fail half of its requests: what does outlier detection do for the clients, and what do
 * retries?
 *
 *   pnpm simulate examples/simulations/one-bad-host.ts --svg one-bad-host.svg
 */
import { cluster } from '@mesh/core';
import { standard } from '@mesh/standard';
import type { Scenario } from '@mesh/testing';

const hosts = Array.from({ length: 10 }, (_, index) => `10.0.0.${index + 1}:80`);
const bad = '10.0.0.1:80';

const scenario: Scenario = {
  name: 'One of ten hosts fails half of its requests',
  cluster: cluster('app', {
    endpoints: hosts,
    lbPolicy: 'LEAST_REQUEST',
    outlierDetection: { consecutive5xx: 5, intervalMs: 1000, baseEjectionTimeMs: 10_000, maxEjectionPercent: 20 },
  }),
  extensions: [...standard],
  durationMs: 120_000,
  requestsPerSecond: 2000,
  host: () => ({ latencyMs: 20, concurrency: 20 }),
  retries: { numRetries: 1, previousHosts: true },
  events: [
    { atMs: 20_000, name: '.1 fails', run: ({ host }) => void (host(bad).failureRate = 0.5) },
    { atMs: 80_000, name: '.1 is well', run: ({ host }) => void (host(bad).failureRate = 0) },
  ],
};

export default scenario;
