/** Whether a configuration is accepted: by a real Envoy (`--mode validate`), by this proxy, and as recorded. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { validateConfig } from '@mesh/core';
import { standard } from '@mesh/standard';
import { bootstrap, upstreamsOf } from './bootstrap.ts';
import type { Edge } from './refusals.ts';
import type { Yaml } from './scenario.ts';

/** `accepted`, or the words of the refusal. */
export type Verdict = string;

const FILE = new URL('recorded/refusals.json', import.meta.url);

function configOf(edge: Edge): Yaml {
  const scenario = { ...edge, requests: [] };
  const ports = Object.fromEntries(upstreamsOf(scenario).map((letter) => [letter, 1]));
  return bootstrap([{ scenario, ports }]);
}

/** What this proxy says. */
export async function meshVerdict(edge: Edge): Promise<Verdict> {
  try {
    await validateConfig({ config: configOf(edge), extensions: standard, logger: { log: () => {} } });
    return 'accepted';
  } catch (error) {
    return (error as Error).message;
  }
}

/** What Envoy says to each, by name. */
export async function envoyVerdicts(binary: string, edges: readonly Edge[]): Promise<Record<string, Verdict>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'edges-'));
  const verdicts: Record<string, Verdict> = {};
  const waiting = [...edges].reverse();
  const lane = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      verdicts[next.name] = await envoyVerdict(binary, path.join(folder, `${next.name}.json`), next);
    }
  };
  await Promise.all([lane(), lane(), lane()]);
  await rm(folder, { recursive: true });
  return Object.fromEntries(edges.map(({ name }) => [name, verdicts[name] as string]));
}

async function envoyVerdict(binary: string, file: string, edge: Edge): Promise<Verdict> {
  await writeFile(file, JSON.stringify(configOf(edge)));
  const options = ['--mode', 'validate', '-c', file, '--use-dynamic-base-id', '-l', 'critical'];
  return new Promise((resolve) => {
    execFile(binary, options, (error, _out, told) => resolve(error === null ? 'accepted' : reason(told)));
  });
}

/** The innermost reason, without the configuration that is printed with it. */
function reason(told: string): string {
  const causes = told.match(/caused by (?:(?!caused by)[^|\n])*(?=\))/g);
  if (causes !== null) return (causes.at(-1) as string).slice('caused by '.length);
  const failed = /Proto constraint validation failed \((.*)\)/.exec(told)?.[1];
  const text = failed ?? /error initializing configuration '[^']*': (.*)/.exec(told)?.[1] ?? told;
  const parse = /near +\S+ \(offset \d+\): (.*)\)/.exec(text)?.[1];
  // Its JSON parser puts blanks at random places, so that nobody relies on its words.
  return (parse ?? text).replace(/\s+/g, ' ').slice(0, 200);
}

/** As recorded. */
export async function recordedVerdicts(): Promise<Record<string, Verdict>> {
  return JSON.parse(await readFile(FILE, 'utf8')) as Record<string, Verdict>;
}

/** Records anew; takes a minute, as Envoy is started for each. */
export async function recordVerdicts(verdicts: Record<string, Verdict>): Promise<void> {
  await writeFile(FILE, `${JSON.stringify(verdicts, null, 2)}\n`);
}
