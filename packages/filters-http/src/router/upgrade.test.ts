/** Upgrades: a protocol of its own behind a request, if both sides agree. Facts of Envoy 1.40. */
import { defineHttpFilter, route } from '@mesh/core';
import { type RawClient, type StartProxyOptions, VirtualClock } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { clientOf, closeAfterEach, get, observer, proxyFor, turns, upstreamOf } from './fixture.ts';
import { type TunnelPeer, tunnelUpstream } from './fixtures/tunnel.ts';
import { router } from './index.ts';

closeAfterEach();

const KEY = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n';
const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n';

function handshake(path = '/', type = 'websocket', more = ''): string {
  return `GET ${path} HTTP/1.1\r\nhost: a\r\nUpgrade: ${type}\r\nConnection: keep-alive, Upgrade\r\n${more}${KEY}\r\n`;
}

/** A proxy that lets WebSocket through, and what both ends of it saw. */
async function webSocket(more: StartProxyOptions = {}) {
  const upstream = await tunnelUpstream();
  const { filter, outcomes } = observer();
  const proxy = await proxyFor({
    upstream,
    filters: [filter],
    upgradeConfigs: [
      { upgradeType: 'WebSocket', enabled: true },
      { upgradeType: 'off', enabled: false },
    ],
    ...more,
  } as never);
  return { upstream, outcomes, proxy, client: await clientOf(proxy) };
}

/** The same with the tunnel open. */
async function open(more: StartProxyOptions = {}) {
  const all = await webSocket(more);
  await all.client.send(handshake());
  const peer = await all.upstream.peer();
  await peer.sees('\r\n\r\n');
  peer.socket.write(SWITCH);
  await all.client.readUntil('\r\n\r\n');
  return { ...all, peer };
}

const UPGRADES = 'http.ingress_http.downstream_cx_upgrades';

describe('a WebSocket', () => {
  it('is passed to the upstream and back', async () => {
    const { upstream, proxy, client } = await webSocket();
    await client.send(handshake('/chat?x'));
    const peer = await upstream.peer();
    await peer.sees('\r\n\r\n');
    expect(peer.head).toMatch(/^GET \/chat\?x HTTP\/1\.1\r\n/);
    expect(peer.head.toLowerCase()).toContain('\r\nupgrade: websocket\r\n');
    expect(peer.head.toLowerCase()).toContain('\r\nconnection: upgrade\r\n');
    expect(peer.head).not.toMatch(/content-length|transfer-encoding/i);
    expect(proxy.stats(`${UPGRADES}_active`)).toBe(1);
    peer.socket.write(`${SWITCH}first`);
    const head = await client.readUntil('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(head).toContain('\r\nupgrade: websocket\r\n');
    expect(head).toContain('\r\nconnection: Upgrade\r\n');
    expect(head).toContain('\r\nsec-websocket-accept: x\r\n');
    expect(head).not.toMatch(/content-length|transfer-encoding|connection: close/i);
    expect(String(await client.read(5))).toBe('first');
    await client.send('ping');
    await peer.sees('ping');
    peer.socket.write('pong');
    expect(String(await client.read(4))).toBe('pong');
    expect(proxy.stats('cluster.upstream.upstream_rq_101')).toBe(1);
    expect(proxy.stats('http.ingress_http.downstream_rq_1xx')).toBe(1);
    client.socket.destroy();
    await proxy.untilStat(`${UPGRADES}_active`, 0);
    expect(proxy.stats(`${UPGRADES}_total`)).toBe(1);
  });

  it('carries every byte both ways', async () => {
    const { client, peer } = await open();
    const bytes = Buffer.alloc(3_000_000);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7 + (i >> 8)) & 255;
    peer.socket.on('data', (chunk) => peer.socket.write(chunk));
    const sending = client.send(bytes);
    const back = await client.read(bytes.length);
    await sending;
    expect(back.equals(bytes)).toBe(true);
  });

  it('sends nothing of the tunnel before the upstream has agreed, and bounds what waits', async () => {
    const { upstream, client } = await webSocket();
    await client.send(`${handshake()}early`);
    const peer = await upstream.peer();
    await peer.sees('\r\n\r\n');
    const chunk = Buffer.alloc(65_536, 'x');
    let sent = 0;
    const total = 1024 * chunk.length;
    const sending = (async () => {
      for (; sent < total; sent += chunk.length) await client.send(chunk);
    })();
    for (let before = -1; before !== sent; ) {
      before = sent;
      await turns(300);
    }
    expect(peer.payload).toBe('');
    expect(sent).toBeLessThan(32 * 1024 * 1024);
    peer.socket.write(SWITCH);
    await sending;
    await upstream.peer();
    while (peer.bytes < total) await turns();
    expect(peer.payload.slice(0, 6)).toBe('earlyx');
    expect(peer.bytes).toBe(peer.head.length + 5 + total);
  });

  it('ends with the client', async () => {
    const { outcomes, client, peer, proxy } = await open();
    client.end();
    await proxy.untilStat('cluster.upstream.upstream_cx_active', 0);
    while (!peer.ended) await turns();
    expect(outcomes).toEqual([{ status: 101, flags: 'DC', details: 'downstream_remote_disconnect' }]);
  });

  it('ends with the upstream, behind its last bytes', async () => {
    const { outcomes, client, peer, proxy } = await open();
    peer.socket.end('bye');
    expect(String(await client.readToEnd())).toBe('bye');
    client.end();
    await proxy.untilStat('http.ingress_http.downstream_cx_active', 0);
    expect(outcomes).toEqual([
      { status: 101, flags: 'UC', details: 'upstream_reset_after_response_started{connection_termination}' },
    ]);
  });

  it('stops the upstream when the client does not read, and loses nothing', async () => {
    const { client, peer } = await open();
    client.pause();
    const chunk = Buffer.alloc(65_536, 'y');
    const total = 48 * 1024 * 1024;
    let accepted = 0;
    const sending = (async () => {
      for (; accepted < total; accepted += chunk.length) {
        await new Promise((resolve) => peer.socket.write(chunk, resolve));
      }
    })();
    for (let before = -1; before !== accepted; ) {
      before = accepted;
      await turns(300);
    }
    expect(accepted).toBeLessThan(32 * 1024 * 1024);
    client.resume();
    await client.read(total);
    await sending;
  });
});

