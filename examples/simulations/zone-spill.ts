/**
 * A thousand hosts in four zones, ten million requests: the proxy's own zone loses half of its hosts, then nearly all. How
 * much of its traffic leaves the zone, and does any host get more than it should?
 *
 *   pnpm simulate examples/simulations/zone-spill.ts --svg zone-spill.svg
 */
import { type ClusterOptions, cluster } from '@mesh/core';
import { standard } from '@mesh/standard';
import type { Scenario } from '@mesh/testing';

const ZONES = ['a', 'b', 'c', 'd'];
const PER_ZONE = 250;

const localities = (perZone: number, network: number) =>
  ZONES.map((zone, place) => ({
    locality: { region: 'here', zone },
    lbEndpoints: Array.from({ length: perZone }, (_, index) => ({
      endpoint: {
        address: { socketAddress: { address: `10.${network + place}.${index >> 8}.${index & 255}`, portValue: 80 } },
      },
    })),
  }));

const own = Array.from({ length: PER_ZONE }, (_, index) => `10.0.${index >> 8}.${index & 255}:80`);

/** The scenario, with more settings of the cluster. */
export const zoneSpill = (name: string, more: ClusterOptions = {}): Scenario => ({
  name,
  cluster: cluster('app', {
    loadAssignment: { clusterName: 'app', endpoints: localities(PER_ZONE, 0) },
    lbPolicy: 'LEAST_REQUEST',
    healthChecks: [
      {
        timeoutMs: 1000,
        intervalMs: 1000,
        noTrafficIntervalMs: 1000,
        unhealthyThreshold: 2,
        healthyThreshold: 2,
        httpHealthCheck: { path: '/healthz' },
      },
    ],
    ...more,
  }),
  extensions: [...standard],
  proxy: {
    locality: { region: 'here', zone: 'a', subZone: '' },
    cluster: cluster('front', { loadAssignment: { clusterName: 'front', endpoints: localities(10, 100) } }),
  },
  durationMs: 100_000,
  requestsPerSecond: 100_000,
  host: () => ({ latencyMs: 8, concurrency: 8 }),
  retries: { numRetries: 1 },
  events: [
    {
      atMs: 25_000,
      name: 'half of a is gone',
      run: ({ host }) => void own.slice(0, 125).map((one) => (host(one).up = false)),
    },
    {
      atMs: 50_000,
      name: 'nine tenths',
      run: ({ host }) => void own.slice(0, 225).map((one) => (host(one).up = false)),
    },
    { atMs: 75_000, name: 'all are back', run: ({ host }) => void own.map((one) => (host(one).up = true)) },
  ],
});

export default zoneSpill('Zone-aware routing while zone a loses its hosts');
