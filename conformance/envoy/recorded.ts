/** Envoy's answers as they were recorded, so that this proxy is compared with Envoy where none is installed. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Observation, Observations } from './run.ts';
import { topics } from './scenarios/index.ts';

interface Recording {
  /** Version of the Envoy that answered. */
  readonly envoy: string;
  readonly scenarios: Readonly<Record<string, Observation>>;
}

function file(topic: string): URL {
  return new URL(`recorded/${topic}.json`, import.meta.url);
}

/** The recordings of all topics. */
export function readRecorded(): { readonly version: string; readonly of: ReadonlyMap<string, Observation> } {
  const of = new Map<string, Observation>();
  let version = '';
  for (const topic of Object.keys(topics)) {
    const { envoy, scenarios } = JSON.parse(readFileSync(file(topic), 'utf8')) as Recording;
    version = envoy;
    for (const [name, observation] of Object.entries(scenarios)) of.set(name, observation);
  }
  return { version, of };
}

/** Writes the recordings anew, one exchange per line. */
export function writeRecorded(observed: Observations): void {
  for (const [topic, scenarios] of Object.entries(topics)) {
    const entries = scenarios.map(
      ({ name }) => `${JSON.stringify(name)}: ${lines(observed.of.get(name) as Observation)}`,
    );
    const text = `{\n"envoy": ${JSON.stringify(observed.version)},\n"scenarios": {\n${entries.join(',\n')}\n}\n}\n`;
    writeFileSync(file(topic), text);
  }
}

function lines({ exchanges, counters }: Observation): string {
  const each = exchanges.map((exchange) => JSON.stringify(exchange)).join(',\n');
  return `{"exchanges": [\n${each}\n]${counters === undefined ? '' : `, "counters": ${JSON.stringify(counters)}`}}`;
}
