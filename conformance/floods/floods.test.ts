import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeshProcess } from '../mesh-process/index.ts';
import { Client, get } from '../reliability/client.ts';
import { App } from './app.ts';
import { AttackClient, type Outcome } from './attack-client.ts';
import { ATTACKS, type Attack, attackNamed } from './attacks.ts';
import { bootstrap } from './bootstrap.ts';
import { rssMb, untilIdle } from './meter.ts';
import { LIMITS, ours } from './ours.ts';
import { readStats, type Stats, untilZero } from './stats.ts';

const IDLE_SHARE = 0.05;
const IDLE_LIMIT_MS = 2000;
const MEMORY_LIMIT_MB = 30;

const GAUGES = [
  'http.ingress_http.downstream_cx_active',
  'http.ingress_http.downstream_cx_http2_active',
  'http.ingress_http.downstream_rq_active',
  'http2.outbound_control_frames_active',
  'http2.outbound_frames_active',
  'http2.pending_send_bytes',
  'http2.streams_active',
  'cluster.app.upstream_rq_active',
  'cluster.app.upstream_rq_pending_active',
];

/** Counters that tell of an attack. Of a stat below `http2.` only the last part is told. */
const TELLING =
  /^(?:http2\.(\w+_flood|header_\w+|rx_messaging_error|rx_reset|tx_reset)|http\.ingress_http\.(downstream_cx_protocol_error|downstream_rq_too_many_premature_resets))$/;

/** What grew, and by how much. */
function grown(before: Stats, after: Stats): Map<string, number> {
  const found = new Map<string, number>();
  for (const [name, value] of after) {
    const match = TELLING.exec(name);
    const growth = value - (before.get(name) ?? 0);
    if (match !== null && growth > 0) found.set(match[1] ?? match[2] ?? '', growth);
  }
  return found;
}

describe('floods', () => {
  let app: App;
  let mesh: MeshProcess;
  let restingMb: number;

  beforeAll(async () => {
    app = await App.start();
    mesh = await MeshProcess.start(bootstrap(app.port));
    // What is compiled and allocated once is no part of the figures.
    for (const name of ['rapid reset', 'ping', 'zero window', 'header bomb: references']) {
      for (const secure of [false, true]) {
        const { client } = await run(attackNamed(name), secure);
        client.close();
      }
    }
    await untilZero(mesh, GAUGES, 2000);
    restingMb = rssMb(mesh.pid);
  }, 30_000);

  afterAll(async () => {
    await mesh.stop();
    app.close();
  });

  async function run(attack: Attack, secure = false): Promise<{ client: AttackClient; outcome: Outcome }> {
    const port = mesh.ports[secure ? 1 : 0] as number;
    const client = await AttackClient.connect(port, { ...attack.options, secure });
    await client.flood(attack.frames());
    return { client, outcome: await ending(client) };
  }

  /** A PING that came in one read with the last straw is answered ahead of the GOAWAY. */
  async function ending(client: AttackClient): Promise<Outcome> {
    const outcome = await client.settle();
    return outcome.goAway === undefined ? outcome : client.untilClosed();
  }

  /** So many of an attack's frames, in one write. */
  async function runOnce(attack: Attack, count: number): Promise<Outcome> {
    const client = await AttackClient.connect(mesh.port, attack.options);
    client.send(Buffer.concat([...attack.frames(count)]));
    const outcome = await ending(client);
    client.close();
    return outcome;
  }

  async function judge(attack: Attack, secure: boolean): Promise<void> {
    const expected = ours(attack.name);
    const bystander = await Client.connect(mesh.port);
    const before = await readStats(mesh);
    const { client, outcome } = await run(attack, secure);
    const idleAfterMs = await untilIdle(mesh.pid, IDLE_SHARE, IDLE_LIMIT_MS);
    const counted = grown(before, await readStats(mesh));
    const answer = await bystander.exchange(get('/small'));
    bystander.destroy();
    client.close();

    expect(outcome.closed).toBe(expected.closed);
    expect([...counted.keys()].sort()).toEqual([...expected.stats].sort());
    for (const [name, growth] of counted) if (/flood|premature|protocol/.test(name)) expect(growth, name).toBe(1);
    if (expected.reset !== undefined) expect([...outcome.resets]).toEqual([[expected.reset, 1]]);
    expect(idleAfterMs).toBeLessThan(IDLE_LIMIT_MS);
    expect(answer.status).toBe(200);
    expect(await untilZero(mesh, GAUGES, 2000)).toEqual({});
    expect(rssMb(mesh.pid) - restingMb).toBeLessThan(MEMORY_LIMIT_MB);
  }

  it.each(ATTACKS)('$name ends as published, is counted, and leaves nothing behind', (attack) => judge(attack, false));

  it.each(['rapid reset', 'ping', 'priority', 'continuation', 'header bomb: references', 'zero window'])(
    '%s over TLS ends as published, is counted, and leaves nothing behind',
    (name) => judge(attackNamed(name), true),
  );

  it.each(Object.entries(LIMITS))(
    '%s is let go on up to the limit, and no further',
    async (name, { lives, closes }) => {
      const attack = attackNamed(name);
      if (lives !== undefined) expect((await runOnce(attack, lives)).closed).toBe(false);
      expect((await runOnce(attack, closes)).closed).toBe(true);
    },
  );

  it('delayed_close_timeout cuts off clients that go on after the end', async () => {
    const names = ['ping', 'empty data', 'continuation', 'header bomb: size', 'made you reset: data after the end'];
    const started = performance.now();
    const clients = await Promise.all(names.map((name) => goOn(attackNamed(name))));
    const tookMs = performance.now() - started;
    expect(clients.every((client) => client.outcome().closed)).toBe(true);
    // The default is 1 s, in which what they send is thrown away.
    expect(tookMs).toBeLessThan(3000);
    expect(await untilIdle(mesh.pid, IDLE_SHARE, IDLE_LIMIT_MS)).toBeLessThan(IDLE_LIMIT_MS);
    expect(await untilZero(mesh, GAUGES, 2000)).toEqual({});
  });

  async function goOn(attack: Attack): Promise<AttackClient> {
    const client = await AttackClient.connect(mesh.port, { ...attack.options, stubborn: true });
    // Made before: it is not the client that is to be slow.
    await client.flood(endless([...attack.frames(attack.name === 'ping' ? 20_000 : undefined)]));
    return client;
  }
});

function* endless(chunks: readonly Buffer[]): Generator<Buffer> {
  for (;;) yield* chunks;
}
