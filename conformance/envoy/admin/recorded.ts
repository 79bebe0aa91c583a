/** Envoy's answers as they were recorded. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { AdminAnswer } from './ask.ts';
import type { AdminAnswers } from './run.ts';

const FILE = new URL('../recorded/admin.json', import.meta.url);

interface Recording {
  /** Version of the Envoy that answered. */
  readonly envoy: string;
  readonly answers: Readonly<Record<string, AdminAnswer>>;
}

/** The recording. */
export function readRecordedAdmin(): AdminAnswers {
  const { envoy, answers } = JSON.parse(readFileSync(FILE, 'utf8')) as Recording;
  return { version: envoy, of: new Map(Object.entries(answers)) };
}

/** Writes it anew, one answer per line. */
export function writeRecordedAdmin({ version, of }: AdminAnswers): void {
  const lines = [...of].map(([name, answer]) => `${JSON.stringify(name)}: ${JSON.stringify(answer)}`);
  writeFileSync(FILE, `{\n"envoy": ${JSON.stringify(version)},\n"answers": {\n${lines.join(',\n')}\n}\n}\n`);
}
