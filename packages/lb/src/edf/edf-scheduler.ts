/**
 * Earliest deadline first: an entry is due 1/weight after it was last picked, and the first one due is picked; among
 * equals the one that was entered first. Each entry stands in the queue exactly once, so that the queue is a binary heap of
 * entry numbers over flat arrays, and a pick re-enters its entry in place:
 *
 *   heap       2  0  1 …      entry numbers, heap[0] is due first
 *   deadlines  by entry
 *   orders     by entry: when it was entered, for ties
 */

/** The weight of an entry by its number; greater than 0. It is asked whenever the entry is entered again. */
export type WeightOf = (entry: number) => number;

/** Starting points repeat after so many picks, as in Envoy. */
const MOST_PICKS = 429_496_729;

/** Keeps weights that are multiples of one another from ending in deadlines that differ by a rounding error. */
const EPSILON = 1e-13;

export class EdfScheduler {
  private readonly weightOf: WeightOf;
  private readonly heap: Int32Array;
  private readonly deadlines: Float64Array;
  private readonly orders: Float64Array;
  /** Picks that were told ahead of time, in order; they are given out before anything else. */
  private readonly ahead: number[] = [];
  private now = 0;
  private order: number;

  /** Stands where a scheduler of these weights stands after `picks` picks; that takes no longer than a pick per entry. */
  constructor(size: number, weightOf: WeightOf, picks = 0) {
    this.weightOf = weightOf;
    this.heap = new Int32Array(size);
    this.deadlines = new Float64Array(size);
    this.orders = new Float64Array(size);
    this.order = size;
    if (size > 0) this.start(picks % MOST_PICKS);
  }

  /** The entry that is due; -1 when there are none. */
  pick(): number {
    if (this.ahead.length > 0) return this.ahead.shift() as number;
    return this.next();
  }

  /** Each call tells one pick further ahead; the picks that follow are as told. -1 when there are no entries. */
  peek(): number {
    const entry = this.next();
    if (entry >= 0) this.ahead.push(entry);
    return entry;
  }

  /** Of p picks each entry has had at least its share of them, rounded down; only the rest is really picked. */
  private start(picks: number): void {
    const { heap, deadlines, orders } = this;
    const size = heap.length;
    let sum = 0;
    for (let entry = 0; entry < size; entry++) sum += this.weightOf(entry) + EPSILON;
    let done = 0;
    for (let entry = 0; entry < size; entry++) {
      const weight = this.weightOf(entry) + EPSILON;
      let had = Math.floor((weight * picks) / sum);
      // Arithmetic and mathematics may differ by one.
      if (had > 0 && had / weight >= picks / sum) had--;
      deadlines[entry] = (had + 1) / weight;
      orders[entry] = entry;
      heap[entry] = entry;
      this.now = Math.max(this.now, had / weight);
      done += had;
    }
    for (let place = (size >> 1) - 1; place >= 0; place--) this.sink(place);
    for (; done < picks; done++) this.next();
  }

  private next(): number {
    if (this.heap.length === 0) return -1;
    const entry = this.heap[0] as number;
    this.now = this.deadlines[entry] as number;
    this.deadlines[entry] = this.now + 1 / this.weightOf(entry);
    this.orders[entry] = this.order++;
    this.sink(0);
    return entry;
  }

  /** Moves the entry at `place` down to where it belongs. */
  private sink(place: number): void {
    const { heap, deadlines, orders } = this;
    const size = heap.length;
    const entry = heap[place] as number;
    const deadline = deadlines[entry] as number;
    const order = orders[entry] as number;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= size) break;
      let first = heap[child] as number;
      const other = child + 1 < size ? (heap[child + 1] as number) : first;
      const gap = (deadlines[other] as number) - (deadlines[first] as number);
      if (gap < 0 || (gap === 0 && (orders[other] as number) < (orders[first] as number))) {
        first = other;
        child++;
      }
      const behind = deadline - (deadlines[first] as number);
      if (behind < 0 || (behind === 0 && order < (orders[first] as number))) break;
      heap[place] = first;
      place = child;
    }
    heap[place] = entry;
  }
}
