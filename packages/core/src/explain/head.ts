/** Copies of request heads, and what differs between two of them. */
import type { RequestHeaders } from '../api/headers.ts';
import type { HeaderChange, HeaderLine } from './explanation.ts';

/** A request head at one moment. */
export interface Head {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  /** Without `host`, in order. */
  readonly fields: readonly HeaderLine[];
}

/** A copy of the head as it is now. */
export function headOf(headers: RequestHeaders): Head {
  return { method: headers.method, path: headers.path, host: headers.authority, fields: [...headers.entries()] };
}

/** Method, path, host and fields as lines. */
export function linesOf({ method, path, host, fields }: Head): HeaderLine[] {
  return [[':method', method], [':path', path], ['host', host], ...fields];
}

/** What one finds in only one of them, by name and value; a name's lines stand together, removed ones first. */
export function changesBetween(before: Head, after: Head): HeaderChange[] {
  const old = linesOf(before);
  const fresh = linesOf(after);
  const removed = surplus(old, fresh);
  const added = surplus(fresh, old);
  const names = [...new Set([...old, ...fresh].map(([name]) => name))];
  return names.flatMap((name) => [...changes('removed', name, removed), ...changes('added', name, added)]);
}

function changes(op: HeaderChange['op'], name: string, lines: readonly HeaderLine[]): HeaderChange[] {
  return lines.filter(([other]) => other === name).map(([, value]) => ({ op, name, value }));
}

/** The lines of `from` that are not in `others`; a line that stands twice must be there twice. */
function surplus(from: readonly HeaderLine[], others: readonly HeaderLine[]): HeaderLine[] {
  const left = others.map(keyOf);
  return from.filter((line) => {
    const at = left.indexOf(keyOf(line));
    if (at === -1) return true;
    left.splice(at, 1);
    return false;
  });
}

function keyOf([name, value]: HeaderLine): string {
  return `${name}: ${value}`;
}
