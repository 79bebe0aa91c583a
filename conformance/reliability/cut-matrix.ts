/**
 * Every kind of client with every kind of upstream, HTTP/1 and HTTP/2, plain and TLS: connections are cut on either side
 * after any number of bytes, handshakes included, and streams are reset by either side at any point. What ends must end
 * for its own exchange only, a cut answer must not pass for a whole one, and the proxy must hold afterwards what it held.
 */
import { fault, NonceUpstream, nonceClient, type Plan, type Seen, type Way } from './nonce.ts';
import { type Cut, Relay } from './relay.ts';
import { activeGauges, eventually, openFiles, SPEECHES, startWeb, type Web } from './web.ts';

/** What came of a matrix. */
export interface CutReport {
  /** What must not have been, by exchange. */
  readonly faults: readonly string[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly cuts: number;
  /** Requests that reached an upstream with bytes of another. */
  readonly mixedUp: number;
  /** Gauges of streams and connections that are not 0 at the end. */
  readonly left: Readonly<Record<string, number>>;
  readonly openFiles: { readonly before: number; readonly after: number };
  readonly alive: boolean;
}

const NAMES = Object.keys(SPEECHES);
const WAYS: readonly Way[] = ['length', 'chunked', 'trailers', 'early', 'slow'];
const SIZES = [0, 1, 3000, 70_000, 200_000];
const UPLOADS = [0, 0, 0, 1, 5000, 150_000];
/** An exchange that takes longer hangs. */
const HANG_MS = 8000;
const STREAMS = 6;

/** Runs `rounds` exchanges of each combination in each of the three ways to break them. */
export async function runCutMatrix(rounds: number, random: () => number): Promise<CutReport> {
  const bench = await Bench.start(random);
  try {
    await bench.run(2);
    const before = await bench.settle();
    await bench.run(rounds);
    const after = await bench.settle();
    return bench.report(before, after, await activeGauges(bench.web.mesh));
  } finally {
    await bench.close();
  }
}

class Bench {
  readonly web: Web;
  readonly #random: () => number;
  readonly #upstreams: Readonly<Record<string, NonceUpstream>>;
  /** Before the upstreams, and before the listeners. */
  readonly #behind: Readonly<Record<string, Relay>>;
  readonly #fronts: Readonly<Record<'plain' | 'tls', Relay>>;
  readonly #faults: string[] = [];
  readonly #outcomes: Record<string, number> = {};
  #serial = 0;

  private constructor(
    web: Web,
    random: () => number,
    upstreams: Readonly<Record<string, NonceUpstream>>,
    behind: Readonly<Record<string, Relay>>,
    fronts: Readonly<Record<'plain' | 'tls', Relay>>,
  ) {
    this.web = web;
    this.#random = random;
    this.#upstreams = upstreams;
    this.#behind = behind;
    this.#fronts = fronts;
  }

  static async start(random: () => number): Promise<Bench> {
    const upstreams: Record<string, NonceUpstream> = {};
    const behind: Record<string, Relay> = {};
    for (const name of NAMES) {
      const upstream = await NonceUpstream.start(SPEECHES[name] as (typeof SPEECHES)[string]);
      upstreams[name] = upstream;
      behind[name] = await Relay.start(upstream.port);
    }
    const web = await startWeb({
      clusters: Object.fromEntries(
        NAMES.map((name) => [
          name,
          { speech: SPEECHES[name] as (typeof SPEECHES)[string], ports: [behind[name]?.port ?? 0] },
        ]),
      ),
    });
    const fronts = { plain: await Relay.start(web.plain), tls: await Relay.start(web.tls) };
    return new Bench(web, random, upstreams, behind, fronts);
  }

