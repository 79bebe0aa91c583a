import { describe, expect, it } from 'vitest';
import { clusterSettings } from './build.ts';
import { clusterSchema } from './cluster.ts';

const parse = (written: object) => clusterSchema.safeParse({ name: 'c', ...written });
const settings = (written: object) => clusterSettings(clusterSchema.parse({ name: 'c', ...written }));
const address = (text: string, port = 0) => ({ address: text, port_value: port });
const bind = (config: object) => ({ upstream_bind_config: config });
const v4 = { source_address: address('10.0.0.1') };

describe('settings of connections', () => {
  it.each([
    [{}, { sources: [], preconnect: undefined, addressOrder: undefined, transportPolicy: undefined }],
    [
      bind({ source_address: address('10.0.0.1', 5000), extra_source_addresses: [{ address: address('::1') }] }),
      {
        sources: [
          { localAddress: '10.0.0.1', localPort: 5000, family: 4 },
          { localAddress: '::1', family: 6 },
        ],
      },
    ],
    [
      { preconnect_policy: { per_upstream_preconnect_ratio: 1.5 } },
      { preconnect: { perUpstream: 1.5, predictive: 1 } },
    ],
    [{ preconnect_policy: {} }, { preconnect: undefined }],
    [
      { upstream_connection_options: { happy_eyeballs_config: { first_address_family_version: 'V6' } } },
      { addressOrder: { firstFamily: 6, firstCount: 1 } },
    ],
    [{ connection_pool_per_downstream_connection: true }, { transportPolicy: { dedicated: true, autoSni: false } }],
    [{ common_lb_config: { close_connections_on_host_set_change: true } }, { closeOnHostSetChange: true }],
    [{ close_connections_on_host_health_failure: true }, { closeOnHealthFailure: true }],
    [
      {
        circuit_breakers: {
          thresholds: [{ max_connection_pools: 2 }],
          per_host_thresholds: [{ priority: 'HIGH', max_connections: 3 }],
        },
      },
      {
        thresholds: {
          default: { maxConnectionPools: 2, maxConnectionsPerHost: Number.POSITIVE_INFINITY },
          high: { maxConnectionPools: Number.POSITIVE_INFINITY, maxConnectionsPerHost: 3 },
        },
      },
    ],
  ])('%j', (written, expected) => {
    expect(settings(written)).toMatchObject(expected);
  });
});

describe('refused', () => {
  it.each([
    [{ preconnect_policy: { per_upstream_preconnect_ratio: 0.5 } }, /expected a number from 1 to 3, got 0.5/],
    [{ preconnect_policy: { predictive_preconnect_ratio: 3.5 } }, /expected a number from 1 to 3, got 3.5/],
    [bind({ source_address: address('x') }), /malformed IP address: x/],
    [
      bind({ extra_source_addresses: [{ address: address('::1') }] }),
      /extra\/additional source addresses but no source/,
    ],
    [bind({ ...v4, additional_source_addresses: [address('::1'), address('::2')] }), /more than one extra\/additional/],
    [bind({ ...v4, extra_source_addresses: [{ address: address('10.0.0.2') }] }), /two same IP version/],
    [bind({ ...v4, freebind: true }), /Node.js cannot set socket options/],
    [bind({ ...v4, socket_options: [] }), /Node.js cannot set socket options/],
    [
      { upstream_connection_options: { happy_eyeballs_config: { first_address_family_count: 0 } } },
      /expected a whole number from 1/,
    ],
    [
      { upstream_connection_options: { tcp_keepalive: { keepalive_probes: 3 } } },
      /Node.js can only set the time before the first probe/,
    ],
    [{ circuit_breakers: { per_host_thresholds: [{ max_requests: 1 }] } }, /Unsupported field in per_host_thresholds/],
  ])('%j', (written, message) => {
    const { error } = parse(written);
    expect(error?.issues.map((issue) => issue.message).join('\n')).toMatch(message);
  });
});
