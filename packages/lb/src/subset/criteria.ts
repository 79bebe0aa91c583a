/** Keys and values by which hosts are divided and requests ask for them, in forms that can be compared. */
import type { Host } from '@mesh/core';

/** What a request asks for, or what hosts say: values by key. */
export type Criteria = Readonly<Record<string, unknown>>;

/** Lists of a host come to so many subsets per selector at most; further ones are left out. */
const MOST_COMBINATIONS = 1024;

/** A text that is the same for equal values only: numbers differ from texts, the order of keys means nothing. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).map(([key, part]) => `${JSON.stringify(key)}:${canonical(part)}`);
  return `{${fields.sort().join()}}`;
}

/** A path of key and value by sorted keys: the name of a subset. */
export function pathOf(criteria: Criteria): string {
  return Object.keys(criteria)
    .sort()
    .reduce((path, key) => path + step(key, criteria[key]), '');
}

function step(key: string, value: unknown): string {
  return `${JSON.stringify(key)}=${canonical(value)};`;
}

/** What a host says under `envoy.lb`; nothing without metadata. */
export function criteriaOf(host: Host): Criteria | undefined {
  const own = host.metadata?.['envoy.lb'];
  return typeof own === 'object' && own !== null ? (own as Criteria) : undefined;
}

/**
 * The names of the subsets that a host is in by these keys, which are sorted; none unless it has them all. With
 * `listAsAny` it is in one for each value of a list.
 */
export function pathsOf(own: Criteria, keys: readonly string[], listAsAny: boolean): readonly string[] {
  if (keys.length === 0) return [];
  let paths: readonly string[] = [''];
  for (const key of keys) {
    if (!Object.hasOwn(own, key)) return [];
    const value = own[key];
    const values = listAsAny && Array.isArray(value) ? value : [value];
    paths = paths.flatMap((path) => values.map((each) => path + step(key, each))).slice(0, MOST_COMBINATIONS);
  }
  return [...new Set(paths)];
}

/** Whether a host has every pair; with `listAsAny`, one value of its list is enough. */
export function matches(host: Host, wanted: Criteria, listAsAny: boolean): boolean {
  const own = criteriaOf(host);
  return Object.entries(wanted).every(([key, value]) => {
    if (own === undefined || !Object.hasOwn(own, key)) return false;
    const has = own[key];
    const values = listAsAny && Array.isArray(has) ? has : [has];
    return values.some((each) => canonical(each) === canonical(value));
  });
}

/** Only the criteria of some keys. */
export function narrowed(criteria: Criteria, keys: ReadonlySet<string>): Criteria {
  return Object.fromEntries(Object.entries(criteria).filter(([key]) => keys.has(key)));
}
