/** Runs scenarios against a target and gathers what was observed. */
import { setTimeout as delay } from 'node:timers/promises';
import { answer, startUpstream, type Upstream } from '@mesh/testing';
import { clustersOf, type Placed, type UpstreamPorts, upstreamsOf } from './bootstrap.ts';
import { play, type Seen } from './exchange.ts';
import type { Scenario } from './scenario.ts';
import type { Server } from './server.ts';
import type { StartTarget, Target } from './target.ts';

/** What came of a scenario. */
export interface Observation {
  readonly exchanges: readonly Seen[];
  readonly counters?: Readonly<Record<string, number>>;
}

/** What came of all of them. */
export interface Observations {
  readonly version: string;
  readonly of: ReadonlyMap<string, Observation>;
  /** Scenarios whose configuration was refused, and the words. */
  readonly refused: ReadonlyMap<string, string>;
}

/** Scenarios that are played side by side. */
const LANES = 16;
/** What comes behind the last response (statistics, mirrors) is there after so long. */
const SETTLE_MS = 150;

/**
 * Nobody listens there (tcpmux), and no system gives it away. A port that was free a moment ago may become that of a
 * listener.
 */
export const REFUSING_PORT = 1;

interface Prepared extends Placed {
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly servers: ReadonlyMap<string, Server>;
}

/** Starts upstreams and the target, plays every scenario, and ends all of it. */
export async function runAll(scenarios: readonly Scenario[], start: StartTarget): Promise<Observations> {
  const prepared = await Promise.all(scenarios.map(prepare));
  try {
    const target = await start(prepared);
    try {
      return await observe(prepared, target);
    } finally {
      await target.close();
    }
  } finally {
    const all = prepared.flatMap(({ upstreams, servers }) => [...upstreams.values(), ...servers.values()]);
    await Promise.all(all.map((each) => each.close()));
  }
}

async function prepare(scenario: Scenario): Promise<Prepared> {
  const upstreams = new Map<string, Upstream>();
  const servers = new Map<string, Server>();
  const ports: Record<string, number> = {};
  for (const letter of upstreamsOf(scenario)) {
    const start = scenario.servers?.[letter];
    if (start !== undefined) {
      const server = await start(letter);
      servers.set(letter, server);
      ports[letter] = server.port;
      continue;
    }
    const upstream = await startUpstream(scenario.upstreams?.[letter] ?? answer({ reason: 'OK', body: letter }));
    upstreams.set(letter, upstream);
    ports[letter] = upstream.port;
  }
  if (clustersOf(scenario).includes('refused')) ports.refused = REFUSING_PORT;
  return { scenario, upstreams, servers, ports: ports satisfies UpstreamPorts };
}

async function observe(prepared: readonly Prepared[], target: Target): Promise<Observations> {
  const exchanges = new Map<string, Seen[]>();
  const waiting = prepared.filter(({ scenario }) => !target.refused.has(scenario.name)).reverse();
  const lane = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { scenario, upstreams, servers } = next;
      exchanges.set(scenario.name, await play({ scenario, upstreams, servers, port: target.port(scenario.name) }));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await delay(SETTLE_MS);
  const stats = await target.stats();
  const of = new Map<string, Observation>();
  for (const { scenario } of prepared) {
    const seen = exchanges.get(scenario.name);
    if (seen !== undefined) of.set(scenario.name, { exchanges: seen, ...countersOf(scenario, stats) });
  }
  return { version: target.version, of, refused: target.refused };
}

function countersOf({ name, counters }: Scenario, stats: ReadonlyMap<string, number>): Pick<Observation, 'counters'> {
  if (counters === undefined) return {};
  const full = (short: string) => short.replace(/^http\./, `http.${name}.`).replace(/^cluster\./, `cluster.${name}_`);
  return { counters: Object.fromEntries(counters.map((short) => [short, stats.get(full(short)) ?? 0])) };
}
