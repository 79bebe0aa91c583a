/** What Envoy did, on a line per request: `recorded.txt` is written anew with `ZIPKIN_RECORD=1` where there is an Envoy. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Observations } from './observe.ts';

const file = new URL('recorded.txt', import.meta.url);

/** Observations as lines by `variant/case`. One case shows all of a span, the others what may differ between them. */
export function linesOf(observations: Observations): Map<string, string> {
  return new Map(
    Object.entries(observations).map(([name, { spans, upstream }]) => {
      const fields = Object.entries(upstream).map(([field, value]) => `${field}=${value}`);
      const shown = spans.map(name.endsWith('/none') ? whole : brief);
      return [name, [...fields, ...shown].join(' ')];
    }),
  );
}

function whole(span: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(span).sort(([a], [b]) => (a < b ? -1 : 1))));
}

function brief({ annotations, id, kind, parentId, shared, traceId }: Readonly<Record<string, unknown>>): string {
  return `[${kind} ${traceId} ${id} ${parentId ?? '-'} ${shared ? 'shared' : '-'} ${annotations}]`;
}

/** The recorded lines. */
export function recorded(): Map<string, string> {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
}

/** Writes them. */
export function record(lines: ReadonlyMap<string, string>): void {
  writeFileSync(file, [...lines].map(([name, line]) => `${name} ${line}\n`).join(''));
}
