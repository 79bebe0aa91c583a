/** tcp_proxy over what is not plain TCP: TLS on either side, tunnels in HTTP/2 streams. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import type net from 'node:net';
import tls from 'node:tls';
import { type LiveProxy, rawClient, startProxy, until } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { heard, secure } from '../fixture.ts';
import { tcpProxy } from './index.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const FIXTURES = new URL('../../../core/src/net/tls/fixtures/', import.meta.url).pathname;
const certificate = {
  certificate_chain: { filename: `${FIXTURES}server.pem` },
  private_key: { filename: `${FIXTURES}server.key` },
};
const socket = (direction: 'Downstream' | 'Upstream', config: object) => ({
  name: 'tls',
  typed_config: {
    '@type': `type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.${direction}TlsContext`,
    ...config,
  },
});

interface Parts {
  readonly port: number;
  /** The downstream transport. */
  readonly chain?: object;
  /** More of the cluster. */
  readonly cluster?: object;
  readonly hostname?: string;
  /** More of tcp_proxy. */
  readonly filter?: object;
}

async function proxyTo({ port, chain = {}, cluster = {}, hostname = '', filter = {} }: Parts): Promise<LiveProxy> {
  const address = (number: number) => ({ socket_address: { address: '127.0.0.1', port_value: number } });
  const typed = { '@type': tcpProxy.typeUrl, stat_prefix: 't', cluster: 'upstream', ...filter };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: address(port), hostname } }] }];
  const config = {
    static_resources: {
      listeners: [
        {
          name: 'l',
          address: address(0),
          filter_chains: [{ filters: [{ name: tcpProxy.name, typed_config: typed }], ...chain }],
        },
      ],
      clusters: [{ name: 'upstream', load_assignment: { cluster_name: 'upstream', endpoints }, ...cluster }],
    },
  };
  const proxy = await startProxy({ config, extensions: [tcpProxy] });
  cleanups.push(() => proxy.close());
  return proxy;
}

