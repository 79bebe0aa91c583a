/** Which protocol and which transport the connections to upstreams have. Facts of Envoy 1.40. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import type tls from 'node:tls';
import { startProxy } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, closeAfterEach, get } from './fixture.ts';
import { router } from './index.ts';

closeAfterEach();
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const fixture = (name: string) => new URL(`../../../core/src/net/tls/fixtures/${name}`, import.meta.url).pathname;
const PAIR = { key: readFileSync(fixture('server.key')), cert: readFileSync(fixture('server.pem')) };
const TYPE = 'type.googleapis.com/envoy.extensions';

async function listening(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as net.AddressInfo).port;
}

/** Answers with what it was asked by: protocol, SNI, ALPN. */
function tell(
  request: http.IncomingMessage | http2.Http2ServerRequest,
  response: http.ServerResponse | http2.Http2ServerResponse,
) {
  const socket = ((request as http2.Http2ServerRequest).stream?.session?.socket ?? request.socket) as tls.TLSSocket & {
    servername?: string | false;
  };
  (response as http.ServerResponse).end(
    `${request.httpVersion} sni=${socket.servername || ''} alpn=${socket.alpnProtocol || ''}`,
  );
}

const secure = () => listening(http2.createSecureServer({ ...PAIR, allowHTTP1: true }, tell as never));
const secureHttp1 = () => listening(https.createServer({ ...PAIR, ALPNProtocols: ['http/1.1'] }, tell as never));

const tlsSocket = (context: object = {}) => ({
  name: 'envoy.transport_sockets.tls',
  typed_config: { '@type': `${TYPE}.transport_sockets.tls.v3.UpstreamTlsContext`, ...context },
});
const VERIFIED = { common_tls_context: { validation_context: { trusted_ca: { filename: fixture('ca.pem') } } } };

const http2Options = { explicit_http_config: { http2_protocol_options: {} } };
const http1Options = { explicit_http_config: { http_protocol_options: {} } };

/** A proxy with one cluster in front of `ports`. */
async function proxyTo(
  ports: number | readonly object[],
  options: object | undefined,
  cluster: object = {},
  listener: object = {},
) {
  const name = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const endpoints = typeof ports === 'number' ? [{ endpoint: { address: at(ports) } }] : ports;
  const manager = {
    '@type': `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'ingress_http',
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPE}.filters.http.router.v3.Router` } },
    ],
    route_config: {
      virtual_hosts: [{ name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'c' } }] }],
    },
    ...listener,
  };
  const config = {
    static_resources: {
      listeners: [
        {
          address: at(0),
          filter_chains: [
            { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
          ],
        },
      ],
      clusters: [
        {
          name: 'c',
          ...(options && {
            typed_extension_protocol_options: { [name]: { '@type': `type.googleapis.com/${name}`, ...options } },
          }),
          load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: endpoints }] },
          ...cluster,
        },
      ],
    },
  };
  const proxy = await startProxy({ config, extensions: [router] });
  cleanups.push(() => proxy.close());
  return { proxy, stat: (metric: string) => proxy.stats(`cluster.c.${metric}`) };
}

const at = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
const body = async (proxy: { readonly port: number }, host = 'a') =>
  (await ask(proxy, get('/').replace('host: a', `host: ${host}`))).body;

describe('the protocol of an upstream', () => {
  it.each([
    ['HTTP/2', http2Options, '2.0 sni=a.test alpn=h2'],
    ['HTTP/1', http1Options, '1.1 sni=a.test alpn=http/1.1'],
    ['what ALPN says', { auto_config: {} }, '2.0 sni=a.test alpn=h2'],
  ])('over TLS is %s, offered by ALPN', async (_what, options, expected) => {
    const { proxy, stat } = await proxyTo(await secure(), options, { transport_socket: tlsSocket({ sni: 'a.test' }) });
    expect(await body(proxy)).toBe(expected);
    expect(await body(proxy)).toBe(expected);
    expect([stat('upstream_cx_total'), stat('ssl.handshake')]).toEqual([1, 1]);
  });

  it('is HTTP/1 where ALPN says so, also for those that wait', async () => {
    const { proxy, stat } = await proxyTo(await secureHttp1(), { auto_config: {} }, { transport_socket: tlsSocket() });
    const bodies = await Promise.all(Array.from({ length: 6 }, () => body(proxy)));
    expect(new Set(bodies)).toEqual(new Set(['1.1 sni= alpn=http/1.1']));
    expect(await body(proxy)).toBe('1.1 sni= alpn=http/1.1');
    expect([stat('upstream_cx_http2_total'), stat('upstream_cx_http1_total')]).toEqual([0, stat('upstream_cx_total')]);
    expect([stat('upstream_rq_pending_active'), stat('upstream_rq_active')]).toEqual([0, 0]);
  });

  it('changes with the host under auto_config', async () => {
    const first = https.createServer({ ...PAIR, ALPNProtocols: ['http/1.1'] }, tell as never);
    const port = await listening(first);
    const { proxy, stat } = await proxyTo(port, { auto_config: {} }, { transport_socket: tlsSocket() });
    expect(await body(proxy)).toBe('1.1 sni= alpn=http/1.1');
    first.closeAllConnections();
    first.close();
    await proxy.untilStat('cluster.c.upstream_cx_active', 0);
    const second = http2.createSecureServer(PAIR, tell as never);
    second.listen(port, '127.0.0.1');
    await once(second, 'listening');
    cleanups.push(() => second.close());
    expect(await body(proxy)).toBe('2.0 sni= alpn=h2');
    expect([stat('upstream_cx_http1_total'), stat('upstream_cx_http2_total')]).toEqual([1, 1]);
  });

  it('is that of the client where it is to be', async () => {
    const options = { use_downstream_protocol_config: {} };
    const { proxy, stat } = await proxyTo(await secure(), options, { transport_socket: tlsSocket() });
    expect(await body(proxy)).toBe('1.1 sni= alpn=http/1.1');
    const client = http2.connect(proxy.url);
    cleanups.push(() => client.destroy());
    const request = client.request({ ':path': '/' });
    request.setEncoding('utf8');
    let text = '';
    for await (const chunk of request) text += chunk;
    expect(text).toBe('2.0 sni= alpn=h2');
    expect([stat('upstream_cx_http1_total'), stat('upstream_cx_http2_total')]).toEqual([1, 1]);
  });
});

