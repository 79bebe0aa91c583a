import net from 'node:net';
import { defineListenerFilter, filterChain, type ListenerFilter } from '@mesh/core';
import { type LiveProxy, until, VirtualClock } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { directResponse } from './direct-response/index.ts';
import { echo } from './echo/index.ts';
import { connect, exchange, heard, helloBytes, says, secure, serve, tells, tlsOf } from './fixture.ts';
import { httpInspector } from './http-inspector/index.ts';
import { originalDst } from './original-dst/index.ts';
import { proxyProtocol } from './proxy-protocol/index.ts';
import { tlsInspector } from './tls-inspector/index.ts';

const GET = 'GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n';
const watch = (filter: ListenerFilter, name = 'test.filters.listener.watch') =>
  defineListenerFilter({ name, config: z.object({}), create: () => filter })();

/** `listener.<address>.<name>` */
function stat(proxy: LiveProxy, name: string): number {
  return proxy.stats(`listener.127.0.0.1_0.${name}`);
}

/** Nothing is left of any connection. */
async function nothingLeft(proxy: LiveProxy): Promise<void> {
  for (const gauge of ['downstream_pre_cx_active', 'downstream_cx_active']) {
    await until(() => stat(proxy, gauge) === 0, `${gauge} to be 0`);
  }
}

describe('filter chains by what the tls_inspector sees', () => {
  const byName = () =>
    serve({
      listenerFilters: [tlsInspector()],
      filterChains: [
        tells('a', { serverNames: ['a.test'] }, { tls: tlsOf('server') }),
        tells('other', { serverNames: ['*.TEST'] }, { tls: tlsOf('other-server') }),
        says('raw', { transportProtocol: 'raw_buffer' }),
      ],
    });

  it('SNI chooses the chain and its certificate', async () => {
    const proxy = await byName();
    for (const [servername, chain, subject] of [
      ['A.test', 'a', 'server'],
      ['x.test', 'other', 'other server'],
    ] as const) {
      const socket = await secure(proxy.port, { servername });
      expect(socket.getPeerCertificate().subject.CN).toBe(subject);
      const answer = heard(socket);
      socket.write(GET);
      const { text, error } = await answer;
      expect(error).toBeUndefined();
      expect(text).toMatch(new RegExp(`x-sni: ${servername.toLowerCase()}\r\n[\\s\\S]*\r\n\r\n${chain}$`));
    }
    await nothingLeft(proxy);
  });

  it('TLS and cleartext share a port', async () => {
    const proxy = await byName();
    expect(await exchange(proxy.port, 'hello')).toEqual({ text: 'raw', error: undefined });
    expect(await exchange(proxy.port, 'he', 'll', 'o')).toEqual({ text: 'raw', error: undefined });
    await (await secure(proxy.port, { servername: 'a.test' })).destroy();
    expect([proxy.stats('tls_inspector.tls_found'), proxy.stats('tls_inspector.tls_not_found')]).toEqual([1, 2]);
    await nothingLeft(proxy);
  });

  it('a connection that no chain is for is closed', async () => {
    const proxy = await byName();
    expect(await exchange(proxy.port, await helloBytes({ servername: 'a.example' }))).toMatchObject({ text: '' });
    expect(stat(proxy, 'no_filter_chain_match')).toBe(1);
    expect(stat(proxy, 'downstream_cx_total')).toBe(0);
    await nothingLeft(proxy);
  });

  it('ALPN chooses the chain', async () => {
    const proxy = await serve({
      listenerFilters: [tlsInspector()],
      filterChains: [
        says('h2', { applicationProtocols: ['h2'] }, { tls: tlsOf('server', ['h2']) }),
        says('any', {}, { tls: tlsOf('server', ['http/1.1']) }),
      ],
    });
    for (const [ALPNProtocols, chain] of [
      [['http/1.1', 'h2'], 'h2'],
      [['http/1.1'], 'any'],
    ] as const) {
      const socket = await secure(proxy.port, { ALPNProtocols: [...ALPNProtocols] });
      expect([socket.alpnProtocol, await heard(socket)]).toEqual([
        chain === 'h2' ? 'h2' : 'http/1.1',
        { text: chain, error: undefined },
      ]);
    }
  });

  it('a ClientHello may come byte by byte', async () => {
    const proxy = await byName();
    const raw = await connect(proxy.port);
    const relay = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => relay.once('listening', resolve));
    relay.on('connection', (from) => {
      from.on('data', async (chunk: Buffer) => {
        from.pause();
        for (const byte of chunk) await new Promise((sent) => raw.write(Buffer.of(byte), sent));
        from.resume();
      });
      raw.on('data', (chunk) => from.write(chunk));
      raw.on('close', () => from.end());
      from.on('error', () => {});
    });
    const socket = await secure((relay.address() as net.AddressInfo).port, { servername: 'a.test' });
    const answer = heard(socket);
    socket.write(GET);
    expect((await answer).text).toMatch(/\r\n\r\na$/);
    relay.close();
  });
});

