/** The metric handles that extensions count with. Names are joined once, at config time; counting is one addition. */

/** Only goes up. */
export interface Counter {
  readonly name: string;
  readonly value: number;
  inc(): void;
  add(amount: number): void;
}

/** Tells what is so now. */
export interface Gauge {
  readonly name: string;
  readonly value: number;
  set(value: number): void;
  inc(): void;
  dec(): void;
}

/** Keeps how samples are spread. */
export interface Histogram {
  readonly name: string;
  /** Records one sample; milliseconds unless the name says otherwise. */
  record(value: number): void;
}

/** A name prefix. The same full name always gives the same metric. */
export interface StatsScope {
  counter(name: string): Counter;
  gauge(name: string): Gauge;
  histogram(name: string): Histogram;
  scope(name: string): StatsScope;
}
