/**
 * The log-linear bins of Envoy's histograms: one bin for zero, then 90 per decade (two significant digits).
 * A bin is an integer, so counts live in typed arrays. Bin 1 + 90·e + (v − 10) holds [v/10 · 10^e, (v+1)/10 · 10^e).
 */

const BINS_PER_DECADE = 90;
const HIGHEST = 1e15;

/** Bins needed for samples below 10^`decades`. */
export function binsForDecades(decades: number): number {
  return 1 + decades * BINS_PER_DECADE;
}

/**
 * The bin of a sample. Fractions are dropped as Envoy records whole units; negative samples and NaN fall into the
 * zero bin and everything from 10^15 into one bin.
 */
export function binOf(sample: number): number {
  if (!(sample >= 1)) return 0;
  let digits = Math.floor(Math.min(sample, HIGHEST));
  if (digits < 10) return 1 + (digits * 10 - 10);
  let exponent = 1;
  while (digits >= 100) {
    digits = Math.floor(digits / 10);
    exponent++;
  }
  return 1 + exponent * BINS_PER_DECADE + digits - 10;
}

/** Lower bound of a bin. */
export function binLeft(bin: number): number {
  if (bin === 0) return 0;
  const position = bin - 1;
  return (((position % BINS_PER_DECADE) + 10) / 10) * 10 ** Math.floor(position / BINS_PER_DECADE);
}

/** Width of a bin; 0 for the zero bin. */
export function binWidth(bin: number): number {
  if (bin === 0) return 0;
  return 10 ** Math.floor((bin - 1) / BINS_PER_DECADE) / 10;
}

/** The value that stands for a bin in sums: the harmonic mean of its bounds, as the library Envoy uses has it. */
export function binMidpoint(bin: number): number {
  if (bin === 0) return 0;
  const left = binLeft(bin);
  const width = binWidth(bin);
  return left + width * (left / (left + (left + width)));
}
