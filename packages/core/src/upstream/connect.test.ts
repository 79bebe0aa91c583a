import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Endpoint } from '../api/discovery.ts';
import type { TcpLink, TcpUser } from '../api/upstream.ts';
import type { ClientTransport } from '../net/transport.ts';
import { addressesInTurn } from './connect.ts';
import { clusterRig, endpoint, Get, OK, server } from './fixture.ts';
import { UpstreamHost } from './host.ts';
import type { ClusterSettings } from './settings.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function rig(endpoints: Endpoint[], settings: Partial<ClusterSettings> = {}) {
  const made = clusterRig({}, settings);
  cleanups.push(
    () => made.wheel.close(),
    () => made.cluster.close(),
  );
  made.cluster.update(endpoints);
  const host = made.cluster.hosts[0] as UpstreamHost;
  const all = (...names: string[]) => names.map((name) => made.stat(`upstream_${name}`));
  return { ...made, host, all };
}

async function upstream() {
  const made = await server((_text, socket) => socket.write(OK));
  cleanups.push(made.close);
  return made;
}

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const { port, close } = await upstream();
  close();
  return port;
}

/** A transport whose handshakes succeed at one port only, and go on for ever elsewhere. */
function transportFor(good: number): ClientTransport {
  return {
    readyEvent: 'done',
    connect(options: net.TcpNetConnectOpts) {
      const socket = net.connect(options);
      if (options.port === good) socket.once('connect', () => socket.emit('done'));
      return socket;
    },
    raw: (socket: net.Socket) => socket,
    refusal: () => undefined,
    info: () => undefined,
    alpn: () => '',
    close() {},
  } as unknown as ClientTransport;
}

const local = (port: number) => ({ ip: '127.0.0.1', port });

describe('AddressRace', () => {
  it('takes the next address at once when one refuses, and counts the attempts as Envoy does', async () => {
    const { port } = await upstream();
    const { cluster, host, all } = rig([endpoint(await closedPort(), { additionalAddresses: [local(port)] })]);
    const request = new Get();
    cluster.open(host, request);
    expect(await request.done).toBe('200 ok');
    expect(all('cx_total', 'cx_active', 'cx_http1_total', 'cx_connect_fail', 'cx_destroy')).toEqual([2, 1, 1, 0, 0]);
    expect([host.stats.cxTotal, host.stats.cxActive, host.stats.cxConnectFail]).toEqual([2, 1, 0]);
  });

  it('fails once when every address has', async () => {
    const more = [local(await closedPort()), local(await closedPort())];
    const { cluster, host, all } = rig([endpoint(await closedPort(), { additionalAddresses: more })]);
    const request = new Get();
    cluster.open(host, request);
    expect(await request.done).toBe('failure: remote connection failure');
    expect(all('cx_total', 'cx_active', 'cx_connect_fail', 'cx_destroy', 'cx_destroy_remote')).toEqual([3, 0, 1, 1, 1]);
    expect(cluster.breaker.connections).toBe(0);
  });

  it('takes the next address when one is slow, and gives the slow one up', async () => {
    const [slow, quick] = [await upstream(), await upstream()];
    const additionalAddresses = [local(quick.port)];
    const { cluster, host, all } = rig([endpoint(slow.port, { additionalAddresses })], {
      transport: transportFor(quick.port),
    });
    const request = new Get();
    cluster.open(host, request);
    expect(await request.done).toBe('200 ok');
    expect(all('cx_total', 'cx_active', 'cx_connect_fail')).toEqual([2, 1, 0]);
    const [socket] = slow.sockets;
    if (socket?.closed === false) await once(socket, 'close');
  });

  it('ends with its cluster', async () => {
    const [one, other] = [await upstream(), await upstream()];
    const additionalAddresses = [local(other.port)];
    const { cluster, host } = rig([endpoint(one.port, { additionalAddresses })], { transport: transportFor(0) });
    const request = new Get();
    cluster.open(host, request);
    await new Promise(setImmediate);
    cluster.close();
    expect(await request.done).toMatch(/connection failure/);
    expect([cluster.breaker.connections, host.stats.cxActive, host.stats.cxTotal]).toEqual([0, 0, 1]);
  });

  it('gives TCP users the one that is there', async () => {
    const { port } = await upstream();
    const { cluster, host } = rig([endpoint(await closedPort(), { additionalAddresses: [local(port)] })]);
    const link = await new Promise<TcpLink>((resolve, reject) => {
      const user: TcpUser = {
        onConnected: resolve,
        onFailure: reject,
        onBytes() {},
        onEnd() {},
        onWritable() {},
        onClose() {},
      };
      cluster.connectTcp(host, user);
    });
    const answer = new Promise((resolve) => {
      Object.assign(link, { user: { onBytes: (chunk: Uint8Array) => resolve(Buffer.from(chunk).toString()) } });
    });
    link.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'), false);
    link.flush();
    expect(await answer).toContain('200 OK');
    Object.assign(link, { user: undefined });
  });
});

it.each([
  [undefined, ['a::1', '1.0.0.1', 'a::2', '1.0.0.2', 'a::3']],
  [{ firstFamily: 4, firstCount: 1 }, ['1.0.0.1', 'a::1', '1.0.0.2', 'a::2', 'a::3']],
  [{ firstFamily: 0, firstCount: 2 }, ['a::1', 'a::2', '1.0.0.1', 'a::3', '1.0.0.2']],
])('addressesInTurn with %j', (addressOrder, expected) => {
  const at = (ip: string) => ({ ip, port: 1 });
  const additionalAddresses = [at('a::2'), at('1.0.0.1'), at('a::3'), at('1.0.0.2')];
  const host = new UpstreamHost(endpoint(1, { ip: 'a::1', additionalAddresses }));
  expect(addressesInTurn(host, { addressOrder } as ClusterSettings).map(({ ip }) => ip)).toEqual(expected);
});

it('sources are taken by the family of the host', async () => {
  const seen: string[] = [];
  const { port, sockets } = await server((_text, socket) => {
    seen.push((socket as net.Socket).remoteAddress ?? '');
    socket.write(OK);
  });
  cleanups.push(() => sockets.forEach((socket) => void socket.destroy()));
  const sources = [
    { localAddress: '::1', family: 6 },
    { localAddress: '127.0.0.7', family: 4 },
  ];
  const { cluster, host } = rig([endpoint(port)], { sources });
  const request = new Get();
  cluster.open(host, request);
  expect([await request.done, seen]).toEqual(['200 ok', ['127.0.0.7']]);
});
