/** Histograms whose quantiles, sums and buckets come out as Envoy's do. Recording allocates nothing once a decade is known. */
import { binLeft, binMidpoint, binOf, binsForDecades, binWidth } from './bins.ts';

/** The quantiles Envoy reports. */
export const QUANTILES: readonly number[] = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1];

/** Upper bounds of the buckets in Prometheus text unless `histogram_bucket_settings` says otherwise. */
export const DEFAULT_BUCKETS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

/** What a histogram's samples are; only for people and exporters, the numbers are recorded as they come. */
export type HistogramUnit = 'ms' | 'us' | 'bytes' | 'percent' | 'none';

/** Hears of every sample as it is recorded. */
export interface SampleWatcher {
  sample(value: number): void;
}

/** One filled bin, for `histogram_buckets=detailed`. */
export interface FilledBin {
  readonly lowerBound: number;
  readonly width: number;
  readonly count: number;
}

type Bins = Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

const FIRST_DECADES = 4;

/** Frozen counts of one period, and the questions the formats ask of them. */
export class HistogramCounts {
  readonly bins: Bins;

  constructor(bins: Bins) {
    this.bins = bins;
  }

  /** Number of samples. */
  get count(): number {
    let total = 0;
    for (const count of this.bins) total += count;
    return total;
  }

  /** Sum of the samples, each taken as the middle of its bin. */
  get sum(): number {
    let sum = 0;
    this.eachFilled((bin, count) => {
      sum += binMidpoint(bin) * count;
    });
    return sum;
  }

  /** One value per entry of {@link QUANTILES}; all NaN when there are no samples. */
  quantiles(): number[] {
    const total = this.count;
    if (total === 0) return QUANTILES.map(() => Number.NaN);
    const filled = this.filledIndexes();
    let position = 0;
    let below = 0;
    return QUANTILES.map((quantile) => {
      const rank = Math.max(1, Math.ceil(quantile * total));
      while (position < filled.length - 1 && below + this.at(filled[position]!) < rank) {
        below += this.at(filled[position]!);
        position++;
      }
      const bin = filled[position]!;
      return binLeft(bin) + ((rank - below) / (this.at(bin) + 1)) * binWidth(bin);
    });
  }

  /** For each upper bound the number of samples whose bin starts at or below it. */
  cumulativeBuckets(upperBounds: readonly number[]): number[] {
    const filled = this.filledIndexes();
    let position = 0;
    let running = 0;
    return upperBounds.map((bound) => {
      for (; position < filled.length && binLeft(filled[position]!) <= bound; position++) {
        running += this.at(filled[position]!);
      }
      return running;
    });
  }

  /** The bins that hold samples, lowest first. */
  filledBins(): FilledBin[] {
    return this.filledIndexes().map((bin) => ({ lowerBound: binLeft(bin), width: binWidth(bin), count: this.at(bin) }));
  }

  private at(bin: number): number {
    return this.bins[bin] ?? 0;
  }

  private filledIndexes(): number[] {
    const indexes: number[] = [];
    this.eachFilled((bin) => indexes.push(bin));
    return indexes;
  }

  private eachFilled(visit: (bin: number, count: number) => void): void {
    for (let bin = 0; bin < this.bins.length; bin++) {
      const count = this.bins[bin]!;
      if (count !== 0) visit(bin, count);
    }
  }
}

/**
 * Samples of one quantity. They gather in the running interval; `flush` (every `stats_flush_interval`) moves them to
 * the totals, and only flushed samples are shown, as in Envoy.
 */
export class Histogram {
  readonly name: string;
  /** What the samples are. */
  unit: HistogramUnit;
  readonly buckets: readonly number[];
  /** Set only while a stats sink wants single samples. */
  watcher: SampleWatcher | undefined = undefined;
  /** @internal How many open scopes hold it; the store's. */
  holders = 0;
  /** @internal Where it puts itself down when there will be something to flush. */
  unflushed: Set<Histogram> | undefined = undefined;
  private running: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  private lastInterval: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  private totals: Float64Array<ArrayBuffer> = new Float64Array(0);
  private dirty = false;
  private lastIntervalFilled = false;
  private everFlushed = false;

  constructor(name: string, unit: HistogramUnit = 'ms', buckets: readonly number[] = DEFAULT_BUCKETS) {
    this.name = name;
    this.unit = unit;
    this.buckets = buckets;
  }

  /** Adds one sample. Fractions are dropped; see `binOf`. */
  record(value: number): void {
    const bin = binOf(value);
    if (bin >= this.running.length) this.grow(bin);
    this.running[bin]!++;
    if (!this.dirty) this.soil();
    if (this.watcher !== undefined) this.watcher.sample(value);
  }

  /** Ends the interval: its samples join the totals. False when the next flush can do without this histogram. */
  flush(): boolean {
    if (!this.dirty) {
      if (this.lastIntervalFilled) this.lastInterval.fill(0);
      this.lastIntervalFilled = false;
      return false;
    }
    for (let bin = 0; bin < this.running.length; bin++) this.totals[bin]! += this.running[bin]!;
    const finished = this.running;
    this.running = this.lastInterval;
    this.running.fill(0);
    this.lastInterval = finished;
    this.dirty = false;
    this.lastIntervalFilled = true;
    this.everFlushed = true;
    return true;
  }

  /** Adds the flushed counts of the same histogram in another process, as [bin, count] pairs. */
  merge(interval: readonly (readonly [bin: number, count: number])[], cumulative: typeof interval): void {
    if (cumulative.length === 0) return;
    for (const [bin, count] of cumulative) {
      if (bin >= this.running.length) this.grow(bin);
      this.totals[bin]! += count;
    }
    for (const [bin, count] of interval) this.lastInterval[bin]! += count;
    this.lastIntervalFilled = true;
    this.everFlushed = true;
    this.unflushed?.add(this);
  }

  /** Counts of the last finished interval. */
  get interval(): HistogramCounts {
    return new HistogramCounts(this.lastInterval);
  }

  /** Counts since the start, up to the last flush. */
  get cumulative(): HistogramCounts {
    return new HistogramCounts(this.totals);
  }

  /** Whether a flush ever found samples: what `?usedonly` shows. */
  get used(): boolean {
    return this.everFlushed;
  }

  /** With the first sample of an interval. */
  private soil(): void {
    this.dirty = true;
    this.unflushed?.add(this);
  }

  private grow(bin: number): void {
    let decades = FIRST_DECADES;
    while (binsForDecades(decades) <= bin) decades += 2;
    const length = binsForDecades(decades);
    this.running = widen(new Uint32Array(length), this.running);
    this.lastInterval = widen(new Uint32Array(length), this.lastInterval);
    this.totals = widen(new Float64Array(length), this.totals);
  }
}

function widen<T extends Bins>(wider: T, counts: T): T {
  wider.set(counts);
  return wider;
}
