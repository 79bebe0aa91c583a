import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cluster, route } from '@mesh/core';
import { type DnsServer, type LiveProxy, startDnsServer, startProxy, until } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { logicalDns } from './index.ts';

const [FIRST, SECOND] = ['127.0.4.1', '127.0.4.2'] as const;

/** A host on all of loopback that answers with the address it was reached at; `/hold` waits to be let go. */
class Hosts {
  readonly held: ServerResponse[] = [];
  readonly server: Server = createServer((request, response) => {
    if (request.url === '/hold') this.held.push(response);
    else response.end(request.socket.localAddress);
  });
  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
}

describe('LOGICAL_DNS in a proxy', () => {
  let hosts: Hosts;
  let dns: DnsServer;
  let proxy: LiveProxy;

  /** A proxy for a name that has `addresses` at first, while hosts listen on `bound`. */
  async function begin(bound: string, addresses: readonly string[]): Promise<void> {
    hosts = new Hosts();
    hosts.server.listen(0, bound);
    await once(hosts.server, 'listening');
    dns = await startDnsServer();
    dns.answer('one.test', addresses);
    const one = cluster('one', {
      type: 'LOGICAL_DNS',
      endpoints: [`one.test:${hosts.port}`],
      dnsRefreshRateMs: 20,
      dnsLookupFamily: 'V4_ONLY',
      dnsResolvers: [
        { socketAddress: { protocol: 'TCP', address: '127.0.0.1', portValue: dns.port, ipv4Compat: false } },
      ],
    });
    proxy = await startProxy({ clusters: [one], routes: [route('/', 'one')], extensions: [logicalDns] });
  }

  afterEach(async () => {
    await proxy.close();
    await dns.close();
    hosts.server.closeAllConnections();
    hosts.server.close();
  });

  const ask = async (path = '/') => (await fetch(proxy.url + path)).text();
  const moved = () => proxy.proxy.explain({ url: `${proxy.url}/` }).cluster?.hosts.map(({ address }) => address);

  it('goes on with open connections and makes new ones to the new address', async () => {
    await begin('0.0.0.0', [FIRST]);
    expect(await ask()).toBe(FIRST);
    dns.answer('one.test', [SECOND]);
    await until(() => moved()?.[0] === `${SECOND}:${hosts.port}`, 'the host to move');
    expect(await ask()).toBe(FIRST);
    const held = ask('/hold');
    await until(() => hosts.held.length === 1, 'a request on the old connection');
    expect(await ask()).toBe(SECOND);
    hosts.held[0]?.end('whole');
    expect(await held).toBe('whole');
    expect(proxy.stats('cluster.one.membership_total')).toBe(1);
    expect(proxy.stats('cluster.one.membership_change')).toBe(1);
    expect(proxy.stats('cluster.one.upstream_cx_total')).toBe(2);
    expect(proxy.stats('dns.cares.resolve_total')).toBeGreaterThan(1);
  });

  it('connects to the next address when the first does not accept', async () => {
    await begin(SECOND, [FIRST, SECOND]);
    expect(await ask()).toBe(SECOND);
    expect(moved()).toEqual([`${FIRST}:${hosts.port}`]);
    expect(proxy.stats('cluster.one.membership_total')).toBe(1);
  });
});
