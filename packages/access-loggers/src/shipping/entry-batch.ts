/**
 * Entries on their way to a service: collected until there are enough of them or some time has passed, then shipped as
 * one message (Envoy's `GrpcAccessLogger`). Invariant: what it holds is bounded whatever the service does; entries beyond
 * are dropped and counted, and nobody waits.
 */
import { type Counter, TimerEntry, type Timers } from '@mesh/core';

/** Without batching (`buffer_size_bytes: 0`) this much is held while the service takes nothing. */
const HELD_WITHOUT_BATCHING = 1_048_576;

/** What becomes of a batch. */
export interface Shipper {
  /** Sends the entries; false: it cannot at the moment, keep them. */
  ship(entries: readonly Uint8Array[]): boolean;
}

/** The counters of a logger; `undefined` where Envoy counts nothing. */
export interface BatchCounters {
  readonly written: Counter | undefined;
  readonly dropped: Counter | undefined;
}

/** How much is collected. */
export interface BatchLimits {
  readonly flushIntervalMs: number;
  /** 0 ships every entry by itself. */
  readonly limitBytes: number;
}

export class EntryBatch extends TimerEntry {
  private readonly shipper: Shipper;
  private readonly timers: Timers;
  private readonly limits: BatchLimits;
  private readonly counters: BatchCounters;
  private entries: Uint8Array[] = [];
  private bytes = 0;

  constructor(shipper: Shipper, timers: Timers, limits: BatchLimits, counters: BatchCounters) {
    super();
    this.shipper = shipper;
    this.timers = timers;
    this.limits = limits;
    this.counters = counters;
  }

  /** Whether one more entry may come; asked before it is made. Counts it as written, or as dropped. */
  admits(): boolean {
    if (this.full) this.flush();
    if (this.full) {
      this.counters.dropped?.inc();
      return false;
    }
    this.counters.written?.inc();
    return true;
  }

  private get full(): boolean {
    const { limitBytes } = this.limits;
    return this.bytes >= (limitBytes === 0 ? HELD_WITHOUT_BATCHING : limitBytes);
  }

  /** Takes an entry that {@link admits} has let in. */
  add(entry: Uint8Array): void {
    this.entries.push(entry);
    this.bytes += entry.length;
    if (this.bytes >= this.limits.limitBytes) this.flush();
    else if (!this.armed) this.timers.arm(this, this.limits.flushIntervalMs);
  }

  onDue(): void {
    this.flush();
  }

  /** Ships what there is, if the service takes it. */
  flush(): void {
    const { entries } = this;
    if (entries.length === 0) return;
    if (this.shipper.ship(entries)) {
      this.entries = [];
      this.bytes = 0;
      this.disarm();
    } else if (!this.armed) this.timers.arm(this, this.limits.flushIntervalMs);
  }

  /** Nothing more comes: what cannot be shipped now is dropped. */
  close(): void {
    this.flush();
    this.disarm();
    this.counters.dropped?.add(this.entries.length);
    this.entries = [];
    this.bytes = 0;
  }
}