describe('a chain of filters', () => {
  it('PROXY protocol, then TLS, then HTTP', async () => {
    const proxy = await serve({
      listenerFilters: [proxyProtocol(), tlsInspector()],
      filterChains: [tells('a', { serverNames: ['a.test'], destinationPort: 8443 }, { tls: tlsOf('server') })],
    });
    const raw = await connect(proxy.port);
    raw.write('PROXY TCP4 1.2.3.4 5.6.7.8 1111 8443\r\n');
    const socket = await secure(proxy.port, { servername: 'a.test' }, raw);
    const answer = heard(socket);
    socket.write(GET);
    const { text } = await answer;
    expect(text).toContain('x-remote: 1.2.3.4 1111\r\n');
    expect(text).toContain('x-local: 5.6.7.8 8443\r\n');
    expect(text).toMatch(/x-direct: 127\.0\.0\.1\r/);
    await nothingLeft(proxy);
  });

  it('each is asked with what those before it left', async () => {
    const seen: string[] = [];
    const take = (count: number, name: string) =>
      watch(
        {
          onData: (bytes) => {
            seen.push(`${name} ${bytes}`);
            return bytes.length < count ? 'more' : count;
          },
        },
        name,
      );
    const proxy = await serve({
      listenerFilters: [
        take(2, 'a'),
        watch({ onAccept: () => (seen.push('b') > 0 ? 'done' : 'close') }, 'b'),
        take(3, 'c'),
      ],
      filterChains: [says('x')],
    });
    expect((await exchange(proxy.port, '12345')).text).toBe('x');
    expect(seen).toEqual(['a 12345', 'b', 'c 345']);
  });

  it('a raw chain gets the bytes that were looked at, and the end that came with them', async () => {
    const proxy = await serve({
      listenerFilters: [httpInspector()],
      filterChains: [tells('h1', { applicationProtocols: ['http/1.1'] })],
    });
    const socket = await connect(proxy.port);
    const answer = heard(socket);
    socket.end('GET / HTTP/1.1\r\nhost: h\r\n\r\n');
    expect((await answer).text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nh1$/);
    await nothingLeft(proxy);
  });

  it('one that throws costs its own connection only', async () => {
    let broken = true;
    const proxy = await serve({
      listenerFilters: [
        watch({
          onData() {
            if (!broken) return 'done';
            broken = false;
            throw new Error('oops');
          },
        }),
      ],
      filterChains: [says('x')],
    });
    expect((await exchange(proxy.port, 'a')).text).toBe('');
    expect(proxy.logs[0]?.message).toContain('listener filter test.filters.listener.watch failed: Error: oops');
    expect(stat(proxy, 'downstream_listener_filter_error')).toBe(1);
    expect((await exchange(proxy.port, 'a')).text).toBe('x');
  });

  it('a filter that never has enough is not given more than it asks for', async () => {
    let most = 0;
    const proxy = await serve({
      listenerFilters: [
        watch({
          maxReadBytes: 1000,
          onData(bytes) {
            most = Math.max(most, bytes.length);
            return 'more';
          },
        }),
      ],
      filterChains: [says('x')],
    });
    const socket = await connect(proxy.port);
    const end = heard(socket);
    for (let sent = 0; sent < 10 && !socket.destroyed; sent++) {
      socket.write(Buffer.alloc(100));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await end).text).toBe('');
    expect(most).toBe(1000);
    await nothingLeft(proxy);
  });

  it('filter_disabled leaves one out', async () => {
    const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
    const typed_config = (type: string) => ({ '@type': `type.googleapis.com/envoy.extensions.filters.${type}` });
    const inspector = {
      name: 'i',
      typed_config: typed_config('listener.tls_inspector.v3.TlsInspector'),
      filter_disabled: { not_match: { destination_port_range: { start: 1, end: 2 } } },
    };
    const response = { ...typed_config('network.direct_response.v3.Config'), response: { inline_string: 'raw' } };
    const chain = {
      filters: [{ name: 'd', typed_config: response }],
      filter_chain_match: { transport_protocol: 'raw_buffer' },
    };
    const proxy = await serve(
      {},
      {
        extensions: [tlsInspector, directResponse, echo],
        config: {
          static_resources: {
            listeners: [{ name: 'l', address, listener_filters: [inspector], filter_chains: [chain] }],
          },
        },
      },
    );
    expect((await exchange(proxy.port, await helloBytes())).text).toBe('raw');
  });
});

