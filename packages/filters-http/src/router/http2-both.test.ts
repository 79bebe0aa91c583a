/** HTTP/2 on both sides: gRPC, and tunnels. Facts of Envoy 1.40 where not told otherwise. */
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { route } from '@mesh/core';
import { type StartProxyOptions, until } from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { clientOf, closeAfterEach, observer, proxyFor, routed } from './fixture.ts';
import { tunnelUpstream } from './fixtures/tunnel.ts';

closeAfterEach();
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

type OnStream = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

async function h2Upstream(onStream: OnStream, settings: http2.Settings = {}): Promise<number> {
  const server = http2.createServer({ settings });
  server.on('session', (session) => {
    session.on('error', () => {});
    cleanups.push(() => session.destroy());
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    onStream(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

async function rig(onStream: OnStream, more: StartProxyOptions = {}, settings: http2.Settings = {}) {
  const upstream = await h2Upstream(onStream, settings);
  const { filter, outcomes } = observer();
  const cluster = { http2ProtocolOptions: {}, ...more.cluster } as never;
  const proxy = await proxyFor({ upstream, filters: [filter], ...more, cluster });
  const client = http2.connect(proxy.url);
  client.on('error', () => {});
  cleanups.push(() => client.destroy());
  const stat = (name: string) => proxy.stats(`cluster.upstream.${name}`);
  return { outcomes, proxy, client, stat };
}

const CALL = { ':method': 'POST', ':path': '/pkg.Service/Call', 'content-type': 'application/grpc', te: 'trailers' };

/** What a call has come to. */
async function resultOf(call: http2.ClientHttp2Stream) {
  let head: http2.IncomingHttpHeaders = {};
  let trailers: http2.IncomingHttpHeaders = {};
  call.on('error', () => {});
  call.on('response', (fields) => {
    head = fields;
  });
  call.on('trailers', (fields) => {
    trailers = fields;
  });
  const chunks: Buffer[] = [];
  call.on('data', (chunk: Buffer) => void chunks.push(chunk));
  await new Promise((resolve) => call.on('close', resolve));
  return { status: head[':status'], head, trailers, body: Buffer.concat(chunks), code: call.rstCode };
}

/** A message of gRPC: a flag, the length, the bytes. */
function message(bytes: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

function finish(stream: http2.ServerHttp2Stream, status: string, text = ''): void {
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status, 'grpc-message': text }));
  stream.end();
}

describe('a gRPC call', () => {
  it('comes and goes whole: 4 MB each way, trailers behind', async () => {
    const { client, stat } = await rig((stream, headers) => {
      expect(headers.te).toBe('trailers');
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('data', (chunk) => stream.write(chunk));
      stream.on('end', () => finish(stream, '0'));
    });
    const sent = message(Buffer.alloc(4 * 1024 * 1024, 'x'));
    const call = client.request(CALL);
    call.end(sent);
    const { status, body, trailers } = await resultOf(call);
    expect(status).toBe(200);
    expect(body.equals(sent)).toBe(true);
    expect(trailers).toMatchObject({ 'grpc-status': '0' });
    expect([stat('upstream_rq_active'), stat('upstream_cx_http2_total')]).toEqual([0, 1]);
  });

  it('talks both ways at once', async () => {
    const { client } = await rig((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('data', (chunk: Buffer) => stream.write(chunk));
      stream.on('end', () => finish(stream, '0'));
    });
    const call = client.request(CALL);
    call.on('error', () => {});
    for (let i = 0; i < 10; i++) {
      const sent = message(Buffer.from(`message ${i}`));
      call.write(sent);
      const [back] = (await once(call, 'data')) as [Buffer];
      expect(back.equals(sent)).toBe(true);
    }
    call.end();
    const [trailers] = (await once(call, 'trailers')) as [http2.IncomingHttpHeaders];
    expect(trailers['grpc-status']).toBe('0');
  });

  it('may be answered by trailers alone', async () => {
    const { client } = await rig((stream) =>
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5', 'grpc-message': 'none' },
        { endStream: true },
      ),
    );
    const call = client.request(CALL);
    call.end(message(Buffer.from('x')));
    const { head, body, trailers } = await resultOf(call);
    expect(head).toMatchObject({ ':status': 200, 'grpc-status': '5', 'grpc-message': 'none' });
    expect([body.length, trailers]).toEqual([0, {}]);
  });

  it('that is cancelled is cancelled upstream', async () => {
    let code: number | undefined;
    let begun = false;
    const { client, stat, outcomes } = await rig((stream) => {
      begun = true;
      stream.on('close', () => {
        code = stream.rstCode;
      });
    });
    const call = client.request(CALL);
    call.on('error', () => {});
    await until(() => begun, 'the call');
    call.close(http2.constants.NGHTTP2_CANCEL);
    await until(() => code !== undefined, 'the reset');
    await until(() => outcomes.length === 1, 'the end');
    expect([stat('upstream_rq_active'), stat('upstream_cx_active'), stat('upstream_rq_tx_reset')]).toEqual([0, 1, 1]);
  });

  it('that the upstream gives up in the middle is given up towards the client', async () => {
    const { client, outcomes } = await rig((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.write(message(Buffer.from('half')));
      setImmediate(() => stream.destroy(new Error('lost')));
    });
    const call = client.request(CALL);
    call.end();
    const { code } = await resultOf(call);
    expect(code).toBe(http2.constants.NGHTTP2_INTERNAL_ERROR);
    await until(() => outcomes.length === 1, 'the end');
    expect(outcomes[0]).toMatchObject({ status: 200, flags: 'UR' });
  });

  it('that takes too long gets its status as gRPC has it', async () => {
    const { client } = await rig(() => {}, routed({ timeoutMs: 30 }));
    const call = client.request(CALL);
    call.end(message(Buffer.from('x')));
    expect((await resultOf(call)).head).toMatchObject({
      ':status': 200,
      'grpc-status': '14',
      'grpc-message': 'upstream request timeout',
    });
  });

  it('is not lost when the upstream goes away', async () => {
    let served = 0;
    const { client, stat } = await rig((stream) => {
      const { session } = stream;
      if (++served % 70 === 0 && session !== undefined && !session.closed) {
        session.goaway(0, stream.id);
        session.close();
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.resume();
      stream.on('end', () => finish(stream, '0'));
    });
    const calls = Array.from({ length: 200 }, async () => {
      const call = client.request(CALL);
      call.end(message(Buffer.from('x')));
      return (await resultOf(call)).trailers['grpc-status'];
    });
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['0']));
    expect(stat('upstream_cx_close_notify')).toBeGreaterThan(0);
    await until(() => stat('upstream_rq_active') === 0, 'the end');
  });
});

