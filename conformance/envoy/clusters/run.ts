/** Runs cluster scenarios against a target, all of them side by side. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Yaml } from '../scenario.ts';
import { Admin } from './admin.ts';
import { bootstrap, lettersOf, type Placed } from './bootstrap.ts';
import { type ScriptedHost, startHost } from './host.ts';
import { type Outcome, Play } from './play.ts';
import type { ClusterScenario } from './scenario.ts';

/** What came of a scenario: of its steps, and what the event log said. */
export interface ClusterObservation {
  readonly steps: readonly Outcome[];
  readonly events?: readonly unknown[];
}

/** A proxy that runs the scenarios. */
export interface ClusterTarget {
  readonly version: string;
  /** Address of the admin server. */
  readonly admin: string;
  /** Events are in their file after so long. */
  readonly logDelayMs: number;
  port(listener: string): number;
  close(): Promise<void>;
}

/** Starts one with a configuration that has so many listeners. */
export type StartClusterTarget = (config: Yaml, listeners: number) => Promise<ClusterTarget>;

/** What came of all of them. */
export interface ClusterObservations {
  readonly version: string;
  readonly of: ReadonlyMap<string, ClusterObservation>;
}

interface Prepared extends Placed {
  readonly hosts: ReadonlyMap<string, ScriptedHost>;
}

/** Scenarios that are played side by side: enough to be fast, few enough that timers are not late. */
const LANES = 8;

/** Starts hosts and the target, plays every scenario, and ends all of it. */
export async function runClusters(
  scenarios: readonly ClusterScenario[],
  start: StartClusterTarget,
): Promise<ClusterObservations> {
  const folder = await mkdtemp(path.join(tmpdir(), 'conformance-'));
  const eventLog = path.join(folder, 'events');
  const prepared = await Promise.all(scenarios.map(prepare));
  try {
    const target = await start(bootstrap(prepared, eventLog), prepared.length);
    try {
      return await observe(prepared, target, eventLog);
    } finally {
      await target.close();
    }
  } finally {
    for (const { hosts } of prepared) for (const host of hosts.values()) host.close();
    await rm(folder, { recursive: true });
  }
}

async function prepare(scenario: ClusterScenario): Promise<Prepared> {
  const letters = lettersOf(scenario).filter((letter) => letter !== 'z');
  const hosts = new Map(await Promise.all(letters.map(async (letter) => [letter, await startHost()] as const)));
  return { scenario, hosts, ports: Object.fromEntries([...hosts].map(([letter, { port }]) => [letter, port])) };
}

async function observe(prepared: readonly Prepared[], target: ClusterTarget, eventLog: string) {
  const admin = new Admin(target.admin);
  const steps = new Map<string, readonly Outcome[]>();
  const waiting = [...prepared].reverse();
  const lane = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { scenario, hosts } = next;
      const play = new Play({ scenario, hosts, admin, port: target.port(scenario.name) });
      steps.set(scenario.name, await play.run());
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await delay(target.logDelayMs);
  const log = (await readFile(eventLog, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  const of = new Map(
    prepared.map((each) => {
      const { name } = each.scenario;
      const events = eventsOf(log, each);
      return [name, { steps: steps.get(name) ?? [], ...(events.length > 0 && { events }) }] as const;
    }),
  );
  return { version: target.version, of };
}

/** Lines of one cluster; times are not compared, and addresses are letters. */
function eventsOf(log: readonly string[], { scenario, ports }: Placed): string[] {
  const own = log.filter((line) => line.includes(`"cluster_name":"${scenario.name}"`));
  return own.map((line) =>
    line
      .replace(/"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z"/, '"timestamp":"<time>"')
      .replace(/"secs_since_last_action":"\d+"/, '"secs_since_last_action":"<seconds>"')
      .replace(/"upstream_url":"127\.0\.0\.1:(\d+)"/, (_all, port: string) => {
        const letter = Object.entries(ports).find(([, each]) => each === Number(port))?.[0] ?? 'z';
        return `"upstream_url":"<${letter}>"`;
      }),
  );
}
