/** Envoy's lines as they were recorded. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { LogLines } from './run.ts';

const FILE = new URL('../recorded/access-log.json', import.meta.url);

interface Recording {
  readonly envoy: string;
  readonly scenarios: Readonly<Record<string, readonly string[]>>;
}

export function readRecordedLogs(): { readonly version: string; readonly of: LogLines } {
  const { envoy, scenarios } = JSON.parse(readFileSync(FILE, 'utf8')) as Recording;
  return { version: envoy, of: new Map(Object.entries(scenarios)) };
}

/** Writes the recording anew, one line per line. */
export function writeRecordedLogs(version: string, lines: LogLines): void {
  const entries = [...lines].map(([name, all]) => {
    const list = all.map((line) => JSON.stringify(line)).join(',\n');
    return `${JSON.stringify(name)}: [\n${list}\n]`;
  });
  const text = `{\n"envoy": ${JSON.stringify(version)},\n"scenarios": {\n${entries.join(',\n')}\n}\n}\n`;
  writeFileSync(FILE, text);
}
