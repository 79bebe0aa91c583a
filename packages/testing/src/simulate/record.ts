/** What is noted while a simulation runs: counts per column of time, all in typed arrays. */

/** Latency classes: 20 per factor of ten, from 0.1 ms to 100 s. */
const CLASSES_PER_DECADE = 20;
const CLASSES = 6 * CLASSES_PER_DECADE + 1;

/** One host's row. */
export interface HostRecord {
  readonly address: string;
  readonly zone: string;
  readonly priority: number;
  /** Requests sent to it, by column. */
  readonly requests: Uint32Array;
  readonly failures: Uint32Array;
}

export class Recorder {
  readonly bucketMs: number;
  readonly buckets: number;
  readonly hosts: HostRecord[] = [];
  readonly arrivals: Uint32Array;
  /** By what the client got. */
  readonly succeeded: Uint32Array;
  readonly failed: Uint32Array;
  readonly retries: Uint32Array;
  readonly overflows: Uint32Array;
  readonly noHost: Uint32Array;
  /** At the end of each column. */
  readonly healthy: Uint32Array;
  readonly degraded: Uint32Array;
  readonly ejected: Uint32Array;
  readonly members: Uint32Array;
  private readonly classes: Uint32Array;

  constructor(durationMs: number, buckets: number) {
    this.buckets = buckets;
    this.bucketMs = durationMs / buckets;
    const row = () => new Uint32Array(buckets);
    this.arrivals = row();
    this.succeeded = row();
    this.failed = row();
    this.retries = row();
    this.overflows = row();
    this.noHost = row();
    this.healthy = row();
    this.degraded = row();
    this.ejected = row();
    this.members = row();
    this.classes = new Uint32Array(buckets * CLASSES);
  }

  /** The column of a time. */
  at(nowMs: number): number {
    return Math.min(this.buckets - 1, Math.floor(nowMs / this.bucketMs));
  }

  addHost(address: string, zone: string, priority: number): HostRecord {
    const requests = new Uint32Array(this.buckets);
    const host = { address, zone, priority, requests, failures: new Uint32Array(this.buckets) };
    this.hosts.push(host);
    return host;
  }

  addLatency(bucket: number, latencyMs: number): void {
    const place = Math.round((Math.log10(Math.max(latencyMs, 0.1)) + 1) * CLASSES_PER_DECADE);
    const index = bucket * CLASSES + Math.min(place, CLASSES - 1);
    this.classes[index] = (this.classes[index] as number) + 1;
  }

  /** A quantile of a range of columns, within 6 %; NaN without answers. */
  latencyMs(quantile: number, from = 0, to = this.buckets): number {
    const sums = new Float64Array(CLASSES);
    let total = 0;
    for (let bucket = from; bucket < to; bucket++) {
      for (let place = 0; place < CLASSES; place++) {
        const count = this.classes[bucket * CLASSES + place] as number;
        sums[place] = (sums[place] as number) + count;
        total += count;
      }
    }
    let left = quantile * total;
    for (let place = 0; place < CLASSES && total > 0; place++) {
      left -= sums[place] as number;
      if (left <= 0) return 10 ** (place / CLASSES_PER_DECADE - 1);
    }
    return Number.NaN;
  }
}

/** The sum of a range of columns. */
export function sum(row: Uint32Array, from = 0, to = row.length): number {
  let total = 0;
  for (let bucket = from; bucket < to; bucket++) total += row[bucket] as number;
  return total;
}
