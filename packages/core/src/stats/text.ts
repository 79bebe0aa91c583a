/** `/stats` as text: `name: value` lines, text readouts first, then counters and gauges, then histograms. */
import { type FilledBin, type Histogram, QUANTILES } from './histogram.ts';
import { formatG, formatShortest } from './numbers.ts';
import type { HistogramMode, StatsQuery } from './query.ts';
import { sortedSlices } from './slices.ts';
import type { StatsView } from './store.ts';

/** Prints the metrics that `query` keeps. Text readouts are quoted and escaped for HTML, as Envoy does. */
export function renderText(view: StatsView, query: StatsQuery = {}): string {
  return Array.from(textPieces(view, query)).join('');
}

/** The same in pieces, each made in a few milliseconds; some are empty. */
export function* textPieces(view: StatsView, query: StatsQuery = {}): Generator<string, void, undefined> {
  const mode = query.histogramMode ?? 'summary';
  for (const slice of sortedSlices(view, ['textReadout'], query)) {
    yield slice.map(({ name, value }) => `${name}: "${escapeHtml(value)}"\n`).join('');
  }
  for (const slice of sortedSlices(view, ['counter', 'gauge'], query)) {
    yield slice.map(({ name, value }) => `${name}: ${value}\n`).join('');
  }
  for (const slice of sortedSlices(view, ['histogram'], query)) {
    if (slice.length === 0) yield '';
    // One by one: the quantiles of a histogram take as long as a hundred counters.
    for (const histogram of slice) yield histogramLine(histogram, mode);
  }
}

/** Replaces the five characters that matter in HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => HTML_ESCAPES[character]!);
}

const HTML_ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function histogramLine(histogram: Histogram, mode: HistogramMode): string {
  if (!histogram.used) return `${histogram.name}: No recorded values\n`;
  if (mode === 'summary') return `${histogram.name}: ${summary(histogram)}\n`;
  if (mode === 'detailed') return detailed(histogram);
  return `${histogram.name}: ${buckets(histogram, mode)}\n`;
}

function summary(histogram: Histogram): string {
  const interval = histogram.interval.quantiles();
  const cumulative = histogram.cumulative.quantiles();
  return QUANTILES.map((quantile, i) => {
    const values = `${formatShortest(interval[i]!)},${formatShortest(cumulative[i]!)}`;
    return `P${formatG(quantile * 100)}(${values})`;
  }).join(' ');
}

function buckets(histogram: Histogram, mode: 'cumulative' | 'disjoint'): string {
  let interval = histogram.interval.cumulativeBuckets(histogram.buckets);
  let cumulative = histogram.cumulative.cumulativeBuckets(histogram.buckets);
  if (mode === 'disjoint') {
    interval = differences(interval);
    cumulative = differences(cumulative);
  }
  return histogram.buckets.map((bound, i) => `B${formatG(bound)}(${interval[i]},${cumulative[i]})`).join(' ');
}

function detailed(histogram: Histogram): string {
  const bins = (filled: FilledBin[]): string =>
    filled.map((bin) => `${formatG(bin.lowerBound)},${formatG(bin.width)}:${bin.count}`).join(', ');
  return (
    `${histogram.name}:\n` +
    `  totals=${bins(histogram.cumulative.filledBins())}\n` +
    `  intervals=${bins(histogram.interval.filledBins())}\n` +
    `  summary=${summary(histogram)}\n`
  );
}

/** Counts per bucket alone from counts up to each bound. */
export function differences(cumulative: readonly number[]): number[] {
  return cumulative.map((count, i) => count - (cumulative[i - 1] ?? 0));
}
