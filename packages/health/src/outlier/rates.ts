/** Success rates: how they are counted per host, and what makes an outlier among several. */

/** Counts outcomes by interval: one is filled while the last one is looked at. */
export class RateCounter {
  private total = 0;
  private successes = 0;
  /** Requests of the last interval. */
  volume = 0;
  private lastSuccesses = 0;

  success(): void {
    this.total++;
    this.successes++;
  }

  failure(): void {
    this.total++;
  }

  /** An interval is over. */
  turn(): void {
    this.volume = this.total;
    this.lastSuccesses = this.successes;
    this.total = 0;
    this.successes = 0;
  }

  /** Percent of the last interval's requests; there must have been some. */
  get rate(): number {
    return (this.lastSuccesses * 100) / this.volume;
  }
}

/** What the rates of a cluster's hosts come to. */
export interface Spread {
  readonly average: number;
  /** Whoever is below is an outlier. */
  readonly threshold: number;
}

export const NO_SPREAD: Spread = Object.freeze({ average: -1, threshold: -1 });

/** Mean, and mean less `factor` standard deviations (of the population), of at least one rate. */
export function spreadOf(rates: readonly number[], factor: number): Spread {
  const average = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - average) ** 2, 0) / rates.length;
  return { average, threshold: average - factor * Math.sqrt(variance) };
}
