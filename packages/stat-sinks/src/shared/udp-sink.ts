/** A sink that sends statsd lines, of whichever dialect, as datagrams. */
import type { MetricsSnapshot, ObserverContext, SampleUnit, StatsSink, TaggedMetric } from '@mesh/core';
import { datagramTarget, type GivenAddress } from './address.ts';
import { Datagrams } from './datagrams.ts';
import { type LineOptions, StatsdLines } from './lines.ts';
import { Packer } from './packer.ts';

/** Lines that are written in one go, in a fraction of a millisecond. */
const LINES_PER_STEP = 128;

/** Options of {@link UdpStatsdSink}. */
export interface UdpSinkOptions extends LineOptions {
  readonly address: GivenAddress | undefined;
  /** 0: each line is a datagram of its own. */
  readonly maxBytesPerDatagram: number;
  /** Counters: `<name>.lines_dropped`, `<name>.send_errors`. */
  readonly statPrefix: string;
}

export class UdpStatsdSink implements StatsSink {
  private readonly lines: StatsdLines;
  private readonly datagrams: Datagrams;
  private readonly packer: Packer;
  private readonly packed: boolean;
  private scheduled = false;

  constructor(options: UdpSinkOptions, { stats }: Pick<ObserverContext, 'stats'>) {
    const dropped = stats.counter(`${options.statPrefix}.lines_dropped`);
    const errors = stats.counter(`${options.statPrefix}.send_errors`);
    this.lines = new StatsdLines(options);
    this.datagrams = new Datagrams({
      ...datagramTarget(options.address),
      counts: { dropped: (lines) => dropped.add(lines), failed: () => errors.inc() },
    });
    this.packed = options.maxBytesPerDatagram > 0;
    this.packer = new Packer(options.maxBytesPerDatagram, (datagram) => this.datagrams.send(datagram));
  }

  flush(snapshot: MetricsSnapshot): void {
    Array.from(this.flushInSteps(snapshot));
  }

  *flushInSteps({ counters, gauges }: MetricsSnapshot): Generator<void, void, undefined> {
    let lines = 0;
    for (const counter of counters) {
      this.packer.add(this.lines.counter(counter, counter.delta));
      if (++lines % LINES_PER_STEP === 0) yield;
    }
    for (const gauge of gauges) {
      this.packer.add(this.lines.gauge(gauge, gauge.value));
      if (++lines % LINES_PER_STEP === 0) yield;
    }
    this.packer.flush();
  }

  /** Samples go at the end of this turn of the event loop: one by one or, where a size is given, together. */
  onSample(histogram: TaggedMetric & { readonly unit: SampleUnit }, value: number): void {
    this.packer.add(this.lines.sample(histogram, value));
    if (!this.packed || this.scheduled) return;
    this.scheduled = true;
    setImmediate(this.flushSamples);
  }

  private readonly flushSamples = (): void => {
    this.scheduled = false;
    this.packer.flush();
  };

  close(): Promise<void> {
    this.packer.flush();
    return this.datagrams.close();
  }
}
