/** What Envoy's taps showed when they were recorded. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { TapOutcome, TapOutcomes } from './run.ts';

const FILE = new URL('../recorded/tap.json', import.meta.url);

interface Recording {
  /** Version of the Envoy that was tapped. */
  readonly envoy: string;
  readonly outcomes: Readonly<Record<string, TapOutcome>>;
}

/** The recording. */
export function readRecordedTaps(): TapOutcomes {
  const { envoy, outcomes } = JSON.parse(readFileSync(FILE, 'utf8')) as Recording;
  return { version: envoy, of: new Map(Object.entries(outcomes)) };
}

/** Writes it anew, one outcome per line. */
export function writeRecordedTaps({ version, of }: TapOutcomes): void {
  const lines = [...of].map(([name, outcome]) => `${JSON.stringify(name)}: ${JSON.stringify(outcome)}`);
  writeFileSync(FILE, `{\n"envoy": ${JSON.stringify(version)},\n"outcomes": {\n${lines.join(',\n')}\n}\n}\n`);
}
