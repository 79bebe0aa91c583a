/** What sinks are given in tests: metrics, a context, and a place where datagrams arrive. */
import { createSocket, type Socket } from 'node:dgram';
import type {
  FlushedCounter,
  FlushedGauge,
  FlushedHistogram,
  MetricsSnapshot,
  MetricTag,
  ObserverContext,
  SampleCounts,
  SampleUnit,
} from '@mesh/core';

/** Tags by name. */
export type Tags = Readonly<Record<string, string>>;

function tagged(name: string, tagExtractedName: string, tags: Tags) {
  const list: MetricTag[] = Object.entries(tags).map(([tag, value]) => ({ name: tag, value }));
  return { name, tagExtractedName, tags: list };
}

export function counter(name: string, delta: number, extracted = name, tags: Tags = {}): FlushedCounter {
  return { ...tagged(name, extracted, tags), value: delta + 100, delta };
}

export function gauge(name: string, value: number, extracted = name, tags: Tags = {}): FlushedGauge {
  return { ...tagged(name, extracted, tags), value };
}

/** Samples as counts; each counts for what it is. */
function counts(samples: readonly number[]): SampleCounts {
  return {
    count: samples.length,
    sum: samples.reduce((sum, sample) => sum + sample, 0),
    quantiles: () => [],
    cumulativeBuckets: (bounds) => bounds.map((bound) => samples.filter((sample) => sample <= bound).length),
  };
}

/** What a histogram of {@link histogram} may differ in. */
export interface HistogramOptions {
  readonly unit?: SampleUnit;
  readonly extracted?: string;
  readonly tags?: Tags;
  readonly buckets?: readonly number[];
  readonly interval?: readonly number[];
  readonly cumulative?: readonly number[];
}

export function histogram(name: string, options: HistogramOptions = {}): FlushedHistogram {
  const { unit = 'ms', extracted = name, tags = {}, buckets = [1, 5, 10], interval = [], cumulative = [] } = options;
  return {
    ...tagged(name, extracted, tags),
    unit,
    buckets,
    interval: counts(interval),
    cumulative: counts(cumulative),
  };
}

export function snapshot(parts: Partial<MetricsSnapshot> = {}): MetricsSnapshot {
  return { timeMs: 1000, quantiles: [], counters: [], gauges: [], histograms: [], textReadouts: [], ...parts };
}

/** Counters by name, as a sink's context counts. */
export class Counts {
  private readonly values = new Map<string, number>();

  of(name: string): number {
    return this.values.get(name) ?? 0;
  }

  /** The part of the context that sinks count with. */
  get stats(): ObserverContext['stats'] {
    const counter = (name: string) => {
      const add = (amount: number): void => void this.values.set(name, this.of(name) + amount);
      return { name, value: 0, inc: () => add(1), add };
    };
    return { counter } as unknown as ObserverContext['stats'];
  }
}

/** A UDP socket on a free loopback port. */
export class Receiver {
  readonly received: string[] = [];
  private readonly socket: Socket;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('message', (datagram) => void this.received.push(datagram.toString()));
  }

  static async open(host = '127.0.0.1'): Promise<Receiver> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    await new Promise<void>((resolve) => socket.bind(0, host, resolve));
    return new Receiver(socket);
  }

  get port(): number {
    return this.socket.address().port;
  }

  get lines(): string[] {
    return this.received.flatMap((datagram) => datagram.split('\n'));
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.socket.close(() => resolve()));
  }
}