  async run(rounds: number): Promise<void> {
    for (const cluster of NAMES) {
      await this.#cutClients(cluster, rounds);
      await this.#cutUpstream(cluster, rounds);
    }
    await Promise.all(NAMES.map((cluster) => this.#resetStreams(cluster, rounds)));
  }

  /** Clients are cut; others that share the upstream's connection are served as ever. */
  async #cutClients(cluster: string, rounds: number): Promise<void> {
    for (const front of Object.values(this.#fronts)) front.plan = () => this.#cut();
    let over = false;
    const bystander = this.#bystander(cluster, () => over);
    await this.#each(rounds, (name) => this.#one(name, cluster, true, 'client cut'));
    over = true;
    await bystander;
    for (const front of Object.values(this.#fronts)) front.plan = () => undefined;
  }

  /** The upstream's connections are cut; clients of other clusters are served as ever. */
  async #cutUpstream(cluster: string, rounds: number): Promise<void> {
    const relay = this.#behind[cluster] as Relay;
    relay.plan = () => this.#cut();
    relay.resetAll();
    let over = false;
    const bystander = this.#bystander(cluster === 'h2' ? 'h2s' : 'h2', () => over);
    await this.#each(rounds, (name) => this.#one(name, cluster, false, 'upstream cut'));
    over = true;
    await bystander;
    relay.plan = () => undefined;
    relay.resetAll();
  }

  async #each(rounds: number, run: (name: string) => Promise<void>): Promise<void> {
    const worker = async (name: string) => {
      for (let i = 0; i < rounds; i++) await run(name);
    };
    await Promise.all(NAMES.map(worker));
  }

  async #one(name: string, cluster: string, throughFront: boolean, what: string): Promise<void> {
    const speech = SPEECHES[name] as (typeof SPEECHES)[string];
    const { plain, tls } = throughFront
      ? { plain: this.#fronts.plain.port, tls: this.#fronts.tls.port }
      : { plain: this.web.plain, tls: this.web.tls };
    const client = nonceClient(speech, speech.tls ? tls : plain);
    await this.#judge(client.ask, client, this.#plan(cluster), `${what} ${name}`);
    client.close();
  }

  /** Many streams on one connection, of which some are given up by the client and some are reset by the upstream. */
  async #resetStreams(cluster: string, rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      const secured = round % 2 === 1;
      const client = nonceClient({ version: 'h2', tls: secured }, secured ? this.web.tls : this.web.plain);
      const all = Array.from({ length: STREAMS }, (_, at) => {
        const plan = this.#plan(cluster);
        if (at % 3 === 1) {
          const leaveAfter = [-1, 0, 1, 2000, 50_000][Math.floor(this.#random() * 5)] as number;
          return this.#judge(client.ask, client, { ...plan, size: 70_000, leaveAfter }, 'stream left', ['left', '200']);
        }
        if (at % 3 === 2) {
          const whole = { ...plan, way: 'reset' as const, size: 70_000 };
          return this.#judge(client.ask, client, whole, 'stream reset', ['cut', '503', 'none']);
        }
        return this.#judge(client.ask, client, plan, 'stream beside', ['200']);
      });
      await Promise.all(all);
      client.close();
    }
  }

  async #bystander(cluster: string, over: () => boolean): Promise<void> {
    const client = nonceClient({ version: 'h2', tls: false }, this.web.plain);
    while (!over()) {
      const plan = { ...this.#plan(cluster), way: 'slow' as const };
      await this.#judge(client.ask, client, plan, `bystander of ${cluster}`, ['200']);
    }
    client.close();
  }

  async #judge(
    ask: (plan: Plan) => Promise<Seen>,
    client: object,
    plan: Plan,
    what: string,
    allowed?: readonly string[],
  ): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const hang = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), HANG_MS);
    });
    const seen = await Promise.race([ask.call(client, plan), hang]);
    clearTimeout(timer);
    const label = `${what} ${JSON.stringify(plan)}`;
    if (seen === undefined) {
      this.#faults.push(`hangs: ${label}`);
      return;
    }
    const outcome = outcomeOf(plan, seen);
    const key = `${what.split(' ').slice(0, 2).join(' ')}: ${outcome}`;
    this.#outcomes[key] = (this.#outcomes[key] ?? 0) + 1;
    const wrong = fault(plan, seen);
    if (wrong !== undefined) this.#faults.push(`${wrong}: ${label}`);
    else if (allowed?.includes(outcome) === false) this.#faults.push(`${outcome}: ${label}`);
  }

  #plan(cluster: string): Plan {
    const pick = <T>(from: readonly T[]): T => from[Math.floor(this.#random() * from.length)] as T;
    const nonce = `n${(this.#serial++).toString(36)}-${Math.floor(this.#random() * 1e9).toString(36)}.`;
    return { cluster, nonce, way: pick(WAYS), size: pick(SIZES), upload: pick(UPLOADS) };
  }

  /** Small numbers of bytes as often as large ones: heads and handshakes are where most can go wrong. */
  #cut(): Cut {
    const afterBytes = Math.ceil(Math.exp(this.#random() * Math.log(200_000)));
    return {
      direction: this.#random() < 0.5 ? 'up' : 'down',
      afterBytes,
      how: this.#random() < 0.5 ? 'fin' : 'rst',
    };
  }

  /** Waits until the proxy has noticed every end; answers with its open files. */
  async settle(): Promise<number> {
    await eventually(async () => {
      for (const relay of Object.values(this.#behind)) relay.resetAll();
      return Object.keys(await activeGauges(this.web.mesh)).length === 0;
    }, 5000);
    return openFiles(this.web.mesh.pid);
  }

  report(before: number, after: number, left: Record<string, number>): CutReport {
    const relays = [...Object.values(this.#fronts), ...Object.values(this.#behind)];
    return {
      faults: this.#faults,
      outcomes: this.#outcomes,
      cuts: relays.reduce((sum, { cuts }) => sum + cuts, 0),
      mixedUp: Object.values(this.#upstreams).reduce((sum, { mixedUp }) => sum + mixedUp, 0),
      left,
      openFiles: { before, after },
      alive: after > 0,
    };
  }

  async close(): Promise<void> {
    await this.web.mesh.stop();
    for (const relay of [...Object.values(this.#fronts), ...Object.values(this.#behind)]) await relay.close();
    for (const upstream of Object.values(this.#upstreams)) await upstream.close();
  }
}

function outcomeOf({ leaveAfter }: Plan, { status, whole }: Seen): string {
  if (leaveAfter !== undefined && !whole) return 'left';
  if (status === 0) return 'none';
  return whole ? String(status) : 'cut';
}
