/** Where two observations differ, in words that name the place. */
/** One difference. */
export interface Difference {
  /** Where, e.g. `exchanges[0].upstream[0].headers.x-a`. */
  readonly field: string;
  readonly envoy: unknown;
  readonly mesh: unknown;
}

/** All differences. */
export function compare(envoy: object, mesh: object): Difference[] {
  const found: Difference[] = [];
  walk('', envoy, mesh, found);
  return found;
}

function walk(field: string, envoy: unknown, mesh: unknown, found: Difference[]): void {
  if (isObject(envoy) && isObject(mesh)) {
    for (const key of new Set([...Object.keys(envoy), ...Object.keys(mesh)])) {
      walk(field === '' ? key : `${field}.${key}`, read(envoy, key), read(mesh, key), found);
    }
    return;
  }
  if (Array.isArray(envoy) && Array.isArray(mesh)) {
    if (/\.(?:headers|trailers)$/.test(field)) {
      walk(field, byName(envoy), byName(mesh), found);
      return;
    }
    for (let at = 0; at < Math.max(envoy.length, mesh.length); at++) {
      walk(`${field}[${at}]`, envoy[at], mesh[at], found);
    }
    return;
  }
  if (JSON.stringify(envoy) !== JSON.stringify(mesh)) found.push({ field, envoy, mesh });
}

/** Field lines by name, as they are spelled; repeated ones in their order. */
function byName(lines: readonly string[]): Record<string, string[]> {
  const fields: Record<string, string[]> = {};
  for (const line of lines) {
    // A pseudo header begins with a colon.
    const name = line.slice(0, line.indexOf(':', 1));
    (fields[name] ??= []).push(line.slice(name.length + 2));
  }
  return Object.fromEntries(Object.entries(fields).map(([name, values]) => [name, values.join(' | ')])) as never;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function read(value: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
