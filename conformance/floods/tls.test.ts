import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MeshProcess } from '../mesh-process/index.ts';
import { Client, get } from '../reliability/client.ts';
import { App } from './app.ts';
import { bootstrap } from './bootstrap.ts';
import { rssMb, untilIdle } from './meter.ts';
import { readStats, type Stats, untilZero } from './stats.ts';
import { clientHello, lifeOf, renegotiate } from './tls-clients.ts';

const HALVES = 1000;
const HANDSHAKE_TIMEOUT_MS = 1000;
const GARBAGE = 300;
const RENEGOTIATIONS = 20;

/** A record that says it is a ClientHello, with anything in it. */
const BROKEN_HELLO = Buffer.concat([Buffer.from([0x16, 3, 1, 0, 64, 1, 0, 0, 60]), Buffer.alloc(60, 0xff)]);

describe('floods of TLS', () => {
  let app: App;
  let mesh: MeshProcess;
  let port: number;
  let bystander: Client;
  let before: Stats;

  beforeAll(async () => {
    app = await App.start();
    mesh = await MeshProcess.start(bootstrap(app.port, { handshakeTimeout: `${HANDSHAKE_TIMEOUT_MS / 1000}s` }));
    port = mesh.ports[1] as number;
    await lifeOf(port, BROKEN_HELLO);
  }, 30_000);

  afterAll(async () => {
    await mesh.stop();
    app.close();
  });

  beforeEach(async () => {
    bystander = await Client.connect(mesh.port);
    before = await readStats(mesh);
  });

  afterEach(async () => {
    const idleAfterMs = await untilIdle(mesh.pid, 0.05, 2000);
    const { status } = await bystander.exchange(get('/small'));
    bystander.destroy();
    expect(idleAfterMs).toBeLessThan(2000);
    expect(status).toBe(200);
    expect(await untilZero(mesh, ['listener.tls.downstream_cx_active'], 2000)).toEqual({});
  });

  async function growth(name: string): Promise<number> {
    return ((await readStats(mesh)).get(`listener.tls.${name}`) ?? 0) - (before.get(`listener.tls.${name}`) ?? 0);
  }

  it('transport_socket_connect_timeout ends every half handshake in time', async () => {
    const hello = await clientHello();
    const half = hello.subarray(0, hello.length >> 1);
    const restingMb = rssMb(mesh.pid);
    const all = Promise.all(Array.from({ length: HALVES }, () => lifeOf(port, half)));
    let mostMb = 0;
    const sampler = setInterval(() => {
      mostMb = Math.max(mostMb, rssMb(mesh.pid));
    }, 50);
    const lives = await all;
    clearInterval(sampler);
    expect(Math.min(...lives)).toBeGreaterThan(HANDSHAKE_TIMEOUT_MS * 0.9);
    // They are made at once, and the last is accepted when the system has got round to it.
    expect(Math.max(...lives)).toBeLessThan(HANDSHAKE_TIMEOUT_MS * 1.1 + 3000);
    expect(await growth('downstream_cx_transport_socket_connect_timeout')).toBe(HALVES);
    expect(mostMb - restingMb).toBeLessThan(40);
  });

  it.each([
    ['no record of TLS', Buffer.from('GET / HTTP/1.1\r\nHost: floods.test\r\n\r\n')],
    ['a record that is too large', Buffer.concat([Buffer.from([0x16, 3, 1, 0xff, 0xff, 1]), Buffer.alloc(60)])],
    ['a ClientHello of anything', BROKEN_HELLO],
  ])('what begins with %s is ended at once, and counted as an error', async (_what, bytes) => {
    await Promise.all(Array.from({ length: GARBAGE }, () => lifeOf(port, bytes)));
    expect(await growth('ssl.connection_error')).toBe(GARBAGE);
    expect(await growth('downstream_cx_transport_socket_connect_timeout')).toBe(0);
  });

  it('renegotiation is refused, and is no handshake', async () => {
    const errors = await Promise.all(Array.from({ length: RENEGOTIATIONS }, () => renegotiate(port)));
    for (const error of errors) expect(error.message).toContain('no renegotiation');
    expect(await growth('ssl.handshake')).toBe(RENEGOTIATIONS);
  });
});
