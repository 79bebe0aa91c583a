/**
 * Listings of very many metrics in slices of a few milliseconds, between which other work can be done. A slice may be
 * empty: then there is nothing to show yet.
 */
import type { Histogram } from './histogram.ts';
import type { Counter, Gauge, TextReadout } from './metrics.ts';
import { type StatsQuery, type StatsType, sortKey } from './query.ts';
import type { MetricKind, StatsView } from './store.ts';

/** Metrics that are looked at, sorted or printed in one go. */
const SLICE = 1024;

/** A metric with what it is sorted by. */
export interface Keyed<T> {
  readonly metric: T;
  readonly key: string;
}

/** A metric of one of the kinds. */
interface Kinds {
  readonly counter: Counter;
  readonly gauge: Gauge;
  readonly histogram: Histogram;
  readonly textReadout: TextReadout;
}

const TYPES: Readonly<Record<MetricKind, StatsType>> = {
  counter: 'Counters',
  gauge: 'Gauges',
  histogram: 'Histograms',
  textReadout: 'TextReadouts',
};

/** The metrics of some kinds that a query keeps, together, by name. */
export function* sortedSlices<Kind extends MetricKind>(
  view: StatsView,
  kinds: readonly Kind[],
  query: Pick<StatsQuery, 'usedOnly' | 'matches' | 'type'>,
): Generator<readonly Kinds[Kind][], void, undefined> {
  const { usedOnly = false, matches, type = 'All' } = query;
  const runs: Keyed<Kinds[Kind]>[][] = [];
  let run: Keyed<Kinds[Kind]>[] = [];
  let seen = 0;
  for (const kind of kinds) {
    if (type !== 'All' && type !== TYPES[kind]) continue;
    for (const entry of entriesOf(view, kind)) {
      const { metric } = entry;
      if ((!usedOnly || metric.used) && (matches?.(metric.name) ?? true)) run.push(entry);
      if (++seen % SLICE !== 0) continue;
      if (run.length >= SLICE) {
        runs.push(run.sort(byKey));
        run = [];
      }
      yield [];
    }
  }
  runs.push(run.sort(byKey));
  yield* mergedRuns(runs);
}

function entriesOf<Kind extends MetricKind>(view: StatsView, kind: Kind): Iterable<Keyed<Kinds[Kind]>> {
  if (view.unsorted !== undefined) return view.unsorted(kind) as Iterable<Keyed<Kinds[Kind]>>;
  const list = {
    counter: () => view.counters(),
    gauge: () => view.gauges(),
    histogram: () => view.histograms(),
    textReadout: () => view.textReadouts(),
  }[kind]() as unknown as readonly Kinds[Kind][];
  return list.map((metric) => ({ metric, key: sortKey(metric.name) }));
}

function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

/** The next of a run that is not used up. */
interface Head<T> {
  readonly run: readonly Keyed<T>[];
  at: number;
  key: string;
}

/** Merges sorted runs with a heap of their heads. */
function* mergedRuns<T>(runs: readonly (readonly Keyed<T>[])[]): Generator<readonly T[], void, undefined> {
  const heap: Head<T>[] = runs.flatMap((run) => (run[0] === undefined ? [] : [{ run, at: 0, key: run[0].key }]));
  for (let at = (heap.length >> 1) - 1; at >= 0; at--) sink(heap, at);
  let slice: T[] = [];
  while (heap.length > 0) {
    const head = heap[0] as Head<T>;
    slice.push((head.run[head.at] as Keyed<T>).metric);
    const next = head.run[++head.at];
    if (next !== undefined) head.key = next.key;
    else {
      const last = heap.pop() as Head<T>;
      if (heap.length > 0) heap[0] = last;
    }
    sink(heap, 0);
    if (slice.length === SLICE) {
      yield slice;
      slice = [];
    }
  }
  yield slice;
}

function sink<T>(heap: Head<T>[], from: number): void {
  const moved = heap[from];
  if (moved === undefined) return;
  let at = from;
  for (;;) {
    let child = 2 * at + 1;
    const left = heap[child];
    if (left === undefined) break;
    const right = heap[child + 1];
    if (right !== undefined && right.key < left.key) child++;
    const smaller = heap[child] as Head<T>;
    if (moved.key <= smaller.key) break;
    heap[at] = smaller;
    at = child;
  }
  heap[at] = moved;
}
