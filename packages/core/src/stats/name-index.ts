/**
 * Metrics in the order of their names, kept while they come and go, so that a listing need not sort a million of them.
 * A tree by the parts of the names: what shares its first parts lies in one bucket until the bucket is full, which is
 * then split by the next part. Buckets and parts are sorted when they are first listed after a change.
 */
import { sortKey } from './query.ts';

/** Names that a bucket holds before it is split. */
const BUCKET = 256;

/** What can be listed. */
interface Named {
  readonly name: string;
}

/** Names that begin with the same parts. */
interface Bucket<T> {
  readonly metrics: T[];
  sorted: boolean;
}

/** A bucket that was split. */
interface Branch<T> {
  /** Those whose name ends here. */
  readonly ended: T[];
  readonly children: Map<string, Bucket<T> | Branch<T>>;
  /** The parts in order; undefined when some have come or gone since the last listing. */
  parts: readonly string[] | undefined;
  /** How often parts have come or gone. */
  changes: number;
}

/** An ordered collection of metrics; two of one name are listed in the order they came. */
export class NameIndex<T extends Named> {
  private readonly root: Branch<T> = emptyBranch();

  /** Adds a metric, which must not be in it yet. */
  add(metric: T): void {
    insert(this.root, metric, 0);
  }

  /** Takes a metric out; harmless when it is not in it. */
  delete(metric: T): void {
    remove(this.root, metric, 0);
  }

  /** All of it in order, a few hundred at a time. Metrics may come and go between two slices. */
  slices(): Generator<readonly T[], void, undefined> {
    return walk(this.root);
  }
}

function emptyBranch<T>(): Branch<T> {
  return { ended: [], children: new Map(), parts: undefined, changes: 0 };
}

/** `from` is where the part of the name begins that tells the children of `branch` apart. */
function insert<T extends Named>(branch: Branch<T>, metric: T, from: number): void {
  const { name } = metric;
  let node = branch;
  for (let at = from; at <= name.length; ) {
    const end = endOfPart(name, at);
    const part = name.slice(at, end);
    const child = node.children.get(part);
    at = end + 1;
    if (child === undefined) {
      node.children.set(part, { metrics: [metric], sorted: true });
      changed(node);
      return;
    }
    if ('metrics' in child) {
      child.metrics.push(metric);
      child.sorted = false;
      if (child.metrics.length > BUCKET) node.children.set(part, split(child, at));
      return;
    }
    node = child;
  }
  node.ended.push(metric);
}

function split<T extends Named>({ metrics }: Bucket<T>, from: number): Branch<T> {
  const branch = emptyBranch<T>();
  for (const metric of metrics) insert(branch, metric, from);
  return branch;
}

/** Whether nothing is left below `branch`. */
function remove<T extends Named>(branch: Branch<T>, metric: T, from: number): boolean {
  const { name } = metric;
  if (from > name.length) take(branch.ended, metric);
  else {
    const end = endOfPart(name, from);
    const part = name.slice(from, end);
    const child = branch.children.get(part);
    if (child === undefined) return false;
    const empty = 'metrics' in child ? take(child.metrics, metric) : remove(child, metric, end + 1);
    if (empty) {
      branch.children.delete(part);
      changed(branch);
    }
  }
  return branch.children.size === 0 && branch.ended.length === 0;
}

/** Whether the list is empty then. */
function take<T>(list: T[], item: T): boolean {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
  return list.length === 0;
}

function changed<T>(branch: Branch<T>): void {
  branch.parts = undefined;
  branch.changes++;
}

function endOfPart(name: string, from: number): number {
  const dot = name.indexOf('.', from);
  return dot < 0 ? name.length : dot;
}

/** A branch goes before its children, since a name sorts before those that it begins. */
function* walk<T extends Named>(branch: Branch<T>): Generator<readonly T[], void, undefined> {
  if (branch.ended.length > 0) yield branch.ended.slice();
  let slice: T[] = [];
  for (const part of yield* partsOf(branch)) {
    const child = branch.children.get(part);
    if (child === undefined) continue;
    if (slice.length > BUCKET || (slice.length > 0 && !('metrics' in child))) {
      yield slice;
      slice = [];
    }
    if (!('metrics' in child)) yield* walk(child);
    else for (const metric of inOrder(child)) slice.push(metric);
  }
  yield slice;
}

function inOrder<T extends Named>(bucket: Bucket<T>): readonly T[] {
  const { metrics } = bucket;
  if (bucket.sorted) return metrics;
  const keyed = metrics.map((metric) => ({ metric, key: sortKey(metric.name) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  for (let at = 0; at < keyed.length; at++) metrics[at] = keyed[at]?.metric as T;
  bucket.sorted = true;
  return metrics;
}

/** Parts that are sorted in one go, in about a millisecond; more are sorted in runs of this many, which are merged. */
const RUN = 2048;

/** The sorted parts below a branch; while they are sorted it yields empty slices. */
function* partsOf<T>(branch: Branch<T>): Generator<readonly T[], readonly string[], undefined> {
  if (branch.parts !== undefined) return branch.parts;
  const { changes } = branch;
  const sorted = yield* sortedRuns<T>(Array.from(branch.children.keys()));
  if (branch.changes === changes) branch.parts = sorted;
  return sorted;
}

function* sortedRuns<T>(parts: readonly string[]): Generator<readonly T[], readonly string[], undefined> {
  let runs: string[][] = [];
  for (let at = 0; at < parts.length; at += RUN) {
    runs.push(parts.slice(at, at + RUN).sort());
    if (parts.length > RUN) yield [];
  }
  while (runs.length > 1) {
    const merged: string[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      merged.push(yield* mergedRuns<T>(runs[at] as string[], runs[at + 1] ?? []));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

function* mergedRuns<T>(
  left: readonly string[],
  right: readonly string[],
): Generator<readonly T[], string[], undefined> {
  const merged: string[] = [];
  let [atLeft, atRight] = [0, 0];
  while (atLeft < left.length || atRight < right.length) {
    const [first, second] = [left[atLeft], right[atRight]];
    if (second === undefined || (first !== undefined && first <= second)) {
      merged.push(first as string);
      atLeft++;
    } else {
      merged.push(second);
      atRight++;
    }
    if (merged.length % RUN === 0) yield [];
  }
  return merged;
}
