/**
 * What is left out of the comparison, all of it: the date, the random part of request ids, measured times, port numbers,
 * the case of connection options, and what a loopback peer is called in x-forwarded-for (Envoy tells another address of
 * the machine instead). Each is replaced by a word, so that its presence is still compared.
 */

/** A date of the proxy's own is about now; one that an upstream made up is compared as it is. */
const DAY_MS = 86_400_000;

/** The last entry of x-forwarded-for, when it is this machine. */
const LOOPBACK_PEER = /(?<=^|,)(?:<own address>|127\.0\.0\.1|::1)$/;

/** Text to look for and what to put in its place. */
export type Replacement = readonly [RegExp | string, string];

/** A field as it is compared. */
function normalizeField(name: string, value: string, replacements: readonly Replacement[]): string {
  const lower = name.toLowerCase();
  if (lower === 'date' && Math.abs(Date.parse(value) - Date.now()) < DAY_MS) return `${name}: <date>`;
  if (lower === 'x-envoy-upstream-service-time' && /^\d+$/.test(value)) return `${name}: <ms>`;
  if (lower === 'x-request-id') return `${name}: ${normalizeId(value)}`;
  // Its options have no case (RFC 9110 7.6.1).
  if (lower === 'connection') return `${name}: ${value.toLowerCase()}`;
  const text = normalizeText(value, replacements);
  return `${name}: ${lower === 'x-forwarded-for' ? text.replace(LOOPBACK_PEER, '<peer>') : text}`;
}

/** A generated id keeps its 15th digit, which says how the request is traced. */
function normalizeId(value: string): string {
  return value.replace(/^[\da-f]{8}-[\da-f]{4}-([\da-f])[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/, '<id:$1>');
}

/** A body or a field value as it is compared. */
export function normalizeText(text: string, replacements: readonly Replacement[]): string {
  return replacements.reduce<string>((so, [what, by]) => so.replaceAll(globally(what), by), text);
}

function globally(what: RegExp | string): RegExp | string {
  return typeof what === 'string' || what.global ? what : new RegExp(what.source, `${what.flags}g`);
}

/** Fields as they are compared: sorted by name, lines of one name in their order. */
export function normalizeFields(
  lines: readonly (readonly [name: string, value: string])[],
  replacements: readonly Replacement[],
): string[] {
  const key = ([name]: readonly [string, string]) => name.toLowerCase();
  return [...lines]
    .sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
    .map(([name, value]) => normalizeField(name, value, replacements));
}

/** Everything within what a talk or a server wrote down; lists called `headers` or `trailers` hold fields. */
export function normalizeAll(value: unknown, replacements: readonly Replacement[], key = ''): unknown {
  if (typeof value === 'string') return normalizeText(value, replacements);
  if (Array.isArray(value)) {
    if (key === 'headers' || key === 'trailers') return normalizeFields(value.map(nameAndValue), replacements);
    return value.map((each) => normalizeAll(each, replacements));
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.map(([name, each]) => [name, normalizeAll(each, replacements, name)]));
}

/** `name: value` in its two parts; a pseudo header begins with a colon. */
function nameAndValue(line: string): [name: string, value: string] {
  const at = line.indexOf(':', 1);
  return [line.slice(0, at), line.slice(at + 2)];
}