describe('time', () => {
  it.each([
    [false, '', 15_000],
    [true, 'raw', 15_000],
    [false, '', 300],
  ])('a connection that says too little (continue: %s) gets "%s"', async (go, text, timeoutMs) => {
    const clock = new VirtualClock();
    const proxy = await serve(
      {
        listenerFilters: [tlsInspector()],
        filterChains: [says('raw')],
        continueOnListenerFiltersTimeout: go,
        ...(timeoutMs !== 15_000 && { listenerFiltersTimeoutMs: timeoutMs }),
      },
      { clock },
    );
    const socket = await connect(proxy.port);
    const end = heard(socket);
    socket.write('hi');
    await until(() => stat(proxy, 'downstream_pre_cx_active') === 1, 'the connection');
    await clock.advanceAsync(timeoutMs - 1);
    expect(stat(proxy, 'downstream_pre_cx_timeout')).toBe(0);
    await clock.advanceAsync(20);
    expect((await end).text).toBe(text);
    expect(stat(proxy, 'downstream_pre_cx_timeout')).toBe(1);
    await nothingLeft(proxy);
  });

  it('a handshake may take transport_socket_connect_timeout', async () => {
    const clock = new VirtualClock();
    const proxy = await serve(
      { filterChains: [says('a', {}, { tls: tlsOf('server'), transportSocketConnectTimeoutMs: 2000 })] },
      { clock },
    );
    const done = await secure(proxy.port);
    const slow = await connect(proxy.port);
    const end = heard(slow);
    slow.write((await helloBytes()).subarray(0, 20));
    await until(() => stat(proxy, 'downstream_cx_total') === 2, 'the connections');
    await clock.advanceAsync(2020);
    expect((await end).text).toBe('');
    expect(stat(proxy, 'downstream_cx_transport_socket_connect_timeout')).toBe(1);
    expect(stat(proxy, 'downstream_cx_destroy')).toBeGreaterThanOrEqual(1);
    done.destroy();
    await nothingLeft(proxy);
  });
});

describe('clients that vanish', () => {
  const both = () =>
    serve({
      listenerFilters: [tlsInspector()],
      filterChains: [
        tells('tls', { transportProtocol: 'tls' }, { tls: tlsOf('server') }),
        says('raw', { transportProtocol: 'raw_buffer' }),
      ],
    });

  it.each(['resetAndDestroy', 'end'] as const)('by %s, at each step, leave nothing behind', async (how) => {
    const proxy = await both();
    const hello = await helloBytes({ servername: 'a.test' });
    for (const bytes of [0, 1, 5, 100, hello.length - 1, hello.length]) {
      const socket = await connect(proxy.port);
      socket.on('error', () => {});
      if (bytes > 0) await new Promise((resolve) => socket.write(hello.subarray(0, bytes), resolve));
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.resume();
      socket[how]();
      await closed;
      await nothingLeft(proxy);
    }
    const socket = await secure(proxy.port);
    socket.on('error', () => {});
    if (how === 'end') socket.end();
    else socket.destroy();
    await nothingLeft(proxy);
    const early =
      stat(proxy, 'downstream_listener_filter_error') + stat(proxy, 'downstream_listener_filter_remote_close');
    expect(early).toBe(5);
  });

  it('the proxy that closes ends those that wait, at each step', async () => {
    const proxy = await both();
    const hello = await helloBytes({ servername: 'a.test' });
    const ends = await Promise.all(
      [0, 50, hello.length]
        .map(async (bytes) => {
          const socket = await connect(proxy.port);
          const end = heard(socket);
          socket.write(hello.subarray(0, bytes));
          return end.then(() => {});
        })
        .map((end) => ({ end })),
    );
    await until(() => stat(proxy, 'downstream_cx_total') === 1, 'the handshake');
    await until(() => stat(proxy, 'downstream_pre_cx_active') === 2, 'the others');
    await proxy.close();
    await Promise.all(ends.map(({ end }) => end));
    expect(stat(proxy, 'downstream_pre_cx_active') + stat(proxy, 'downstream_cx_active')).toBe(0);
  });
});

