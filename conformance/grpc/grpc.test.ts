/** gRPC through the proxy, client and server by @grpc/grpc-js: HTTP/2 on both sides, with and without TLS from the client. */
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { createProxy, type MeshProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { bootstrap, CA } from './bootstrap.ts';
import { ECHO, EchoClient, EchoServer } from './service.ts';

const metricOf = (proxy: MeshProxy, name: string) =>
  [...proxy.stats.counters(), ...proxy.stats.gauges()].find((one) => one.name === name)?.value;

describe.each([false, true])('gRPC with TLS %s', (tls) => {
  let server: EchoServer;
  let proxy: MeshProxy;
  let client: EchoClient;

  beforeAll(async () => {
    server = await EchoServer.start();
    proxy = await createProxy({ config: bootstrap([server.port], tls), extensions: standard });
    await proxy.start();
    client = new EchoClient(proxy.address('main').port, tls ? CA : undefined);
  });
  afterEach(async () => {
    server.behaviour.gate = undefined;
    await vi.waitFor(() => {
      expect(metricOf(proxy, 'http.ingress_http.downstream_rq_active')).toBe(0);
      expect(metricOf(proxy, 'cluster.echo.upstream_rq_active')).toBe(0);
    });
  });
  afterAll(async () => {
    client.close();
    await proxy.close();
    server.stop();
  });

  it('unary: message, metadata at both ends, status', async () => {
    const { code, answer, initial, trailing } = await client.unary(Buffer.from('hello'), { 'x-echo': 'e' }).result;
    expect(code).toBe(status.OK);
    expect(answer?.toString()).toBe('hello');
    expect(initial?.get('x-initial')).toEqual(['e']);
    expect(trailing.get('x-trailing')).toEqual(['last']);
  });

  it('unary: an error keeps its code, its text and its trailers', async () => {
    const { code, details, trailing } = await client.unary(Buffer.from('x'), { 'x-fail': '9' }).result;
    expect({ code, details }).toEqual({ code: status.FAILED_PRECONDITION, details: 'as asked' });
    expect(trailing.get('x-trailing')).toEqual(['last']);
  });

  it('unary: an answer of trailers only is passed on', async () => {
    const { code } = await client.unary(Buffer.from('x'), {}, {}, ECHO.Missing).result;
    expect(code).toBe(status.UNIMPLEMENTED);
  });

  it('unary: a message of 4 MB goes both ways', async () => {
    const message = Buffer.alloc(4_000_000, 'm');
    const { code, answer } = await client.unary(message).result;
    expect(code).toBe(status.OK);
    expect(answer?.equals(message)).toBe(true);
  });

  it('client streaming: all parts arrive in order', async () => {
    const { call, answer } = client.clientStream();
    for (let i = 0; i < 200; i++) call.write(Buffer.from(`${i},`));
    call.end();
    expect((await answer).toString()).toBe(Array.from({ length: 200 }, (_, i) => `${i},`).join(''));
  });

  it('server streaming: all parts arrive in order', async () => {
    const parts: string[] = [];
    for await (const part of client.serverStream(300)) parts.push(String(part));
    expect(parts).toEqual(Array.from({ length: 300 }, (_, i) => `part ${i}`));
  });

  it('bidirectional: each part is answered before the next one is sent', async () => {
    const call = client.bidi();
    for (let i = 0; i < 50; i++) {
      call.write(Buffer.from(`ping ${i}`));
      const [part] = (await once(call, 'data')) as [Buffer];
      expect(part.toString()).toBe(`ping ${i}`);
    }
    call.end();
    await once(call, 'end');
  });

  it('a call that the client cancels is cancelled at the server', async () => {
    server.behaviour.gate = new Promise(() => {});
    const { calls, cancelled } = server.behaviour;
    const call = client.unary(Buffer.from('x'));
    await vi.waitFor(() => expect(server.behaviour.calls).toBe(calls + 1));
    call.cancel();
    expect((await call.result).code).toBe(status.CANCELLED);
    await vi.waitFor(() => expect(server.behaviour.cancelled).toBe(cancelled + 1));
  });

  it('a deadline ends the call at both ends', async () => {
    server.behaviour.gate = new Promise(() => {});
    const { cancelled } = server.behaviour;
    const call = client.unary(Buffer.from('x'), {}, { deadline: Date.now() + 150 });
    expect((await call.result).code).toBe(status.DEADLINE_EXCEEDED);
    await vi.waitFor(() => expect(server.behaviour.cancelled).toBe(cancelled + 1));
  });

  it('a stream that the client gives up is cancelled at the server', async () => {
    server.behaviour.gate = new Promise(() => {});
    const { cancelled } = server.behaviour;
    const call = client.serverStream(3);
    call.on('error', () => {});
    await once(call, 'data');
    call.cancel();
    await vi.waitFor(() => expect(server.behaviour.cancelled).toBe(cancelled + 1));
  });

  it('an answer of the proxy itself is a gRPC status', async () => {
    const nowhere = { path: '/nowhere.Service/Method' };
    const { code, trailing } = await client.unary(Buffer.from('x'), {}, {}, nowhere).result;
    expect(code).toBe(status.UNIMPLEMENTED);
    expect(trailing.get('x-envoy-upstream-service-time')).toEqual([]);
  });
});

describe('gRPC and a server that leaves', () => {
  it('GOAWAY in mid-run costs no call', async () => {
    const servers = await Promise.all([EchoServer.start(), EchoServer.start()]);
    const proxy = await createProxy({
      config: bootstrap(
        servers.map(({ port }) => port),
        false,
      ),
      extensions: standard,
    });
    await proxy.start();
    const client = new EchoClient(proxy.address('main').port);
    const codes: number[] = [];
    let running = true;
    const workers = Array.from({ length: 16 }, async () => {
      while (running) codes.push((await client.unary(Buffer.from('x')).result).code);
    });
    for (let round = 0; round < 5; round++) {
      const done = codes.length;
      await vi.waitFor(() => expect(codes.length).toBeGreaterThan(done + 200), 10_000);
      (servers[round % 2] as EchoServer).drain();
    }
    running = false;
    await Promise.all(workers);
    expect(codes.filter((code) => code !== status.OK)).toEqual([]);
    expect(metricOf(proxy, 'cluster.echo.upstream_cx_close_notify')).toBeGreaterThan(0);
    client.close();
    await proxy.close();
    for (const server of servers) server.stop();
  }, 30_000);

  it('a call under way ends although its connection is told to go', async () => {
    const server = await EchoServer.start();
    const proxy = await createProxy({ config: bootstrap([server.port], false), extensions: standard });
    await proxy.start();
    const client = new EchoClient(proxy.address('main').port);
    let open: () => void = () => {};
    server.behaviour.gate = new Promise((resolve) => {
      open = resolve;
    });
    const call = client.unary(Buffer.from('slow'));
    await vi.waitFor(() => expect(server.behaviour.calls).toBe(1));
    server.drain();
    await vi.waitFor(() => expect(metricOf(proxy, 'cluster.echo.upstream_cx_close_notify')).toBe(1));
    open();
    expect((await call.result).answer?.toString()).toBe('slow');
    client.close();
    await proxy.close();
    server.stop();
  });

  it('no server at all is UNAVAILABLE', async () => {
    const proxy = await createProxy({ config: bootstrap([], false), extensions: standard });
    await proxy.start();
    const client = new EchoClient(proxy.address('main').port);
    const { code, details } = await client.unary(Buffer.from('x')).result;
    expect({ code, details }).toEqual({ code: status.UNAVAILABLE, details: 'no healthy upstream' });
    client.close();
    await proxy.close();
  });
});