/** Says what it hears in capitals, and remembers the names that it was asked for. */
async function secureServer() {
  const names: unknown[] = [];
  const [cert, key] = [readFileSync(`${FIXTURES}server.pem`), readFileSync(`${FIXTURES}server.key`)];
  const server = tls.createServer({ cert, key, allowHalfOpen: true }, (host) => {
    names.push(host.servername);
    host.on('data', (chunk: Buffer) => host.write(chunk.toString().toUpperCase()));
    host.on('end', () => host.end('.'));
    host.on('error', () => {});
    cleanups.push(() => host.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return { names, port: (server.address() as net.AddressInfo).port };
}

const downstream = {
  transport_socket: socket('Downstream', { common_tls_context: { tls_certificates: [certificate] } }),
};
const upstream = (more: object = {}) => ({ transport_socket: socket('Upstream', { common_tls_context: {}, ...more }) });

describe('tcp_proxy over TLS', () => {
  it('on both sides carries bytes and both ends', async () => {
    const { port } = await secureServer();
    const proxy = await proxyTo({ port, chain: downstream, cluster: upstream() });
    const client = await secure(proxy.port, { allowHalfOpen: true } as tls.ConnectionOptions);
    const all = heard(client);
    client.write('shout');
    client.end();
    expect(await all).toEqual({ text: 'SHOUT.', error: undefined });
    expect(proxy.stats('cluster.upstream.ssl.handshake')).toBe(1);
    await proxy.untilStat('cluster.upstream.upstream_cx_active', 0);
  });

  it('on both sides carries five megabytes', async () => {
    const { port } = await secureServer();
    const proxy = await proxyTo({ port, chain: downstream, cluster: upstream() });
    const client = await secure(proxy.port);
    let length = 0;
    client.on('data', (chunk: Buffer) => {
      length += chunk.length;
    });
    const over = once(client, 'end');
    client.end(Buffer.alloc(5_000_000, 'a'));
    await over;
    expect(length).toBe(5_000_001);
  });

  it.each([
    ['sni', { sni: 'by.config' }, 'by.config'],
    ['auto_host_sni', { auto_host_sni: true }, 'host.test'],
    ['sni gives way to auto_host_sni', { sni: 'by.config', auto_host_sni: true }, 'host.test'],
  ])('asks the host for the name of %s', async (_title, config, name) => {
    const { names, port } = await secureServer();
    const proxy = await proxyTo({ port, cluster: upstream(config), hostname: 'host.test' });
    const client = await rawClient(proxy.port);
    cleanups.push(() => client.socket.destroy());
    await client.send('a');
    await client.read(1);
    expect(names).toEqual([name]);
  });
});

describe('tcp_proxy over HTTP/2', () => {
  const name = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const overHttp2 = {
    typed_extension_protocol_options: {
      [name]: {
        '@type': `type.googleapis.com/${name}`,
        explicit_http_config: { http2_protocol_options: { allow_connect: true } },
      },
    },
  };

  async function http2Server(status = 200) {
    const heads: http2.IncomingHttpHeaders[] = [];
    const sessions = new Set<http2.ServerHttp2Session>();
    const server = http2.createServer();
    server.on('session', (session) => sessions.add(session));
    server.on('stream', (stream, headers) => {
      heads.push(headers);
      stream.respond({ ':status': status }, { endStream: status !== 200 });
      stream.on('data', (chunk: Buffer) => stream.write(chunk.toString().toUpperCase()));
      stream.on('end', () => status === 200 && stream.end('.'));
      stream.on('error', () => {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => {
      for (const session of sessions) session.destroy();
      server.close();
    });
    return { heads, sessions, port: (server.address() as net.AddressInfo).port };
  }

  async function through(port: number, tunneling: object = {}) {
    const filter = { tunneling_config: { hostname: 'db.test:5432', ...tunneling } };
    const proxy = await proxyTo({ port, cluster: overHttp2, filter });
    const connect = async () => {
      const client = await rawClient(proxy.port);
      cleanups.push(() => client.socket.destroy());
      return client;
    };
    return { proxy, connect };
  }

  it.each([
    ['CONNECT', {}, 'CONNECT', undefined],
    ['POST', { use_post: true, post_path: '/tunnel' }, 'POST', '/tunnel'],
  ])('a tunnel by %s carries bytes and both ends', async (_title, tunneling, method, path) => {
    const { heads, port } = await http2Server();
    const { connect } = await through(port, tunneling);
    const client = await connect();
    await client.send('shout');
    expect((await client.read(5)).toString()).toBe('SHOUT');
    client.end();
    expect((await client.readToEnd()).toString()).toBe('.');
    expect((await client.closed).error).toBeUndefined();
    expect([heads[0]?.[':method'], heads[0]?.[':path'], heads[0]?.[':authority']]).toEqual([
      method,
      path,
      'db.test:5432',
    ]);
  });

  it('tunnels share a session, and its end is the end of each', async () => {
    const { heads, port, sessions } = await http2Server();
    const { connect, proxy } = await through(port);
    const clients = [await connect(), await connect()];
    for (const client of clients) {
      await client.send('a');
      await client.read(1);
    }
    expect([heads.length, sessions.size, proxy.stats('cluster.upstream.upstream_cx_total')]).toEqual([2, 1, 1]);
    for (const session of sessions) session.destroy();
    for (const client of clients) await client.readToEnd().catch(() => {});
    await proxy.untilStat('cluster.upstream.upstream_rq_active', 0);
  });

  it('the end of a client leaves the others alone', async () => {
    const { port } = await http2Server();
    const { connect, proxy } = await through(port);
    const [gone, stays] = [await connect(), await connect()];
    await gone.send('a');
    await gone.read(1);
    await stays.send('b');
    await stays.read(1);
    gone.socket.resetAndDestroy();
    await proxy.untilStat('cluster.upstream.upstream_rq_active', 1);
    await stays.send('c');
    expect((await stays.read(1)).toString()).toBe('C');
  });

  it('a refusal is the end of the client', async () => {
    const { heads, port } = await http2Server(403);
    const { connect } = await through(port);
    await (await connect()).readToEnd().catch(() => {});
    await until(() => heads.length === 1, 'the refusal');
  });

  it('carries three megabytes through the windows', async () => {
    const { port } = await http2Server();
    const { connect } = await through(port);
    const client = await connect();
    client.socket.end(Buffer.alloc(3_000_000, 'a'));
    expect((await client.readToEnd()).length).toBe(3_000_001);
  });
});
