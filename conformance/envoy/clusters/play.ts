/** Plays the steps of a scenario and writes down what came of them. */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Admin } from './admin.ts';
import { lettersOf } from './bootstrap.ts';
import type { ScriptedHost } from './host.ts';
import type { ClusterScenario, Step } from './scenario.ts';

/** An ejection takes effect, and statistics are there, after so long. */
const SETTLE_MS = 40;
/** How long a state may take to come. */
const LIMIT_MS = 5000;
const POLL_MS = 20;

/** A scenario that is being played. */
export interface Stage {
  readonly scenario: ClusterScenario;
  /** Of the listener. */
  readonly port: number;
  readonly hosts: ReadonlyMap<string, ScriptedHost>;
  readonly admin: Admin;
}

/** What a step yields; `undefined` when there is nothing to compare. */
export type Outcome = unknown;

/** How often each outcome came. */
type Tally = Record<string, number>;

/** Plays one scenario. */
export class Play {
  private readonly stage: Stage;
  private readonly agent = new Agent({ keepAlive: true });
  private started: Promise<string>[] = [];
  private lastRates = '';

  constructor(stage: Stage) {
    this.stage = stage;
  }

  async run(): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const step of this.stage.scenario.steps) outcomes.push((await this.step(step)) ?? null);
    for (const host of this.stage.hosts.values()) host.release();
    await Promise.all(this.started);
    this.agent.destroy();
    return outcomes;
  }

  private async step(step: Step): Promise<Outcome> {
    if ('hosts' in step) return this.conduct(step.hosts);
    if ('rounds' in step) return this.rounds(step);
    if ('hold' in step) return this.hold(step.hold, step.path);
    if ('queue' in step) return this.queue(step.queue, step.path);
    if ('release' in step) return this.release();
    if ('connects' in step) return this.connects(step.connects);
    if ('wait' in step) return void (await delay(step.wait));
    if ('look' in step) return this.look();
    if ('until' in step) return this.until(step.until, step.notBefore);
    if ('tick' in step) return this.tick();
    if ('burst' in step) return this.burst(step.burst);
    return this.rates();
  }

  private conduct(hosts: Extract<Step, { hosts: unknown }>['hosts']): void {
    for (const [letter, conduct] of Object.entries(hosts))
      (this.stage.hosts.get(letter) as ScriptedHost).conduct = conduct;
  }

  private async rounds({ rounds, of, path, post }: Extract<Step, { rounds: number }>): Promise<Tally[]> {
    const tallies: Tally[] = [];
    for (let round = 0; round < rounds; round++) {
      const outcomes: string[] = [];
      for (let left = of ?? lettersOf(this.stage.scenario).length; left > 0; left--) {
        outcomes.push(await this.request(path, post));
      }
      tallies.push(tally(outcomes));
      await delay(SETTLE_MS);
    }
    return tallies;
  }

  private async hold(count: number, path: string | undefined): Promise<void> {
    const hanging = () => [...this.stage.hosts.values()].reduce((sum, host) => sum + host.hanging, 0);
    const wanted = hanging() + count;
    this.start(count, path);
    await within(() => hanging() >= wanted);
    await delay(SETTLE_MS);
  }

  private async queue(count: number, path: string | undefined): Promise<void> {
    const { admin, scenario } = this.stage;
    const waiting = async () => (await admin.stats(scenario.name)).upstream_rq_pending_active ?? 0;
    const wanted = (await waiting()) + count;
    this.start(count, path);
    const begin = Date.now();
    while ((await waiting()) < wanted && Date.now() - begin < LIMIT_MS) await delay(POLL_MS);
  }

  private start(count: number, path: string | undefined): void {
    for (let i = 0; i < count; i++) this.started.push(this.request(path));
  }

  private async release(): Promise<Tally> {
    let waiting = true;
    const all = Promise.all(this.started).finally(() => {
      waiting = false;
    });
    while (waiting) {
      for (const host of this.stage.hosts.values()) host.release();
      await delay(POLL_MS);
    }
    this.started = [];
    await delay(SETTLE_MS);
    return tally(await all);
  }

  /** The outcome in words: status, response flags, and what a local reply says. */
  private request(path = '/', post?: string): Promise<string> {
    const { port } = this.stage;
    const asked = post === undefined ? {} : { method: 'POST', headers: { 'content-type': post } };
    return new Promise((resolve) => {
      const sent = request({ port, host: '127.0.0.1', path, ...asked, agent: this.agent }, (response) => {
        let body = '';
        response.setEncoding('latin1').on('data', (text: string) => {
          body += text;
        });
        response.on('close', () => {
          const { 'x-flags': flags, 'x-envoy-overloaded': overloaded } = response.headers;
          const words = [response.statusCode, flags === '-' ? '' : flags, overloaded && 'overloaded', body];
          resolve(words.filter(Boolean).join(' '));
        });
      });
      sent.on('error', (error) => resolve(error.message));
      sent.end();
    });
  }

  private async connects(count: number): Promise<Tally> {
    const outcomes: string[] = [];
    for (let i = 0; i < count; i++) {
      outcomes.push(
        await new Promise<string>((resolve) => {
          let bytes = '';
          const socket = connect(this.stage.port, '127.0.0.1');
          socket.on('connect', () => socket.write('GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n'));
          socket.setEncoding('latin1').on('data', (text: string) => {
            bytes += text;
          });
          socket.on('error', () => {});
          socket.on('close', () => resolve(bytes === '' ? 'closed' : bytes.slice(0, bytes.indexOf('\r'))));
        }),
      );
    }
    await delay(SETTLE_MS);
    return tally(outcomes);
  }

  private async flags(): Promise<Readonly<Record<string, string>>> {
    const { admin, scenario } = this.stage;
    return byLetter(await admin.flags(scenario.name), this.stage);
  }

  private async look(): Promise<Outcome> {
    const { admin, scenario } = this.stage;
    await delay(SETTLE_MS);
    const { upstream_rq_pending_total, ...stats } = await admin.stats(scenario.name);
    // How many connections a burst needs is chance.
    const bursts = scenario.steps.some((step) => 'burst' in step || 'tick' in step);
    return { flags: await this.flags(), stats: bursts ? stats : { ...stats, upstream_rq_pending_total } };
  }

  private async until(wanted: Readonly<Record<string, string>>, notBefore = 0): Promise<Outcome> {
    const begin = Date.now();
    let flags = await this.flags();
    const reached = () => Object.entries(wanted).every(([letter, flag]) => flags[letter] === flag);
    while (!reached() && Date.now() - begin < LIMIT_MS) {
      await delay(POLL_MS);
      flags = await this.flags();
    }
    if (!reached()) return { flags };
    return Date.now() - begin < notBefore ? 'too early' : 'reached';
  }

  private async burst(requests: number): Promise<Tally> {
    return tally(await Promise.all(Array.from({ length: requests }, () => this.request())));
  }

  private async tick(): Promise<void> {
    await this.burst(lettersOf(this.stage.scenario).length);
    await this.rates();
  }

  private async rates(): Promise<Outcome> {
    const { admin, scenario, hosts } = this.stage;
    const before = this.lastRates;
    let rates = await admin.rates(scenario.name);
    const there = () => JSON.stringify(rates) !== before && Object.values(rates).some((value) => value !== '-1');
    const begin = Date.now();
    while (!there() && Date.now() - begin < LIMIT_MS) {
      await delay(POLL_MS);
      rates = await admin.rates(scenario.name);
    }
    this.lastRates = JSON.stringify(rates);
    const letters = new Map([...hosts].map(([letter, { port }]) => [String(port), letter]));
    const named = Object.entries(rates).map(([key, value]) => {
      const [whose = '', what] = key.split(' ');
      return [`${letters.get(whose) ?? whose} ${what}`, value] as const;
    });
    return Object.fromEntries(named.filter(([, value]) => value !== '-1'));
  }
}

function byLetter(flags: ReadonlyMap<number, string>, { hosts }: Stage): Readonly<Record<string, string>> {
  const letters = new Map([...hosts].map(([letter, { port }]) => [port, letter]));
  return Object.fromEntries([...flags].map(([port, text]) => [letters.get(port) ?? 'z', text]));
}

function tally(outcomes: readonly string[]): Tally {
  const counts: Tally = {};
  for (const outcome of [...outcomes].sort()) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

async function within(condition: () => boolean): Promise<void> {
  const begin = Date.now();
  while (!condition() && Date.now() - begin < LIMIT_MS) await delay(POLL_MS);
}