it('tunnels leave nothing behind, however they end', async () => {
  const upstream = await tunnelUpstream();
  const proxy = await proxyFor({
    upstream,
    upgradeConfigs: [{ upgradeType: 'websocket', enabled: true }],
    streamIdleTimeoutMs: 0,
  } as never);
  const endings: readonly ((client: RawClient, peer: TunnelPeer) => unknown)[] = [
    (client) => client.end(),
    (client) => client.reset(),
    (client) => client.socket.destroy(),
    (_client, peer) => peer.socket.end('bye'),
    (_client, peer) => peer.socket.resetAndDestroy(),
    (client, peer) => [client.end(), peer.socket.end()],
    (client, peer) => [client.reset(), peer.socket.resetAndDestroy()],
  ];
  let count = 0;
  for (const agreed of [true, false]) {
    for (const paused of [true, false]) {
      for (const ending of endings) {
        const client = await clientOf(proxy);
        await client.send(`${handshake()}early`);
        const peer = await upstream.peer(count++);
        await peer.sees('\r\n\r\n');
        if (paused) client.pause();
        if (agreed) peer.socket.write(`${SWITCH}${'x'.repeat(100_000)}`);
        if (agreed) await peer.sees('early');
        ending(client, peer);
        await turns(5);
        client.resume();
        client.end();
      }
    }
  }
  for (const name of ['upstream_cx_active', 'upstream_rq_active', 'upstream_rq_pending_active']) {
    await proxy.untilStat(`cluster.upstream.${name}`, 0);
  }
  for (const name of ['downstream_cx_active', 'downstream_rq_active', 'downstream_cx_upgrades_active']) {
    await proxy.untilStat(`http.ingress_http.${name}`, 0);
  }
  expect(proxy.stats('http.ingress_http.downstream_cx_upgrades_total')).toBe(count);
});

describe('an upgrade that is not allowed is answered 403', () => {
  const routes = [
    route('/off', 'upstream', { route: { upgradeConfigs: [{ upgradeType: 'websocket', enabled: false }] } }),
    route('/', 'upstream'),
  ];
  it.each([
    ['a type that is not there', '/', 'other'],
    ['a type that is off', '/', 'off'],
    ['a list', '/', 'websocket, other'],
    ['a route that switches it off', '/off', 'websocket'],
  ])('%s', async (_name, path, type) => {
    const { upstream, outcomes, proxy, client } = await webSocket({ routes });
    await client.send(handshake(path, type));
    const response = await client.readResponse();
    expect([response.status, response.headers.connection, response.body]).toEqual([403, 'close', '']);
    await client.readToEnd();
    expect(outcomes).toEqual([{ status: 403, flags: '-', details: 'upgrade_failed' }]);
    expect(proxy.stats('http.ingress_http.downstream_rq_ws_on_non_ws_route')).toBe(1);
    expect(proxy.stats(`${UPGRADES}_total`)).toBe(0);
    expect(upstream.peers).toHaveLength(0);
  });
});

