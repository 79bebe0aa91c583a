import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { type ConnectionInfo, defineNetworkFilter } from '@mesh/core';
import { RawClient, rawClient, until } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { tcpProxyTo } from './fixture.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Config = NonNullable<Parameters<typeof tcpProxyTo>[1]>['tunnelingConfig'];

/** An HTTP proxy that answers CONNECT with `status`, and holds the tunnel's other end. */
async function connectServer(status = 200) {
  const heads: http.IncomingMessage[] = [];
  const tunnels: RawClient[] = [];
  const server = http.createServer();
  server.on('connect', (request: http.IncomingMessage, socket: net.Socket, rest: Buffer) => {
    heads.push(request);
    socket.unshift(rest);
    tunnels.push(new RawClient(socket));
    socket.write(`HTTP/1.1 ${status} X\r\nx-from: proxy\r\n${status === 200 ? '' : 'content-length: 0\r\n'}\r\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.close();
    for (const { socket } of tunnels) socket.destroy();
  });
  return { heads, tunnels, server, port: (server.address() as net.AddressInfo).port };
}

async function through(port: number, tunnelingConfig: NonNullable<Config>, more: object = {}) {
  let info: ConnectionInfo | undefined;
  const look = (connection: { info: ConnectionInfo }) => void (info = connection.info);
  const spy = defineNetworkFilter({ name: 'spy', config: z.object({}), create: () => ({ onConnection: look }) });
  const proxy = await tcpProxyTo(port, { tunnelingConfig, ...more }, { networkFilters: [spy()] });
  cleanups.push(() => proxy.close());
  const client = await rawClient(proxy.port);
  cleanups.push(() => client.socket.destroy());
  return { proxy, client, info: () => info as ConnectionInfo };
}

describe('tcp_proxy over CONNECT', () => {
  it('carries bytes both ways once the upstream has agreed', async () => {
    const upstream = await connectServer();
    const headersToAdd = [{ header: { key: 'x-client', value: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%' } }];
    const config = { hostname: 'db.test:5432', headersToAdd, propagateResponseHeaders: true };
    const { client, info } = await through(upstream.port, config);
    await client.send('early');
    await until(() => upstream.tunnels.length > 0, 'the tunnel');
    const tunnel = upstream.tunnels[0] as RawClient;
    expect((await tunnel.read(5)).toString()).toBe('early');
    await tunnel.send('answer');
    expect((await client.read(6)).toString()).toBe('answer');
    const [head] = upstream.heads;
    expect([head?.method, head?.url, head?.headers.host, head?.headers['x-client']]).toEqual([
      'CONNECT',
      'db.test:5432',
      'db.test:5432',
      '127.0.0.1',
    ]);
    const kept = info().filterState.get('envoy.tcp_proxy.propagate_response_headers') as Map<string, string>;
    expect(kept.get('x-from')).toBe('proxy');
  });

  it('the end of the host is the end for the client', async () => {
    const upstream = await connectServer();
    const { client } = await through(upstream.port, { hostname: 'a:1' });
    await until(() => upstream.tunnels.length > 0, 'the tunnel');
    upstream.tunnels[0]?.socket.end('last words');
    expect((await client.readToEnd()).toString()).toBe('last words');
  });

  it('the end of the client ends the tunnel', async () => {
    const upstream = await connectServer();
    const { client, proxy } = await through(upstream.port, { hostname: 'a:1' });
    void client.send('all');
    client.end();
    await until(() => upstream.tunnels.length > 0, 'the tunnel');
    expect((await (upstream.tunnels[0] as RawClient).readToEnd()).toString()).toBe('all');
    upstream.tunnels[0]?.end();
    await client.readToEnd();
    await proxy.untilStat('cluster.upstream.upstream_cx_active', 0);
  });

  it('a refusal is a failed attempt', async () => {
    const upstream = await connectServer(403);
    const { client, proxy } = await through(upstream.port, { hostname: 'a:1' }, { maxConnectAttempts: 2 });
    await client.readToEnd().catch(() => {});
    expect(upstream.heads.length).toBe(2);
    expect(proxy.stats('cluster.upstream.upstream_cx_connect_attempts_exceeded')).toBe(1);
  });

  it('a host that commands cannot give is a failed attempt', async () => {
    const upstream = await connectServer();
    const { client } = await through(upstream.port, { hostname: '%REQUESTED_SERVER_NAME%' });
    await client.readToEnd().catch(() => {});
    expect(upstream.heads.length).toBe(0);
  });

  it('filter state switches it off', async () => {
    const upstream = await connectServer();
    const set = (connection: { info: ConnectionInfo }) =>
      void connection.info.filterState.set('envoy.tcp_proxy.disable_tunneling', true);
    const off = defineNetworkFilter({ name: 'off', config: z.object({}), create: () => ({ onConnection: set }) });
    const proxy = await tcpProxyTo(
      upstream.port,
      { tunnelingConfig: { hostname: 'a:1' } },
      { networkFilters: [off()] },
    );
    cleanups.push(() => proxy.close());
    const client = await rawClient(proxy.port);
    cleanups.push(() => client.socket.destroy());
    await client.send('CONNECT by.hand:1 HTTP/1.1\r\nhost: by.hand:1\r\n\r\n');
    await client.readUntil('\r\n\r\n');
    expect(upstream.heads[0]?.url).toBe('by.hand:1');
  });
});

describe('tcp_proxy over POST', () => {
  it('carries bytes in both bodies, and their ends', async () => {
    const server = http.createServer((request, response) => {
      response.writeHead(200, { 'x-path': request.url ?? '' });
      response.flushHeaders();
      request.on('data', (chunk: Buffer) => response.write(chunk.toString().toUpperCase()));
      request.on('end', () => response.end('.'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    const { port } = server.address() as net.AddressInfo;
    const { client } = await through(port, { hostname: 'a:1', usePost: true, postPath: '/tunnel' });
    await client.send('shout');
    expect((await client.read(5)).toString()).toBe('SHOUT');
    client.end();
    expect((await client.readToEnd()).toString()).toBe('.');
    expect((await client.closed).error).toBeUndefined();
  });
});