describe('the server name of an upstream connection', () => {
  const sni = (policy: object) => ({ ...http2Options, upstream_http_protocol_options: policy });

  it('is the host of the request with auto_sni, each on connections of its own', async () => {
    const options = sni({ auto_sni: true });
    const { proxy, stat } = await proxyTo(await secure(), options, { transport_socket: tlsSocket({ sni: 'b.test' }) });
    expect(await body(proxy, 'a.test')).toBe('2.0 sni=a.test alpn=h2');
    expect(await body(proxy, 'x.wild.test:8080')).toBe('2.0 sni=x.wild.test alpn=h2');
    expect(await body(proxy, 'a.test')).toBe('2.0 sni=a.test alpn=h2');
    expect(await body(proxy, '127.0.0.1')).toBe('2.0 sni=b.test alpn=h2');
    expect(stat('upstream_cx_total')).toBe(3);
  });

  it('may come from another field', async () => {
    const options = sni({ auto_sni: true, override_auto_sni_header: 'x-name' });
    const { proxy } = await proxyTo(await secure(), options, { transport_socket: tlsSocket() });
    const response = await ask(proxy, get('/', 'x-name: b.test:99\r\n'));
    expect(response.body).toBe('2.0 sni=b.test alpn=h2');
    expect(await body(proxy, 'c.test')).toBe('2.0 sni=c.test alpn=h2');
  });

  it('is what the certificate must be for with auto_san_validation', async () => {
    const options = sni({ auto_sni: true, auto_san_validation: true });
    const { proxy, stat } = await proxyTo(await secure(), options, { transport_socket: tlsSocket(VERIFIED) });
    expect(await body(proxy, 'a.test')).toBe('2.0 sni=a.test alpn=h2');
    expect(await body(proxy, 'y.wild.test')).toBe('2.0 sni=y.wild.test alpn=h2');
    expect((await ask(proxy, get('/').replace('host: a', 'host: evil.test'))).status).toBe(503);
    expect(stat('ssl.fail_verify_san')).toBe(1);
  });

  it('is the name of the host with auto_host_sni', async () => {
    const endpoint = { hostname: 'b.test', address: at(await secure()) };
    const { proxy } = await proxyTo([{ endpoint }], http1Options, {
      transport_socket: tlsSocket({ auto_host_sni: true }),
    });
    expect(await body(proxy)).toBe('1.1 sni=b.test alpn=http/1.1');
  });
});

describe('the transport of an upstream', () => {
  it.each([http1Options, http2Options])('that cannot be trusted is a failure to connect: %j', async (options) => {
    const context = {
      common_tls_context: { validation_context: { trusted_ca: { filename: fixture('other-ca.pem') } } },
    };
    const { proxy, stat } = await proxyTo(await secure(), options, { transport_socket: tlsSocket(context) });
    const response = await ask(proxy);
    expect([response.status, response.body]).toEqual([
      503,
      'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure',
    ]);
    expect([stat('upstream_cx_connect_fail'), stat('ssl.fail_verify_error')]).toEqual([1, 1]);
  });

  it.each([http1Options, http2Options])('that does not answer in time is a failure to connect: %j', async (options) => {
    const silent = await listening(net.createServer(() => {}));
    const more = { transport_socket: tlsSocket(), connect_timeout: '0.05s' };
    const { proxy, stat } = await proxyTo(silent, options, more);
    const response = await ask(proxy);
    expect([response.status, response.body]).toEqual([
      503,
      'upstream connect error or disconnect/reset before headers. reset reason: connection timeout',
    ]);
    expect([stat('upstream_cx_connect_timeout'), stat('upstream_rq_total')]).toEqual([1, 0]);
  });

  it.each([http1Options, http2Options])('gives no plain bytes to a request: %j', async (options) => {
    const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil';
    const plain = await listening(net.createServer((socket) => void socket.write(answer)));
    const { proxy, stat } = await proxyTo(plain, options, { transport_socket: tlsSocket() });
    expect((await ask(proxy)).status).toBe(503);
    expect(stat('upstream_cx_connect_fail')).toBe(1);
  });

  it('is chosen by the metadata of the host', async () => {
    const secured = {
      endpoint: { address: at(await secure()) },
      metadata: { filter_metadata: { 'envoy.transport_socket_match': { mtls: true, tier: 'x' } } },
    };
    const plain = { endpoint: { address: at(await listening(http.createServer(tell as never))) } };
    const matches = [{ name: 'tls', match: { mtls: true }, transport_socket: tlsSocket({ sni: 'a.test' }) }];
    const { proxy } = await proxyTo([secured, plain], http1Options, { transport_socket_matches: matches });
    const bodies = [await body(proxy), await body(proxy)].sort();
    expect(bodies).toEqual(['1.1 sni= alpn=', '1.1 sni=a.test alpn=http/1.1']);
  });
});