const WEBSOCKET = { upgradeConfigs: [{ upgradeType: 'websocket', enabled: true }] } as unknown as StartProxyOptions;
const KEY = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n';
const HANDSHAKE = `GET /chat HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n${KEY}\r\n`;
const EXTENDED = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat', ':scheme': 'http' };
const WITH_CONNECT = { enableConnectProtocol: true };

describe('an upgrade', () => {
  it('of HTTP/1 is an extended CONNECT for an upstream of HTTP/2', async () => {
    let seen: http2.IncomingHttpHeaders = {};
    const { proxy } = await rig(
      (stream, headers) => {
        seen = headers;
        stream.respond({ ':status': 200 });
        stream.on('data', (chunk: Buffer) => stream.write(chunk.toString().toUpperCase()));
        stream.on('end', () => stream.end());
      },
      WEBSOCKET,
      WITH_CONNECT,
    );
    const client = await clientOf(proxy);
    await client.send(HANDSHAKE);
    const head = await client.readUntil('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(head).toContain('\r\nupgrade: websocket\r\n');
    expect(seen).toMatchObject({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat', ':authority': 'a' });
    await client.send('ping');
    expect(String(await client.read(4))).toBe('PING');
    expect(proxy.stats('cluster.upstream.upstream_rq_200') + proxy.stats('cluster.upstream.upstream_rq_101')).toBe(1);
  });

  it('that an upstream of HTTP/2 refuses is refused', async () => {
    const { proxy } = await rig(
      (stream) => {
        stream.respond({ ':status': 403 });
        stream.end('no');
      },
      WEBSOCKET,
      WITH_CONNECT,
    );
    const client = await clientOf(proxy);
    await client.send(HANDSHAKE);
    expect(await client.readResponse()).toMatchObject({ status: 403, body: 'no' });
  });

  it('of HTTP/2 goes through to HTTP/2', async () => {
    const { client } = await rig(
      (stream) => {
        stream.respond({ ':status': 200 });
        stream.on('data', (chunk: Buffer) => stream.write(chunk));
        stream.on('end', () => stream.end('bye'));
      },
      { ...WEBSOCKET, http2ProtocolOptions: { allowConnect: true } } as never,
      WITH_CONNECT,
    );
    await once(client, 'remoteSettings');
    const call = client.request(EXTENDED);
    const [head] = (await once(call, 'response')) as [http2.IncomingHttpHeaders];
    expect(head[':status']).toBe(200);
    call.write('ping');
    expect(String((await once(call, 'data'))[0])).toBe('ping');
    call.end();
    expect(String((await once(call, 'data'))[0])).toBe('bye');
  });

  it('of HTTP/2 is an upgrade for an upstream of HTTP/1', async () => {
    const upstream = await tunnelUpstream();
    const proxy = await proxyFor({ upstream, ...WEBSOCKET, http2ProtocolOptions: { allowConnect: true } } as never);
    const client = http2.connect(proxy.url);
    cleanups.push(() => client.destroy());
    await once(client, 'remoteSettings');
    const call = client.request(EXTENDED);
    call.on('error', () => {});
    const peer = await upstream.peer();
    await peer.sees('\r\n\r\n');
    expect(peer.head).toMatch(/^GET \/chat HTTP\/1\.1\r\n/);
    expect(peer.head.toLowerCase()).toContain('\r\nupgrade: websocket\r\n');
    peer.socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nhi');
    const [head] = (await once(call, 'response')) as [http2.IncomingHttpHeaders];
    expect([head[':status'], head.upgrade, head.connection]).toEqual([200, undefined, undefined]);
    expect(String((await once(call, 'data'))[0])).toBe('hi');
    call.write('ping');
    await peer.sees('ping');
    call.close();
  });
});

describe('CONNECT', () => {
  const routes = (connectConfig?: object): StartProxyOptions => {
    const upgradeConfigs = [{ upgradeType: 'CONNECT', enabled: true, ...(connectConfig && { connectConfig }) }];
    const match = { prefix: undefined, connectMatcher: {} };
    return {
      upgradeConfigs: [{ upgradeType: 'CONNECT', enabled: true }],
      routes: [route('/', 'upstream', { match, route: { upgradeConfigs } } as never)],
    } as never;
  };

  it('of HTTP/2 ends here with connect_config: its payload goes to a host as TCP', async () => {
    const echo = net.createServer((socket) => socket.pipe(socket));
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    cleanups.push(() => echo.close());
    const { port } = echo.address() as net.AddressInfo;
    const proxy = await proxyFor({
      upstream: port,
      ...routes({}),
      http2ProtocolOptions: { allowConnect: true },
    } as never);
    const client = http2.connect(proxy.url);
    cleanups.push(() => client.destroy());
    const call = client.request({ ':method': 'CONNECT', ':authority': 'host.test:443' });
    call.on('error', () => {});
    const [head] = (await once(call, 'response')) as [http2.IncomingHttpHeaders];
    expect(head[':status']).toBe(200);
    call.write('through');
    expect(String((await once(call, 'data'))[0])).toBe('through');
    call.end();
  });

  it('goes on to an upstream of HTTP/2', async () => {
    let seen: http2.IncomingHttpHeaders = {};
    const { client } = await rig(
      (stream, headers) => {
        seen = headers;
        stream.respond({ ':status': 200 });
        stream.on('data', (chunk: Buffer) => stream.write(chunk));
        stream.on('end', () => stream.end());
      },
      { ...routes(), http2ProtocolOptions: { allowConnect: true } } as never,
    );
    const call = client.request({ ':method': 'CONNECT', ':authority': 'host.test:443' });
    call.on('error', () => {});
    const [head] = (await once(call, 'response')) as [http2.IncomingHttpHeaders];
    expect(head[':status']).toBe(200);
    expect([seen[':method'], seen[':authority'], seen[':path']]).toEqual(['CONNECT', 'host.test:443', undefined]);
    call.write('through');
    expect(String((await once(call, 'data'))[0])).toBe('through');
    call.end();
  });
});