describe('a chain without filters', () => {
  it.each([
    ['cleartext', {}],
    ['TLS, before the handshake', { tls: tlsOf('server') }],
  ])('closes its connections (%s)', async (_title, more) => {
    const proxy = await serve({ filterChains: [filterChain({ name: 'nobody', filters: [], ...more })] });
    expect(await exchange(proxy.port)).toEqual({ text: '', error: undefined });
    await nothingLeft(proxy);
    expect([stat(proxy, 'downstream_cx_total'), stat(proxy, 'downstream_cx_destroy')]).toEqual([1, 1]);
  });
});

describe('limits', () => {
  it.each([
    ['envoy.resource_limits.listener.l.connection_limit', 'downstream_cx_overflow'],
    ['overload.global_downstream_max_connections', 'downstream_global_cx_overflow'],
  ])('%s counts in %s', async (key, counter) => {
    const typed_config = { '@type': 'type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo' };
    const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
    const proxy = await serve(
      {},
      {
        extensions: [tlsInspector, directResponse, echo],
        config: {
          layered_runtime: { layers: [{ name: 's', static_layer: { [key]: 2 } }] },
          static_resources: {
            listeners: [{ name: 'l', address, filter_chains: [{ filters: [{ name: 'e', typed_config }] }] }],
          },
        },
      },
    );
    const [first] = [await connect(proxy.port), await connect(proxy.port)];
    await until(() => stat(proxy, 'downstream_cx_active') === 2, 'two connections');
    expect((await exchange(proxy.port)).text).toBe('');
    expect(stat(proxy, counter)).toBe(1);
    first.destroy();
    await until(() => stat(proxy, 'downstream_cx_active') === 1, 'one connection');
    const third = await connect(proxy.port);
    third.write('x');
    expect(await new Promise((resolve) => third.once('data', (chunk) => resolve(String(chunk))))).toBe('x');
  });
});

describe('configs made for Envoy', () => {
  const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
  const typed_config = (text: string) => ({
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config',
    response: { inline_string: text },
  });
  const says = (text: string, more: object) => ({
    filters: [{ name: 'd', typed_config: typed_config(text) }],
    ...more,
  });
  const load = (listener: object) =>
    serve(
      {},
      {
        extensions: [tlsInspector, httpInspector, proxyProtocol, originalDst, directResponse],
        config: { static_resources: { listeners: [{ name: 'l', address, ...listener }] } },
      },
    );

  it('use_proxy_proto of the first chain is a filter behind the others', async () => {
    const proxy = await load({
      listener_filters: [{ name: 'envoy.listener.tls_inspector' }],
      filter_chains: [
        says('tls', { filter_chain_match: { transport_protocol: 'tls' }, use_proxy_proto: true }),
        says('raw', {}),
      ],
    });
    expect(proxy.logs.map(({ message }) => message)).toContain(
      'listener l: use_proxy_proto does not respect the order of listener filters; configure the proxy_protocol filter',
    );
    const hello = await helloBytes();
    expect((await exchange(proxy.port, hello)).text).toBe('');
    expect((await exchange(proxy.port, 'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n', hello)).text).toBe('raw');
    expect(proxy.stats('proxy_proto.not_found_disallowed')).toBe(1);
  });

  it('original_dst is accepted with a warning, and changes nothing', async () => {
    const proxy = await load({
      listener_filters: [{ name: 'envoy.filters.listener.original_dst' }],
      filter_chains: [says('x', {})],
    });
    expect(proxy.logs[0]?.message).toMatch(/^listener l: original_dst restores no addresses/);
    expect((await exchange(proxy.port)).text).toBe('x');
  });
});
