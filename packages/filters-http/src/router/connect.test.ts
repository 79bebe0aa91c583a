/** CONNECT: handed to a proxy upstream, or ended here with its payload going on as TCP. Facts of Envoy 1.40. */
import { route } from '@mesh/core';
import { type RawClient, refusedPort, until } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { clientOf, closeAfterEach, observer, proxyFor, turns } from './fixture.ts';
import { type TunnelPeer, tunnelUpstream } from './fixtures/tunnel.ts';

closeAfterEach();

const CONNECT = 'CONNECT target.test:443 HTTP/1.1\r\nhost: target.test:443\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nx-a: b\r\n\r\n';

type Upgrade = { upgradeType: string; enabled: boolean; connectConfig?: { allowPost: boolean } };

function connectRoute(...upgradeConfigs: Upgrade[]) {
  return route('/', 'upstream', {
    match: { prefix: undefined, connectMatcher: {} } as never,
    route: { upgradeConfigs },
  });
}

async function rig(routes: readonly ReturnType<typeof route>[], port?: number) {
  const upstream = await tunnelUpstream();
  const { filter, outcomes } = observer();
  const proxy = await proxyFor({
    upstream: port ?? upstream,
    filters: [filter],
    routes,
    upgradeConfigs: [{ upgradeType: 'CONNECT', enabled: true }],
  } as never);
  return { upstream, outcomes, proxy, client: await clientOf(proxy) };
}

