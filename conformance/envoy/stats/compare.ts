/** What of two observed lists of statistics differs and is not in `names.json`. */
import { readFileSync } from 'node:fs';
import type { ObservedStats } from './observe.ts';

/** An entry of `names.json`: names (a regular expression of the whole name) and why they differ. */
export interface NamedReason {
  readonly names: string;
  /** The names in words, for docs/envoy-map.md. */
  readonly shown?: string;
  readonly reason: string;
}

/** The content of `names.json`. */
export interface KnownNames {
  /** Both have them, with values that cannot be equal. */
  readonly differing: readonly NamedReason[];
  /** Only Envoy has them. */
  readonly lacking: readonly NamedReason[];
  /** Only this proxy has them. */
  readonly ours: readonly NamedReason[];
  /** Equal in value, but not shown by `usedonly` in both. */
  readonly used: readonly NamedReason[];
}

/** Reads the list. */
function knownNames(): KnownNames {
  return JSON.parse(readFileSync(new URL('names.json', import.meta.url), 'utf8')) as KnownNames;
}

/** What is left when the known differences are taken away; each in words. */
export function statsProblems(envoy: ObservedStats, mesh: ObservedStats, known: KnownNames = knownNames()): string[] {
  const [theirs, ours] = [allOf(envoy), allOf(mesh)];
  const tests = {
    differing: testOf(known.differing),
    lacking: testOf(known.lacking),
    ours: testOf(known.ours),
    used: testOf(known.used),
  };
  const [theirsUsed, oursUsed] = [new Set(envoy.used), new Set(mesh.used)];
  const problems: string[] = [];
  for (const [name, value] of Object.entries(theirs)) {
    const own = ours[name];
    if (own === undefined) {
      if (!tests.lacking(name)) problems.push(`${name}: Envoy has it (${value}), we do not`);
    } else if (!tests.differing(name)) {
      if (own !== value) problems.push(`${name}: ${value} in Envoy, ${own} here`);
      else if (theirsUsed.has(name) !== oursUsed.has(name) && !tests.used(name)) {
        problems.push(`${name}: used in ${theirsUsed.has(name) ? 'Envoy' : 'this proxy'} only`);
      }
    }
  }
  for (const name of Object.keys(ours)) {
    if (theirs[name] === undefined && !tests.ours(name)) problems.push(`${name}: we have it, Envoy does not`);
  }
  return problems;
}

/** Entries of the list that nothing needs any more: neither side has such a name on the right side of the comparison. */
export function idleEntries(envoy: ObservedStats, mesh: ObservedStats, known: KnownNames = knownNames()): string[] {
  const [theirs, ours] = [Object.keys(allOf(envoy)), Object.keys(allOf(mesh))];
  const [theirSet, ourSet] = [new Set(theirs), new Set(ours)];
  const idle = (entries: readonly NamedReason[], names: readonly string[]) =>
    entries.filter((entry) => !names.some(testOf([entry]))).map(({ names: pattern }) => pattern);
  return [
    ...idle(
      known.lacking,
      theirs.filter((name) => !ourSet.has(name)),
    ),
    ...idle(
      known.ours,
      ours.filter((name) => !theirSet.has(name)),
    ),
    ...idle(
      [...known.differing, ...known.used],
      theirs.filter((name) => ourSet.has(name)),
    ),
  ];
}

function allOf({ values, histograms }: ObservedStats): Readonly<Record<string, number | string>> {
  return { ...values, ...histograms };
}

function testOf(entries: readonly NamedReason[]): (name: string) => boolean {
  const regexes = entries.map(({ names }) => new RegExp(`^(?:${names})$`));
  return (name) => regexes.some((regex) => regex.test(name));
}
