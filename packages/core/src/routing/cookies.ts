/** Reading and writing single cookies, as Envoy does. */
import type { Headers } from '../api/headers.ts';

/** The value of the first cookie of this name, without its quotes; `undefined` when there is none. */
export function cookieValue(headers: Headers, name: string): string | undefined {
  const first = headers.get('cookie');
  // Clients send one line nearly always.
  if (first === undefined) return undefined;
  const found = fromLine(first, name);
  if (found !== undefined) return found;
  for (const line of headers.getAll('cookie').slice(1)) {
    const value = fromLine(line, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

function fromLine(line: string, name: string): string | undefined {
  for (let start = 0; start < line.length; ) {
    const semicolon = line.indexOf(';', start);
    const end = semicolon < 0 ? line.length : semicolon;
    while (line.charCodeAt(start) === 32) start++;
    if (start + name.length < end && line.startsWith(name, start) && line.charCodeAt(start + name.length) === 61) {
      return unquoted(line.slice(start + name.length + 1, end));
    }
    start = end + 1;
  }
  return undefined;
}

function unquoted(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}
