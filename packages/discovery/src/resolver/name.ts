/** Host names as configured: what may be asked of a resolver at all. */
import { isIP } from 'node:net';

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/**
 * What is wrong with a host name; undefined when it may be looked up. A NUL cuts a name short on its way into the
 * system's resolver, and `127.1` or `0x7f000001` are addresses to that resolver but names to everybody who checks.
 */
export function nameProblem(name: string): string | undefined {
  const absolute = name.endsWith('.') ? name.slice(0, -1) : name;
  if (absolute.length > 253) return 'it is longer than 253 characters';
  const labels = absolute.split('.');
  const bad = labels.find((label) => !LABEL.test(label));
  if (bad !== undefined) return `${JSON.stringify(bad)} is not a label of 1 to 63 letters, digits, "-" and "_"`;
  if (/^(?:\d+|0x[0-9a-f]*)$/i.test(labels.at(-1) as string)) return 'it ends with a number and is not an IP address';
  return undefined;
}

/** Whether the text is an address, which needs no lookup. */
export function isLiteral(text: string): boolean {
  return isIP(text) !== 0;
}
