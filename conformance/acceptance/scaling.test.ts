/**
 * Load balancing as in the documents behind this project: service1 is scaled to three instances behind one DNS name; the
 * front proxy finds them without a restart. Its file is as it is but for ports and a shorter refresh; the name server is
 * the test's own.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { type DnsServer, startDnsServer } from '@mesh/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeshProcess } from '../mesh-process/index.ts';

const FRONT = readFileSync(new URL('front-envoy-v2.yaml', import.meta.url), 'utf8');
const INSTANCES = ['127.0.3.1', '127.0.3.2', '127.0.3.3'];

/** The sidecar of an instance as the front proxy sees it: HTTP/2 without TLS. It answers with its address. */
async function instance(address: string, port: number): Promise<Http2Server> {
  const server = createServer((_request, response) => response.end(address));
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  return server;
}

function frontFile(port: number): string {
  return FRONT.replaceAll('address: 0.0.0.0', 'address: 127.0.0.1')
    .replace(/(address: service[12]\n\s+port_value: )80\b/g, `$1${port}`)
    .replace(/port_value: (?:80|8001)\b/g, 'port_value: 0')
    .replaceAll('type: strict_dns', 'type: strict_dns\n      dns_refresh_rate: 0.1s');
}

function resolverOption({ port }: DnsServer): string[] {
  const resolvers = [{ socket_address: { address: '127.0.0.1', port_value: port } }];
  const type = 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig';
  const resolver = { name: 'envoy.network.dns_resolver.cares', typed_config: { '@type': type, resolvers } };
  return ['--config-yaml', JSON.stringify({ typed_dns_resolver_config: resolver })];
}

describe('front proxy, service1 scaled to three', () => {
  const servers: Http2Server[] = [];
  let dns: DnsServer;
  let front: MeshProcess;

  beforeAll(async () => {
    const first = await instance(INSTANCES[0] as string, 0);
    const { port } = first.address() as AddressInfo;
    servers.push(first, ...(await Promise.all(INSTANCES.slice(1).map((address) => instance(address, port)))));
    dns = await startDnsServer();
    dns.answer('service1', INSTANCES.slice(0, 1));
    front = await MeshProcess.start(frontFile(port), resolverOption(dns));
  }, 60_000);

  afterAll(async () => {
    await front?.stop();
    await dns?.close();
    for (const server of servers) server.close();
  });

  const ask = async () => (await fetch(`http://127.0.0.1:${front.port}/service/1`)).text();
  const membership = () => front.page('/stats?filter=cluster.service1.membership_(total|change)$');

  it('sends everything to the one instance', async () => {
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(Array(3).fill(INSTANCES[0]));
    expect(await membership()).toBe('cluster.service1.membership_change: 1\ncluster.service1.membership_total: 1\n');
  });

  it('finds the new ones without a restart and walks the three in turn', async () => {
    dns.answer('service1', INSTANCES);
    await expect
      .poll(membership, { timeout: 10_000 })
      .toBe('cluster.service1.membership_change: 2\ncluster.service1.membership_total: 3\n');
    const answers: string[] = [];
    for (let count = 0; count < 9; count++) answers.push(await ask());
    expect(answers.slice(0, 3).toSorted()).toEqual(INSTANCES);
    expect(answers.slice(3)).toEqual([...answers.slice(0, 3), ...answers.slice(0, 3)]);
  });
});
