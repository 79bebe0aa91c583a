/** Plays the traffic against a target and reads what its admin server says of it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { StartClusterTarget } from '../clusters/run.ts';
import { LISTENERS, statsBootstrap } from './config.ts';
import { playTraffic } from './traffic.ts';
import { startUpstreams } from './upstreams.ts';

const SIZES = /upstream_r[qs]_(?:headers|body)_(?:size|count)$/;

/** Longer than the flush interval of the configuration: histograms are flushed. */
const FLUSHED_MS = 500;

/** What a target said: values by name; for histograms the number of samples, for those of sizes the samples themselves. */
export interface ObservedStats {
  readonly version: string;
  readonly values: Readonly<Record<string, number | string>>;
  readonly histograms: Readonly<Record<string, number | string>>;
  /** Names that `usedonly` shows. */
  readonly used: readonly string[];
}

interface StatEntry {
  readonly name?: string;
  readonly value?: number | string;
  readonly histograms?: {
    readonly details?: readonly {
      readonly name: string;
      readonly totals: readonly { readonly count: number; readonly lower_bound: number }[];
    }[];
  };
}

/** Runs all of it. */
export async function observeStats(start: StartClusterTarget): Promise<ObservedStats> {
  const upstreams = await startUpstreams();
  try {
    const target = await start(statsBootstrap(upstreams), LISTENERS.length);
    try {
      await delay(100);
      await playTraffic((name) => target.port(name));
      await delay(FLUSHED_MS);
      const ports = new Map<string, string>(LISTENERS.map((name) => [String(target.port(name)), name]));
      ports.set(String(upstreams.http1), 'http1');
      return await read(target.version, target.admin, (name) => neutral(name, ports));
    } finally {
      await target.close();
    }
  } finally {
    upstreams.close();
  }
}

/** Ports are given by the system. */
function neutral(name: string, ports: ReadonlyMap<string, string>): string {
  return name.replace(/127\.0\.0\.1_(\d+)/, (whole, port: string) =>
    ports.has(port) ? `127.0.0.1_<${ports.get(port)}>` : whole,
  );
}

async function read(version: string, admin: string, named: (name: string) => string): Promise<ObservedStats> {
  const ask = async (query: string) => {
    const answer = await fetch(`http://${admin}/stats?format=json&histogram_buckets=detailed${query}`);
    return ((await answer.json()) as { readonly stats: readonly StatEntry[] }).stats;
  };
  const values: Record<string, number | string> = {};
  const histograms: Record<string, number | string> = {};
  for (const { name, value, histograms: group } of await ask('')) {
    if (name !== undefined && value !== undefined) values[named(name)] = value;
    for (const { name: histogram, totals } of group?.details ?? []) {
      histograms[named(histogram)] = SIZES.test(histogram)
        ? totals.map(({ count, lower_bound: bound }) => `${count} of ${bound}`).join(', ')
        : totals.reduce((sum, { count }) => sum + count, 0);
    }
  }
  const used: string[] = [];
  for (const { name, histograms: group } of await ask('&usedonly')) {
    if (name !== undefined) used.push(named(name));
    for (const { name: histogram } of group?.details ?? []) used.push(named(histogram));
  }
  return { version, values, histograms, used: used.sort() };
}
