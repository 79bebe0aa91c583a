import { testNetworkFilter } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { tcpProxy } from './index.ts';

const filter = tcpProxy({ statPrefix: 't', cluster: 'up' });

describe('transportOptions', () => {
  it('asks for nothing where nothing is to be told', async () => {
    const t = testNetworkFilter(filter, { clusters: { up: {} } });
    await t.connect({ serverName: 'a.test' });
    expect((await t.cluster('up').host()).options).toBeUndefined();
  });

  it('tells a cluster with a PROXY protocol of the client, or of the one before it', async () => {
    const proxyProtocolTlvs = [{ type: 1, value: 'AQ==' }];
    const told = tcpProxy({ statPrefix: 't', cluster: 'up', proxyProtocolTlvs });
    const t = testNetworkFilter(told, { clusters: { up: { proxied: true } } });
    await t.connect({ remoteIp: '198.51.100.7', remotePort: 1 });
    const own = { remoteIp: '198.51.100.7', remotePort: 1, localIp: '192.0.2.9', localPort: 443 };
    const tlvs = [{ type: 1, value: Buffer.of(1) }];
    expect((await t.cluster('up').host(0)).options).toMatchObject({ proxied: { ...own, tlvs } });
    const came = { remoteIp: '::1', remotePort: 2, localIp: '::2', localPort: 3, tlvs: [] };
    await t.connect({ filterState: { 'envoy.network.proxy_protocol_options': came } });
    expect((await t.cluster('up').host(1)).options?.proxied).toBe(came);
  });

  it('takes names that earlier filters have set', async () => {
    const t = testNetworkFilter(filter, { clusters: { up: {} } });
    await t.connect({
      filterState: {
        'envoy.network.upstream_server_name': 'a.test',
        'envoy.network.upstream_subject_alt_names': ['b.test'],
        'envoy.network.application_protocols': ['p'],
      },
    });
    expect((await t.cluster('up').host()).options).toEqual({
      proxied: undefined,
      serverName: 'a.test',
      subjectAltNames: ['b.test'],
      applicationProtocols: ['p'],
    });
  });
});
