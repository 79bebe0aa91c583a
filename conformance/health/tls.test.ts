/** Active health checks over TLS: what they offer by ALPN, and over which transport they go. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import tls from 'node:tls';
import { createProxy, type MeshProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { afterEach, describe, expect, it } from 'vitest';

const CERTS = new URL('../../examples/sidecars/certs/', import.meta.url).pathname;
const identity = { cert: readFileSync(`${CERTS}self-signed.crt`), key: readFileSync(`${CERTS}self-signed.key`) };
const TYPES = 'type.googleapis.com/envoy.extensions.transport_sockets';
const TLS = {
  name: 'envoy.transport_sockets.tls',
  typed_config: { '@type': `${TYPES}.tls.v3.UpstreamTlsContext`, common_tls_context: {} },
};
const PLAIN = {
  name: 'envoy.transport_sockets.raw_buffer',
  typed_config: { '@type': `${TYPES}.raw_buffer.v3.RawBuffer` },
};

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(server: Server): Promise<number> {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => void sockets.push(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** How many of the cluster's one host pass their first check. */
async function healthyHosts(port: number, check: object, cluster: object): Promise<number | undefined> {
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  const load_assignment = { cluster_name: 'c', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] };
  const timing = { timeout: '1s', interval: '60s', unhealthy_threshold: 1, healthy_threshold: 1 };
  const clusters = [{ name: 'c', load_assignment, health_checks: [{ ...timing, ...check }], ...cluster }];
  const proxy: MeshProxy = await createProxy({ config: { static_resources: { clusters } }, extensions: standard });
  cleanups.push(() => proxy.close());
  await proxy.start();
  return proxy.stats.gauges().find(({ name }) => name === 'cluster.c.membership_healthy')?.value;
}

describe('health checks over TLS', () => {
  it('tls_options: their protocols are offered in the place of the cluster’s', async () => {
    const agreed: (string | false | null)[] = [];
    const server = tls.createServer({ ...identity, ALPNProtocols: ['for-checks', 'http/1.1'] }, (socket) => {
      agreed.push(socket.alpnProtocol);
      socket.on('error', () => {});
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
    });
    const port = await listen(server);
    const check = { http_health_check: { path: '/' }, tls_options: { alpn_protocols: ['for-checks'] } };
    expect(await healthyHosts(port, check, { transport_socket: TLS })).toBe(1);
    expect(agreed).toEqual(['for-checks']);
  });

  it.each([
    ['use_alpn_protocol: HTTP/2 where the host agrees', { use_alpn_protocol: true }, '2.0'],
    ['codec_client_type decides without it', {}, '1.1'],
  ])('%s', async (_, more, version) => {
    const versions: string[] = [];
    const server = http2.createSecureServer({ ...identity, allowHTTP1: true }, (request, response) => {
      versions.push(`${request.httpVersion} ${request.headers[':scheme'] ?? ''}`.trim());
      response.end();
    });
    const port = await listen(server as unknown as Server);
    const check = { http_health_check: { path: '/', ...more } };
    expect(await healthyHosts(port, check, { transport_socket: TLS })).toBe(1);
    expect(versions).toEqual([version === '2.0' ? '2.0 https' : version]);
  });

  it('transport_socket_match_criteria choose the transport of checks', async () => {
    const port = await listen(http.createServer((_request, response) => void response.end()));
    const cluster = {
      transport_socket: TLS,
      transport_socket_matches: [{ name: 'plain', match: { checks: 'plain' }, transport_socket: PLAIN }],
    };
    const check = { http_health_check: { path: '/' } };
    expect(await healthyHosts(port, check, cluster)).toBe(0);
    const plain = { ...check, transport_socket_match_criteria: { checks: 'plain' } };
    expect(await healthyHosts(port, plain, cluster)).toBe(1);
  });
});
