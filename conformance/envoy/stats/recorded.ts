/** Envoy's statistics as they were recorded, one name per line: its value, or the number of samples, and whether it is used. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { ObservedStats } from './observe.ts';

type Line = readonly [name: string, kind: 'value' | 'histogram', value: number | string, used: boolean];

interface Recording {
  /** Version of the Envoy that was observed. */
  readonly envoy: string;
  readonly stats: readonly Line[];
}

const FILE = new URL('../recorded/statistics-compared.json', import.meta.url);

/** Reads the recording. */
export function readRecordedStats(): ObservedStats {
  const { envoy, stats } = JSON.parse(readFileSync(FILE, 'utf8')) as Recording;
  const of = (kind: Line[1]) =>
    Object.fromEntries(stats.flatMap((line) => (line[1] === kind ? [[line[0], line[2]]] : [])));
  return {
    version: envoy,
    values: of('value'),
    histograms: of('histogram'),
    used: stats.filter((line) => line[3]).map(([name]) => name),
  };
}

/** Writes the recording anew. */
export function writeRecordedStats({ version, values, histograms, used }: ObservedStats): void {
  const usedNames = new Set(used);
  const lines = (kind: Line[1], all: ObservedStats['values']) =>
    Object.entries(all).map(([name, value]) => JSON.stringify([name, kind, value, usedNames.has(name)]));
  const stats = [...lines('value', values), ...lines('histogram', histograms)].sort();
  writeFileSync(FILE, `{\n"envoy": ${JSON.stringify(version)},\n"stats": [\n${stats.join(',\n')}\n]\n}\n`);
}
