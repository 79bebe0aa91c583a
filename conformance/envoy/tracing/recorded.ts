/** Envoy's spans as they were recorded. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { TracingObservation } from './observe.ts';
import type { TracingObservations } from './targets.ts';

const FILE = new URL('../recorded/tracing.json', import.meta.url);

interface Recording {
  /** Version of the Envoy that was observed. */
  readonly envoy: string;
  readonly scenarios: Readonly<Record<string, TracingObservation>>;
}

/** The recording. */
export function readRecordedTracing(): TracingObservations {
  const { envoy, scenarios } = JSON.parse(readFileSync(FILE, 'utf8')) as Recording;
  return { version: envoy, of: new Map(Object.entries(scenarios)) };
}

/** Writes the recording anew, one request per line. */
export function writeRecordedTracing({ version, of }: TracingObservations): void {
  const entries = [...of].map(([name, { requests, stats }]) => {
    const lines = requests.map((request) => JSON.stringify(request)).join(',\n');
    return `${JSON.stringify(name)}: {"stats": ${JSON.stringify(stats)}, "requests": [\n${lines}\n]}`;
  });
  writeFileSync(FILE, `{\n"envoy": ${JSON.stringify(version)},\n"scenarios": {\n${entries.join(',\n')}\n}\n}\n`);
}
