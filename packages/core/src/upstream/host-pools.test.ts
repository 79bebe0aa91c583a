import type net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { TransportOptions } from '../api/upstream.ts';
import { clusterRig, endpoint, Get, OK, server } from './fixture.ts';
import type { UpstreamHost } from './host.ts';
import type { ClusterSettings, Thresholds } from './settings.ts';
import { chooseTransport } from './transport-match.ts';

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

/** A request that asks something of its connection. */
class Asking extends Get {
  readonly transport: TransportOptions;
  constructor(transport: TransportOptions) {
    super();
    this.transport = transport;
  }
}

async function rig(thresholds: Partial<Thresholds> = {}, more: Partial<ClusterSettings> = {}) {
  const made = clusterRig(thresholds, more);
  const upstream = await server((_text, socket: net.Socket) => void socket.write(OK));
  made.cluster.update([endpoint(upstream.port)]);
  cleanups.push(
    () => made.wheel.close(),
    upstream.close,
    () => made.cluster.close(),
  );
  const host = made.cluster.hosts[0] as UpstreamHost;
  const ask = async (request: Get) => {
    made.cluster.open(host, request);
    return [await request.done, request.reused];
  };
  return { ...made, upstream, host, ask };
}

async function until(check: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!check()) {
    if (performance.now() > end) throw new Error('waited in vain');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const client = (remotePort: number) => ({
  proxied: { remoteIp: '192.0.2.1', remotePort, localIp: '192.0.2.2', localPort: 80 },
});

describe('specialPool', () => {
  it.each([
    ['server names', { serverName: 'a.test' }, { serverName: 'b.test' }],
    ['names to verify', { subjectAltNames: ['a.test'] }, { subjectAltNames: ['b.test'] }],
    ['protocols', { applicationProtocols: ['a'] }, { applicationProtocols: ['b'] }],
    ['clients to tell of', client(1), client(2)],
  ])('shares no connection between requests with different %s', async (_what, one, other) => {
    const { ask, upstream } = await rig();
    expect(await ask(new Get())).toEqual(['200 ok', false]);
    expect(await ask(new Asking(one))).toEqual(['200 ok', false]);
    expect(await ask(new Asking(other))).toEqual(['200 ok', false]);
    expect(await ask(new Asking(one))).toEqual(['200 ok', true]);
    expect(await ask(new Get())).toEqual(['200 ok', true]);
    expect(upstream.sockets).toHaveLength(3);
  });

  it('leaves nothing behind when its connections are gone', async () => {
    const { ask, upstream, host, stat } = await rig();
    for (let i = 0; i < 10; i++) await ask(new Asking({ serverName: `${i}.test` }));
    expect(host.specialPools?.size).toBe(10);
    for (const socket of upstream.sockets) socket.destroy();
    await until(() => stat('upstream_cx_active') === 0);
    expect(host.specialPools?.size).toBe(0);
  });

  it('takes the place of an idle connection when there may be no more', async () => {
    const { ask, stat } = await rig({ maxConnections: 3 });
    for (let i = 0; i < 10; i++) expect(await ask(new Asking({ serverName: `${i}.test` }))).toEqual(['200 ok', false]);
    await until(() => stat('upstream_cx_active') === 3);
    expect(stat('upstream_cx_overflow')).toBe(7);
  });

  it('ends with its cluster', async () => {
    const { ask, cluster, stat } = await rig();
    await ask(new Asking({ serverName: 'a.test' }));
    cluster.close();
    await until(() => stat('upstream_cx_active') === 0);
  });
});

describe('chooseTransport', () => {
  const [first, second, otherwise] = [{}, {}, {}] as never[];
  const matches = [
    { match: { mtls: true, zone: 'a' }, transport: first as never },
    { match: { nested: { list: [1, 'x'] } }, transport: second as never },
  ];
  const of = (own: unknown) =>
    chooseTransport(matches, { 'envoy.transport_socket_match': own as Record<string, unknown> }, otherwise as never);

  it.each([
    [{ mtls: true, zone: 'a', more: 1 }, first],
    [{ mtls: true }, otherwise],
    [{ mtls: 'true', zone: 'a' }, otherwise],
    [{ nested: { list: [1, 'x'] } }, second],
    [{ nested: { list: [1] } }, otherwise],
    [undefined, otherwise],
  ])('compares every field: %j', (own, expected) => {
    expect(of(own)).toBe(expected);
  });

  it('takes the first that matches; no fields match every host', () => {
    expect(chooseTransport([{ match: {}, transport: undefined }], undefined, otherwise as never)).toBeUndefined();
  });
});