describe('a CONNECT to a proxy upstream', () => {
  it('is forwarded, and opens a tunnel with its 2xx', async () => {
    const { upstream, client, proxy } = await rig([connectRoute()]);
    await client.send(`${CONNECT}early`);
    const peer = await upstream.peer();
    await peer.sees('\r\n\r\n');
    await turns();
    expect(peer.head).toMatch(/^CONNECT target\.test:443 HTTP\/1\.1\r\nhost: target\.test:443\r\n/);
    expect(peer.head).not.toMatch(/\r\nconnection:|content-length|transfer-encoding/i);
    expect(peer.payload).toBe('');
    peer.socket.write(OK);
    const head = await client.readUntil('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head).toContain('x-a: b');
    expect(head).not.toMatch(/\r\nconnection:|content-length|transfer-encoding/i);
    await peer.sees('early');
    peer.socket.write('answer');
    expect(String(await client.read(6))).toBe('answer');
    client.end();
    while (!peer.ended) await turns();
    await proxy.untilStat('http.ingress_http.downstream_cx_upgrades_active', 0);
    expect(proxy.stats('http.ingress_http.downstream_cx_upgrades_total')).toBe(1);
  });

  it.each([
    ['a length', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhello'],
    ['chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nhello'],
  ])('has no body in a 2xx, though it declares %s', async (_name, answer) => {
    const { upstream, client } = await rig([connectRoute()]);
    await client.send(CONNECT);
    const peer = await upstream.peer();
    await peer.sees('\r\n\r\n');
    peer.socket.write(answer);
    expect(await client.readUntil('\r\n\r\n')).not.toMatch(/content-length|transfer-encoding/i);
    expect(String(await client.read(5))).toBe('hello');
  });

  it('that is refused ends both connections', async () => {
    const { upstream, client } = await rig([connectRoute()]);
    await client.send(`${CONNECT}GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n`);
    const peer = await upstream.peer();
    await peer.sees('\r\n\r\n');
    peer.socket.write('HTTP/1.1 407 No\r\ncontent-length: 2\r\n\r\nno');
    const response = await client.readResponse();
    expect([response.status, response.body, response.headers.connection]).toEqual([407, 'no', 'close']);
    expect((await client.readToEnd()).length).toBe(0);
    while (!peer.ended) await turns();
    expect(peer.payload).toBe('');
  });
});

it('a CONNECT that is answered 101 is answered 502: it asked for no upgrade', async () => {
  const { upstream, client } = await rig([connectRoute()]);
  await client.send(CONNECT.replace('\r\n\r\n', '\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'));
  const peer = await upstream.peer();
  await peer.sees('\r\n\r\n');
  expect(peer.head).not.toMatch(/upgrade/i);
  peer.socket.write('HTTP/1.1 101 S\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  expect((await client.readResponse()).status).toBe(502);
});

describe('a CONNECT that is not allowed', () => {
  it.each([
    ['no route', () => [route('/', 'upstream')], 404, 'route_not_found', 'NR'],
    [
      'a route that switches it off',
      () => [connectRoute({ upgradeType: 'connect', enabled: false })],
      403,
      'upgrade_failed',
      '-',
    ],
  ] as const)('%s', async (_name, routes, status, details, flags) => {
    const { upstream, outcomes, client } = await rig(routes());
    await client.send(CONNECT);
    const response = await client.readResponse();
    expect([response.status, response.headers.connection]).toEqual([status, 'close']);
    expect(outcomes).toEqual([{ status, flags, details }]);
    expect(upstream.peers).toHaveLength(0);
  });
});

describe('a CONNECT that ends here', () => {
  const ending = connectRoute({ upgradeType: 'CONNECT', enabled: true, connectConfig: { allowPost: false } });

  it('sends its payload, and nothing else, to the upstream', async () => {
    const { upstream, client, proxy } = await rig([ending]);
    await client.send(`${CONNECT}early`);
    const peer = await upstream.peer();
    expect(await client.readUntil('\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 OK\r\n(?!.*content-length)/s);
    await peer.sees('early');
    expect(peer.received).toBe('early');
    peer.socket.write('answer');
    expect(String(await client.read(6))).toBe('answer');
    expect(proxy.stats('cluster.upstream.upstream_rq_200')).toBe(1);
    expect(proxy.stats('cluster.upstream.upstream_cx_total')).toBe(1);
    client.end();
    await proxy.untilStat('cluster.upstream.upstream_cx_active', 0);
    await proxy.untilStat('cluster.upstream.upstream_rq_active', 0);
  });

  it('ends with the upstream, behind its last bytes', async () => {
    const { upstream, outcomes, client, proxy } = await rig([ending]);
    await client.send(CONNECT);
    const peer = await upstream.peer();
    await client.readUntil('\r\n\r\n');
    peer.socket.end('bye');
    expect(String(await client.readToEnd())).toBe('bye');
    client.end();
    await proxy.untilStat('http.ingress_http.downstream_cx_active', 0);
    expect(outcomes).toEqual([{ status: 200, flags: '-', details: 'via_upstream' }]);
  });

  it('is answered 503 when the upstream cannot be reached', async () => {
    const { outcomes, client, proxy } = await rig([ending], await refusedPort());
    await client.send(CONNECT);
    const response = await client.readResponse();
    expect([response.status, response.headers.connection]).toEqual([503, 'close']);
    expect(response.body).toContain('reset reason: remote connection failure');
    expect(outcomes[0]?.flags).toBe('UF');
    expect(proxy.stats('cluster.upstream.upstream_cx_connect_fail')).toBe(1);
    await proxy.untilStat('cluster.upstream.upstream_rq_pending_active', 0);
  });

  it('carries every byte both ways', async () => {
    const { upstream, client } = await rig([ending]);
    await client.send(CONNECT);
    const peer = await upstream.peer();
    await client.readUntil('\r\n\r\n');
    const bytes = Buffer.alloc(3_000_000);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 11 + (i >> 9)) & 255;
    peer.socket.on('data', (chunk) => peer.socket.write(chunk));
    const sending = client.send(bytes);
    expect((await client.read(bytes.length)).equals(bytes)).toBe(true);
    await sending;
  });
});

it('CONNECTs leave nothing behind, however they end', async () => {
  const ending = connectRoute({ upgradeType: 'CONNECT', enabled: true, connectConfig: { allowPost: false } });
  const { upstream, proxy, client: idle } = await rig([ending]);
  idle.end();
  const endings: readonly ((client: RawClient, peer: TunnelPeer) => unknown)[] = [
    (client) => client.end(),
    (client) => client.reset(),
    (_client, peer) => peer.socket.end('bye'),
    (_client, peer) => peer.socket.resetAndDestroy(),
    (client, peer) => [client.end(), peer.socket.end()],
    (client, peer) => [client.reset(), peer.socket.resetAndDestroy()],
  ];
  let count = 0;
  for (const paused of [true, false]) {
    for (const end of endings) {
      const client = await clientOf(proxy);
      await client.send(`${CONNECT}early`);
      const peer = await upstream.peer(count++);
      await peer.sees('early');
      if (paused) client.pause();
      peer.socket.write('x'.repeat(100_000));
      await turns(2);
      end(client, peer);
      await turns(5);
      client.resume();
      client.end();
    }
  }
  for (const name of ['upstream_cx_active', 'upstream_rq_active', 'upstream_rq_pending_active']) {
    await proxy.untilStat(`cluster.upstream.${name}`, 0);
  }
  for (const name of ['downstream_cx_active', 'downstream_rq_active', 'downstream_cx_upgrades_active']) {
    await proxy.untilStat(`http.ingress_http.${name}`, 0);
  }
});

it('an open CONNECT does not keep the proxy from closing', async () => {
  const ending = connectRoute({ upgradeType: 'CONNECT', enabled: true, connectConfig: { allowPost: false } });
  const { upstream, client, proxy } = await rig([ending]);
  await client.send(CONNECT);
  const peer = await upstream.peer();
  await client.readUntil('\r\n\r\n');
  await proxy.close();
  await until(() => peer.ended, 'the upstream connection to end');
});

it('a POST may stand for a CONNECT', async () => {
  const upgrade = { upgradeType: 'CONNECT', enabled: true, connectConfig: { allowPost: true } };
  const { upstream, client } = await rig([route('/', 'upstream', { route: { upgradeConfigs: [upgrade] } })]);
  await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nping');
  const peer = await upstream.peer();
  await peer.sees('ping');
  while (!peer.ended) await turns();
  expect(peer.received).toBe('ping');
  peer.socket.end('all');
  const response = await client.readResponse();
  expect([response.status, response.framing, response.body]).toEqual([200, 'chunked', 'all']);
});
