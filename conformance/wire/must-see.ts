/** Checks a forwarded request against what its case says that the upstream must see. */
import type { MustSee } from './cases.ts';
import { type Message, valuesOf } from './messages.ts';
import { pathOf } from './request-run.ts';

const PEER = '127.0.0.1';

/** One check: the problems that it finds. */
type Check<K extends keyof MustSee> = (wanted: NonNullable<MustSee[K]>, requests: readonly Message[]) => string[];

const joined = (message: Message, name: string): string | undefined => {
  const values = valuesOf(message, name);
  return values.length === 0 ? undefined : values.join(', ');
};

function problem(good: boolean, text: () => string): string[] {
  return good ? [] : [text()];
}

function same(what: string, actual: unknown, wanted: unknown): string[] {
  return problem(
    Object.is(actual, wanted),
    () => `${what} is ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}`,
  );
}

function each<T>(wanted: Readonly<Record<string, T>>, check: (name: string, value: T) => string[]): string[] {
  return Object.entries(wanted).flatMap(([name, value]) => check(name, value));
}

const first = (requests: readonly Message[]): Message => requests[0] as Message;

const checks: { readonly [K in keyof Required<MustSee>]: Check<K> } = {
  method: (wanted, requests) => same('method', first(requests).startLine.split(' ')[0], wanted),
  path: (wanted, requests) => same('path', pathOf(first(requests)), wanted),
  path_in: (wanted, requests) =>
    problem(wanted.includes(pathOf(first(requests))), () => `path ${pathOf(first(requests))}`),
  version: (wanted, requests) => same('version', first(requests).startLine.split(' ')[2], wanted),
  body: (wanted, requests) => same('body', first(requests).body, wanted),
  headers: (wanted, requests) => each(wanted, (name, value) => same(name, joined(first(requests), name), value)),
  headers_in: (wanted, requests) =>
    each(wanted, (name, values) => {
      const value = joined(first(requests), name) ?? null;
      return problem(values.includes(value), () => `${name} is ${JSON.stringify(value)}`);
    }),
  headers_absent: (wanted, requests) => wanted.flatMap((name) => same(name, joined(first(requests), name), undefined)),
  headers_present: (wanted, requests) =>
    wanted.flatMap((name) => problem(joined(first(requests), name) !== undefined, () => `${name} is missing`)),
  headers_not: (wanted, requests) =>
    each(wanted, (name, value) => problem(joined(first(requests), name) !== value, () => `${name} is ${value}`)),
  header_values: (wanted, requests) =>
    each(wanted, (name, values) => same(name, valuesOf(first(requests), name).join(', '), values.join(', '))),
  header_last_list_member: (wanted, requests) =>
    each(wanted, (name, value) => {
      const last = joined(first(requests), name)?.split(',').at(-1)?.trim();
      return same(`last member of ${name}`, last, value === 'PEER' ? PEER : value);
    }),
  header_contains: (wanted, requests) =>
    each(wanted, (name, part) => {
      const value = joined(first(requests), name) ?? '';
      return problem(value.toLowerCase().includes(part), () => `${name} is ${JSON.stringify(value)}`);
    }),
  cookie_pairs: (wanted, requests) => {
    const pairs = valuesOf(first(requests), 'cookie').flatMap((line) => line.split(/[;,] ?/));
    return same('cookie', pairs.join('; '), wanted.join('; '));
  },
  paths_in_order: (wanted, requests) => same('paths', requests.map(pathOf).join(' '), wanted.join(' ')),
  single: (wanted, requests) =>
    wanted.flatMap((name) => problem(valuesOf(first(requests), name).length <= 1, () => `${name} comes twice`)),
  trailers_absent: (wanted, requests) =>
    wanted.flatMap((name) =>
      problem(!first(requests).trailers.some(([field]) => field === name), () => `${name} is among the trailers`),
    ),
  // In these cases the name stands only among the trailers of the request; Host and chunked framing are the proxy's own.
  headers_not_from_trailer: (wanted, requests) =>
    wanted.flatMap((name) => {
      const value = joined(first(requests), name);
      const own = name === 'host' ? 'h.test' : name === 'transfer-encoding' ? 'chunked' : undefined;
      const forwarded = name === 'x-forwarded-for' && value === PEER;
      return forwarded ? [] : same(name, value, own);
    }),
};

/** The problems of `requests`, the first of which is the one that the keys speak of. */
export function mustSeeProblems(wanted: MustSee, requests: readonly Message[]): string[] {
  if (requests.length === 0) return ['nothing was forwarded'];
  return (Object.keys(wanted) as (keyof MustSee)[]).flatMap((key) => run(key, wanted, requests));
}

function run<K extends keyof MustSee>(key: K, wanted: MustSee, requests: readonly Message[]): string[] {
  const check = checks[key] as Check<K> | undefined;
  if (check === undefined) throw new Error(`unknown key ${key}`);
  return check(wanted[key] as NonNullable<MustSee[K]>, requests).map((text) => `upstream: ${text}`);
}
