/**
 * A policy of one's own before production: ten hosts, filled one after the other. In the middle the first one becomes slow.
 *
 *   pnpm simulate examples/simulations/packed.ts --svg packed.svg
 */
import { cluster } from '@mesh/core';
import { standard } from '@mesh/standard';
import type { Scenario } from '@mesh/testing';
import { pack } from '../custom-cluster.ts';

const scenario: Scenario = {
  name: 'Hosts are filled one after the other',
  cluster: cluster('app', {
    endpoints: Array.from({ length: 10 }, (_, index) => `10.0.0.${index}:80`),
    loadBalancing: pack({ perHost: 8 }),
    circuitBreakers: { thresholds: [{ maxRequests: 100 }] },
  }),
  extensions: [...standard],
  durationMs: 60_000,
  requestsPerSecond: 800,
  host: () => ({ latencyMs: 20, concurrency: 8 }),
  events: [
    { atMs: 20_000, name: '.0 is slow', run: ({ host }) => void (host('10.0.0.0:80').latencyMs = 2000) },
    { atMs: 40_000, name: '.0 is well', run: ({ host }) => void (host('10.0.0.0:80').latencyMs = 20) },
  ],
};

export default scenario;
