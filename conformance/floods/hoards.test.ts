import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeshProcess } from '../mesh-process/index.ts';
import { Client, get } from '../reliability/client.ts';
import { App } from './app.ts';
import { AttackClient } from './attack-client.ts';
import { bootstrap } from './bootstrap.ts';
import { headersInParts, literal, requestBlock } from './frames.ts';
import { rssMb, untilIdle } from './meter.ts';
import { readStats, untilZero } from './stats.ts';

const CLIENTS = 1000;
const STREAM_IDLE_MS = 1500;
/** Per stream: what was promised for a body, and the head. */
const HELD_KB = 128 + 64;

/** SETTINGS_INITIAL_WINDOW_SIZE. */
const INITIAL_WINDOW = 4;

/** A request with a head of nearly the largest size, for an answer that is larger than what is buffered. */
const REQUEST = Buffer.concat(
  headersInParts(1, Buffer.concat([requestBlock(), literal('x-big', 'a'.repeat(50_000))]), 16_384),
);

describe('clients that ask for much and open no window', () => {
  let app: App;
  let mesh: MeshProcess;

  beforeAll(async () => {
    app = await App.start();
    mesh = await MeshProcess.start(
      bootstrap(app.port, { manager: { stream_idle_timeout: `${STREAM_IDLE_MS / 1000}s` } }),
    );
    const [first] = await hoard(1);
    first?.close();
  }, 30_000);

  afterAll(async () => {
    await mesh.stop();
    app.close();
  });

  function hoard(count: number): Promise<AttackClient[]> {
    return Promise.all(
      Array.from({ length: count }, async () => {
        const client = await AttackClient.connect(mesh.port, { settings: { [INITIAL_WINDOW]: 0 } });
        client.send(REQUEST);
        return client;
      }),
    );
  }

  it('stream_idle_timeout ends every stream, and until then little is held', async () => {
    const bystander = await Client.connect(mesh.port);
    const restingMb = rssMb(mesh.pid);
    let mostMb = 0;
    const sampler = setInterval(() => {
      mostMb = Math.max(mostMb, rssMb(mesh.pid));
    }, 50);
    const clients = await hoard(CLIENTS);
    const outcomes = await Promise.all(clients.map((client) => client.untilReset(1)));
    clearInterval(sampler);

    expect(outcomes.filter(({ closed, resets }) => closed || resets.size !== 1)).toEqual([]);
    expect(mostMb - restingMb).toBeLessThan((CLIENTS * HELD_KB) / 1024);
    expect(await untilZero(mesh, ['http2.streams_active', 'http2.pending_send_bytes'], 2000)).toEqual({});
    expect((await readStats(mesh)).get('http.ingress_http.downstream_cx_http2_active')).toBe(CLIENTS);
    expect((await bystander.exchange(get('/small'))).status).toBe(200);
    expect(await untilIdle(mesh.pid, 0.05, 2000)).toBeLessThan(2000);

    for (const client of clients) client.close();
    bystander.destroy();
    expect(await untilZero(mesh, ['http.ingress_http.downstream_cx_active'], 2000)).toEqual({});
    console.log(
      mostMb,
      restingMb,
      rssMb(mesh.pid),
      outcomes[0],
      [...(await readStats(mesh))].filter(([k, v]) => v && /timeout|idle/.test(k)),
    );
  });
});
