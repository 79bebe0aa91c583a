/** Counters, gauges and text readouts: plain fixed-shape objects, so that counting is one addition. */

/** A number that only grows. On the hot path write `counter.value++`; `inc` and `add` are the same for everyone else. */
export class Counter {
  readonly name: string;
  value = 0;
  /** @internal How many open scopes hold it; the store's. */
  holders = 0;
  /** What of `value` the last flush has seen; below zero after a reset, so that nothing added before it is lost. */
  private latched = 0;
  private usedBeforeReset = false;

  constructor(name: string) {
    this.name = name;
  }

  /** Adds one. */
  inc(): void {
    this.value++;
  }

  /** Adds `amount`, which must not be negative. */
  add(amount: number): void {
    this.value += amount;
  }

  /** From now on it counts as used, whatever its value. */
  touch(): void {
    this.usedBeforeReset = true;
  }

  /** Back to zero, by `/reset_counters`. The counter still counts as used. */
  reset(): void {
    if (this.value !== 0) this.usedBeforeReset = true;
    this.latched -= this.value;
    this.value = 0;
  }

  /** What was added since it was last called: for the one who flushes to stats sinks. */
  latch(): number {
    const delta = this.value - this.latched;
    this.latched = this.value;
    return delta;
  }

  /** Adds the same counter of another process. */
  merge(value: number, used: boolean): void {
    this.value += value;
    if (used) this.usedBeforeReset = true;
  }

  /** Whether it was ever incremented: what `?usedonly` shows. */
  get used(): boolean {
    return this.value !== 0 || this.usedBeforeReset;
  }
}

/** A number that goes up and down. */
export class Gauge {
  readonly name: string;
  value = 0;
  /** @internal How many open scopes hold it; the store's. */
  holders = 0;
  private touched = false;

  constructor(name: string) {
    this.name = name;
  }

  /** Replaces the value. */
  set(value: number): void {
    this.value = value;
    this.touched = true;
  }

  /** Adds one. */
  inc(): void {
    this.value++;
    this.touched = true;
  }

  /** Takes one away. */
  dec(): void {
    this.value--;
    this.touched = true;
  }

  /** Adds `amount`, which may be negative. */
  add(amount: number): void {
    this.value += amount;
    this.touched = true;
  }

  /** From now on it counts as used, whatever its value. */
  touch(): void {
    this.touched = true;
  }

  /** Whether it was ever set, even to zero: what `?usedonly` shows. */
  get used(): boolean {
    return this.touched || this.value !== 0;
  }
}

/** A short string among the stats, such as a config version. */
export class TextReadout {
  readonly name: string;
  value = '';
  /** @internal How many open scopes hold it; the store's. */
  holders = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Replaces the text. */
  set(value: string): void {
    this.value = value;
  }

  /** Whether it holds any text. */
  get used(): boolean {
    return this.value !== '';
  }
}