it('a route may allow what the connection manager does not', async () => {
  const routes = [route('/', 'upstream', { route: { upgradeConfigs: [{ upgradeType: 'OFF', enabled: true }] } })];
  const { upstream, client } = await webSocket({ routes });
  await client.send(handshake('/', 'off'));
  const peer = await upstream.peer();
  await peer.sees('upgrade: off');
  peer.socket.write('HTTP/1.1 101 S\r\nconnection: upgrade\r\nupgrade: off\r\n\r\n');
  expect(await client.readUntil('\r\n\r\n')).toContain('upgrade: off');
});

describe('an upstream that does not agree', () => {
  it.each([
    ['200', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-a: b\r\n\r\nno', 200, '', 'websocket_handshake_unsuccessful'],
    ['302', 'HTTP/1.1 302 F\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n', 302, '', 'websocket_handshake_unsuccessful'],
    ['403', 'HTTP/1.1 403 F\r\ncontent-length: 2\r\n\r\nno', 403, 'no', 'via_upstream'],
    [
      '500 chunked',
      'HTTP/1.1 500 F\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n',
      500,
      'no',
      'via_upstream',
    ],
  ])('with %s ends both connections', async (_name, answer, status, body, details) => {
    const { upstream, outcomes, client } = await webSocket();
    await client.send(`${handshake()}GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n`);
    const peer = await upstream.peer();
    await peer.sees('\r\n\r\n');
    peer.socket.write(answer);
    const response = await client.readResponse();
    expect([response.status, response.body, response.headers.connection]).toEqual([status, body, 'close']);
    expect((await client.readToEnd()).length).toBe(0);
    while (!peer.ended) await turns();
    expect(peer.payload).toBe('');
    expect(outcomes).toEqual([{ status, flags: '-', details }]);
    expect(upstream.peers).toHaveLength(1);
  });

  it.each([
    ['a 101 with a body', SWITCH.replace('\r\n\r\n', '\r\ncontent-length: 5\r\n\r\nhello')],
    ['a chunked 101', SWITCH.replace('\r\n\r\n', '\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n')],
    ['a 101 that does not say to what', 'HTTP/1.1 101 S\r\n\r\n'],
  ])('%s is no answer: 502', async (_name, answer) => {
    const { upstream, client } = await webSocket();
    await client.send(handshake());
    const peer = await upstream.peer();
    await peer.sees('\r\n\r\n');
    peer.socket.write(answer);
    expect((await client.readResponse()).status).toBe(502);
  });

  it('because it dies is answered 503', async () => {
    const { upstream, client } = await webSocket();
    await client.send(handshake());
    const peer = await upstream.peer();
    await peer.sees('\r\n\r\n');
    peer.socket.destroy();
    expect((await client.readResponse()).status).toBe(503);
  });
});

it('an upgrade is tried again like any request', async () => {
  const routes = [route('/', 'upstream', { route: { retryPolicy: { retryOn: '5xx', numRetries: 1 } as never } })];
  const { upstream, client } = await webSocket({ routes });
  await client.send(`${handshake()}early`);
  const first = await upstream.peer(0);
  await first.sees('\r\n\r\n');
  first.socket.write('HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n');
  const second = await upstream.peer(1);
  await second.sees('\r\n\r\n');
  second.socket.write(SWITCH);
  expect(await client.readUntil('\r\n\r\n')).toContain('101');
  await second.sees('early');
  expect(first.payload).toBe('');
});

it('an upgrade beside a body is not passed on', async () => {
  const upstream = await upstreamOf({ body: 'x' });
  const proxy = await proxyFor({
    upstream,
    upgradeConfigs: [{ upgradeType: 'websocket', enabled: true }],
  } as never);
  const client = await clientOf(proxy);
  await client.send(`${handshake('/', 'websocket', 'content-length: 5\r\n')}hello`);
  expect((await client.readResponse()).body).toBe('x');
  expect(upstream.requests[0]).toMatchObject({ body: 'hello' });
  expect(upstream.requests[0]?.headers.upgrade).toBeUndefined();
  await client.send(get('/next'));
  expect((await client.readResponse()).body).toBe('x');
});

it('a direct response ends the connection', async () => {
  const routes = [route('/', undefined, { directResponse: { status: 200, body: { inlineString: 'hi' } } as never })];
  const { client } = await webSocket({ routes });
  await client.send(`${handshake()}GET / HTTP/1.1\r\nhost: a\r\n\r\n`);
  const response = await client.readResponse();
  expect([response.body, response.headers.connection]).toEqual(['hi', 'close']);
  expect((await client.readToEnd()).length).toBe(0);
});

describe('time', () => {
  it('the route timeout counts from the head until the upstream agrees', async () => {
    const clock = new VirtualClock();
    const { upstream, client } = await webSocket({ clock });
    await client.send(handshake());
    await (await upstream.peer()).sees('\r\n\r\n');
    clock.advance(15_016);
    expect((await client.readResponse()).status).toBe(504);
  });

  it('the route timeout does not hold for the tunnel, the idle timeout does', async () => {
    const clock = new VirtualClock();
    const { outcomes, client, peer } = await open({ clock, streamIdleTimeoutMs: 20_000 });
    for (let i = 0; i < 4; i++) {
      clock.advance(15_000);
      await client.send(`ping${i}`);
      await peer.sees(`ping${i}`);
    }
    expect(client.peerEnded).toBe(false);
    clock.advance(20_016);
    await client.readToEnd();
    while (!peer.ended) await turns();
    expect(outcomes).toEqual([{ status: 101, flags: 'SI', details: 'stream_idle_timeout' }]);
  });

  it('the request timeout does not hold for the tunnel', async () => {
    const clock = new VirtualClock();
    const { client, peer } = await open({ clock, requestTimeoutMs: 1000 });
    clock.advance(5000);
    await client.send('ping');
    await peer.sees('ping');
  });
});

describe('filters of an upgrade', () => {
  const deny = defineHttpFilter({
    name: 'deny',
    config: z.object({}),
    create: () => ({ onRequestHeaders: (_headers, stream) => stream.reply(401) }),
  });
  const count = defineHttpFilter({
    name: 'count',
    config: z.object({}),
    newState: () => ({ bytes: 0 }),
    create: () => ({
      onRequestHeaders: (headers) => headers.set('x-counted', 'yes'),
      onRequestData(chunk, stream, state) {
        state.bytes += chunk.length;
        stream.info.metadata.set('bytes', state.bytes);
      },
    }),
  });

  function config(port: number, filters: readonly object[]) {
    const types = 'type.googleapis.com/envoy.extensions.filters';
    const last = { name: 'envoy.filters.http.router', typed_config: { '@type': `${types}.http.router.v3.Router` } };
    const typed_config = {
      '@type': `${types}.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: 'i',
      http_filters: [{ name: 'deny' }, last],
      upgrade_configs: [{ upgrade_type: 'WebSocket', filters: filters.length === 0 ? [] : [...filters, last] }],
      route_config: {
        virtual_hosts: [{ name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'c' } }] }],
      },
    };
    const endpoint = { address: { socket_address: { address: '127.0.0.1', port_value: port } } };
    return {
      static_resources: {
        listeners: [
          {
            name: 'l',
            address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
            filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config }] }],
          },
        ],
        clusters: [
          { name: 'c', load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: [{ endpoint }] }] } },
        ],
      },
    };
  }
  const extensions = [router, deny, count];

  it('take the place of those of the connection manager', async () => {
    const upstream = await tunnelUpstream();
    const proxy = await proxyFor({ config: config(upstream.port, [{ name: 'count' }]), extensions });
    const client = await clientOf(proxy);
    await client.send(get('/'));
    expect((await client.readResponse()).status).toBe(401);
    await client.send(`${handshake()}hello`);
    const peer = await upstream.peer();
    await peer.sees('x-counted: yes');
    peer.socket.write(SWITCH);
    await peer.sees('hello');
  });

  it('are those of the connection manager when there are none', async () => {
    const upstream = await tunnelUpstream();
    const client = await clientOf(await proxyFor({ config: config(upstream.port, []), extensions }));
    await client.send(handshake());
    expect((await client.readResponse()).status).toBe(401);
  });

  it.each([
    [
      'a chain that does not end',
      (one: { upgrade_configs: { filters: object[] }[] }) => void one.upgrade_configs[0]?.filters.pop(),
    ],
    [
      'a type that comes twice',
      (one: { upgrade_configs: object[] }) => void one.upgrade_configs.push({ upgrade_type: 'WEBSOCKET' }),
    ],
  ])('%s is refused', async (name, spoil) => {
    const bad = config(1, [{ name: 'count' }]);
    spoil(bad.static_resources.listeners[0]?.filter_chains[0]?.filters[0]?.typed_config as never);
    const words = name.includes('twice')
      ? "Error: multiple upgrade configs with the same name: 'WEBSOCKET'"
      : 'Error: non-terminal filter named count of type count is the last filter in a http upgrade filter chain.';
    await expect(proxyFor({ config: bad, extensions })).rejects.toThrow(words);
  });
});
