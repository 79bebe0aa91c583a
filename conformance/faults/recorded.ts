/** What the faults looked like when they were last recorded: here, and in a real Envoy. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Fault } from './fault.ts';
import type { Observation } from './play.ts';

export interface Recording {
  /** Version of the Envoy that was asked. */
  readonly version: string;
  readonly mesh: Readonly<Record<string, Observation>>;
  readonly envoy: Readonly<Record<string, Observation>>;
}

const FILE = new URL('recorded.jsonl', import.meta.url);

/** A line of the file: the version alone, or what one of the two has shown. */
interface Line {
  readonly version?: string;
  readonly of?: 'mesh' | 'envoy';
  readonly fault?: string;
  readonly seen?: Observation;
}

export function readRecording(): Recording {
  const recording = { version: '', mesh: {} as Record<string, Observation>, envoy: {} as Record<string, Observation> };
  for (const text of readFileSync(FILE, 'utf8').trimEnd().split('\n')) {
    const { version, of, fault = '', seen } = JSON.parse(text) as Line;
    if (version !== undefined) recording.version = version;
    if (of !== undefined && seen !== undefined) recording[of][fault] = seen;
  }
  return recording;
}

export function writeRecording({ version, mesh, envoy }: Recording): void {
  const lines = (of: 'mesh' | 'envoy', all: Readonly<Record<string, Observation>>): Line[] =>
    Object.entries(all).map(([fault, seen]) => ({ of, fault, seen }));
  const all: Line[] = [{ version }, ...lines('mesh', mesh), ...lines('envoy', envoy)];
  writeFileSync(FILE, all.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** Where an observation differs from Envoy's without a reason, as text; and reasons that are no longer needed. */
export function differences({ name, differs = {} }: Fault, mesh: Observation, envoy: Observation): string[] {
  const counters = [...new Set([...Object.keys(mesh.stats), ...Object.keys(envoy.stats)])];
  const pairs: [string, unknown, unknown][] = [
    ['client', mesh.client, envoy.client],
    ['log', mesh.log, envoy.log],
    ['trace', mesh.trace, envoy.trace],
    ...counters.map((each): [string, unknown, unknown] => [each, mesh.stats[each], envoy.stats[each]]),
  ];
  const different = pairs.filter(([, a, b]) => JSON.stringify(a) !== JSON.stringify(b));
  const found = new Set(different.map(([what]) => what));
  const unexplained = different.filter(([what]) => differs[what] === undefined);
  const stale = Object.keys(differs).filter((what) => !found.has(what));
  return [
    ...unexplained.map(([what, a, b]) => `${name} ${what}: ${JSON.stringify(a)}, Envoy: ${JSON.stringify(b)}`),
    ...stale.map((what) => `${name} ${what}: no difference any more`),
  ];
}
