import { describe, expect, it } from 'vitest';
import { testContext } from '../dns/fixture.ts';
import { dnsClusterWith } from './index.ts';
import { type DnsClusterConfig, dnsClusterSchema } from './schema.ts';

const parse = (config: object) => dnsClusterSchema.safeParse(config);

function begin(config: object, record = { address: '192.0.2.1', ttlS: 0 }) {
  const typeConfig = dnsClusterSchema.parse(config) as DnsClusterConfig;
  const test = testContext({ endpoints: ['a.example:80'], typeConfig });
  test.dns.answer('a.example', [record, { ...record, address: '192.0.2.2' }]);
  void dnsClusterWith(test.dns.lookup)
    .create(test.context as never)
    .start();
  return test;
}

describe('dnsCluster', () => {
  it.each([
    [{}, 2],
    [{ all_addresses_in_single_endpoint: true }, 1],
  ])('%j has the addresses as %i hosts', async (config, hosts) => {
    const test = begin(config);
    await test.clock.advance(0);
    expect(test.published[0]).toHaveLength(hosts);
  });

  it('obeys its own fields, not those of the cluster', async () => {
    const test = begin({ dns_refresh_rate: '2s', dns_lookup_family: 'V4_ONLY' });
    await test.clock.advance(4000);
    expect(test.dns.asked.map(({ atMs, query }) => `${atMs} ${query.family}`)).toEqual([
      '0 V4_ONLY',
      '2000 V4_ONLY',
      '4000 V4_ONLY',
    ]);
  });

  it('looks up AUTO where no family is given', async () => {
    const test = begin({});
    await test.clock.advance(0);
    expect(test.dns.asked[0]?.query.family).toBe('AUTO');
  });

  it.each([
    [1, [0, 3000, 6000]],
    [4, [0, 4000, 8000]],
  ])('waits at least dns_min_refresh_rate when the TTL is %i s', async (ttlS, expected) => {
    const test = begin({ respect_dns_ttl: true, dns_min_refresh_rate: '3s' }, { address: '192.0.2.1', ttlS });
    await test.clock.advance(expected.at(-1) as number);
    expect(test.dns.asked.map(({ atMs }) => atMs)).toEqual(expected);
  });

  it.each([
    [{ dns_refresh_rate: '0.001s' }],
    [{ dns_min_refresh_rate: '0.9s' }],
    [{ dns_failure_refresh_rate: {} }],
    [{ dns_failure_refresh_rate: { base_interval: '2s', max_interval: '1s' } }],
    [{ dns_lookup_family: 'V5_ONLY' }],
  ])('refuses %j', (config) => {
    expect(parse(config).success).toBe(false);
  });
});
