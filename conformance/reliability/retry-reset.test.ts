import { afterEach, expect, it } from 'vitest';
import { fault, NonceUpstream, nonceClient, type Plan } from './nonce.ts';
import { Relay } from './relay.ts';
import { activeGauges, eventually, SPEECHES, startWeb, statsOf, type Web } from './web.ts';

const LOAD_MS = Number(process.env.RESET_LOAD_MS ?? 800);
const RESET_EVERY_MS = 60;
const CONNECTIONS = 4;
const STREAMS = 8;
/** An answer that takes longer is one that never comes. */
const HANG_MS = 5000;
const RETRY_PREDICATE = {
  name: 'envoy.retry_host_predicates.previous_hosts',
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate' },
};
const RETRY_POLICY = {
  retry_on: 'reset,connect-failure',
  num_retries: 1,
  retry_host_predicate: [RETRY_PREDICATE],
  host_selection_retry_max_attempts: 5,
};

let web: Web;
let victim: NonceUpstream;
let steady: NonceUpstream;
let relay: Relay;

afterEach(async () => {
  await web.mesh.stop();
  await relay.close();
  await Promise.all([victim.close(), steady.close()]);
});

it.each(['h1s', 'h2', 'h2s'] as const)(
  'no idempotent request fails or hangs though connections to an upstream (%s) are reset, again and again',
  {
    timeout: 30_000,
  },
  async (name) => {
    const speech = SPEECHES[name] as (typeof SPEECHES)[string];
    victim = await NonceUpstream.start(speech);
    steady = await NonceUpstream.start(speech);
    relay = await Relay.start(victim.port);
    web = await startWeb({
      clusters: { [name]: { speech, ports: [relay.port, steady.port] } },
      route: { retry_policy: RETRY_POLICY },
    });
    let serial = 0;
    const wrong: string[] = [];
    const endMs = performance.now() + LOAD_MS;
    const resetting = setInterval(() => relay.resetAll(), RESET_EVERY_MS);
    const client = async () => {
      const connection = nonceClient({ version: 'h2', tls: false }, web.plain);
      const stream = async () => {
        while (performance.now() < endMs) {
          const plan: Plan = { cluster: name, nonce: `n${serial++}.`, way: 'empty', size: 0, upload: 0 };
          let timer: NodeJS.Timeout | undefined;
          const hang = new Promise<undefined>((resolve) => {
            timer = setTimeout(() => resolve(undefined), HANG_MS);
          });
          const seen = await Promise.race([connection.ask(plan), hang]);
          clearTimeout(timer);
          if (seen === undefined) wrong.push(`${plan.nonce} hangs`);
          else if (seen.status !== 200 || !seen.whole) wrong.push(`${plan.nonce} ${seen.status} ${seen.body}`);
          else if (fault(plan, seen) !== undefined) wrong.push(fault(plan, seen) as string);
        }
      };
      await Promise.all(Array.from({ length: STREAMS }, stream));
      connection.close();
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, client));
    clearInterval(resetting);
    expect(wrong).toEqual([]);
    expect(serial).toBeGreaterThan(CONNECTIONS * STREAMS);
    expect((await statsOf(web.mesh)).get(`cluster.${name}.upstream_rq_retry`)).toBeGreaterThan(0);
    relay.resetAll();
    steady.dropConnections();
    expect(await eventually(async () => Object.keys(await activeGauges(web.mesh)).length === 0, 3000)).toBe(true);
  },
);
