/** `/stats?format=json`, in the field order and number format of Envoy. */
import { type Histogram, type HistogramCounts, QUANTILES } from './histogram.ts';
import { formatJsonNumber } from './numbers.ts';
import type { HistogramMode, StatsQuery } from './query.ts';
import { sortedSlices } from './slices.ts';
import type { StatsView } from './store.ts';
import { differences } from './text.ts';

/** Prints the metrics that `query` keeps as one line of JSON. */
export function renderJson(view: StatsView, query: StatsQuery = {}): string {
  return Array.from(jsonPieces(view, query)).join('');
}

/** The same in pieces, each made in a few milliseconds; some are empty. */
export function* jsonPieces(view: StatsView, query: StatsQuery = {}): Generator<string, void, undefined> {
  yield '{"stats":[';
  let separator = '';
  for (const slice of sortedSlices(view, ['textReadout'], query)) {
    const stats = slice.map(({ name, value }) => stat(name, JSON.stringify(value)));
    yield joined(separator, stats);
    if (stats.length > 0) separator = ',';
  }
  for (const slice of sortedSlices(view, ['counter', 'gauge'], query)) {
    const stats = slice.map(({ name, value }) => stat(name, String(value)));
    yield joined(separator, stats);
    if (stats.length > 0) separator = ',';
  }
  yield* histogramPieces(view, query, separator);
  yield ']}';
}

/** Nearly all names stand for themselves, and to look is cheaper than to convert. */
const PLAIN = /^[\w. |/@\-[\]]*$/;

function quoted(name: string): string {
  return PLAIN.test(name) ? `"${name}"` : JSON.stringify(name);
}

function joined(separator: string, parts: readonly string[]): string {
  return parts.length === 0 ? '' : separator + parts.join(',');
}

function stat(name: string, value: string): string {
  return `{"name":${quoted(name)},"value":${value}}`;
}

/** The last of the list, when there are any histograms. */
function* histogramPieces(view: StatsView, query: StatsQuery, before: string): Generator<string, void, undefined> {
  const { start, print, end } = histogramForm(query.histogramMode ?? 'summary');
  let separator = `${before}{"histograms":${start}`;
  let any = false;
  for (const slice of sortedSlices(view, ['histogram'], query)) {
    if (slice.length === 0) yield '';
    for (const histogram of slice) {
      yield separator + print(histogram);
      separator = ',';
      any = true;
    }
  }
  if (any) yield `${end}}`;
}

/** What stands around the histograms, and how each is printed. */
function histogramForm(mode: HistogramMode): {
  readonly start: string;
  readonly print: (histogram: Histogram) => string;
  readonly end: string;
} {
  const quantiles = `[${QUANTILES.map((quantile) => formatJsonNumber(quantile * 100)).join(',')}]`;
  if (mode === 'summary') {
    return {
      start: `{"supported_quantiles":${quantiles},"computed_quantiles":[`,
      print: (histogram) => `{${nameOf(histogram)},"values":${values(histogram)}}`,
      end: ']}',
    };
  }
  if (mode === 'detailed') {
    return { start: `{"supported_percentiles":${quantiles},"details":[`, print: details, end: ']}' };
  }
  return { start: '[', print: (histogram) => `{${nameOf(histogram)},"buckets":${buckets(histogram, mode)}}`, end: ']' };
}

function nameOf(histogram: Histogram): string {
  return `"name":${quoted(histogram.name)}`;
}

function values(histogram: Histogram): string {
  const interval = histogram.interval.quantiles();
  const cumulative = histogram.cumulative.quantiles();
  const pairs = QUANTILES.map(
    (_, i) => `{"cumulative":${formatJsonNumber(cumulative[i]!)},"interval":${formatJsonNumber(interval[i]!)}}`,
  );
  return `[${pairs.join(',')}]`;
}

function details(histogram: Histogram): string {
  const totals = bins(histogram.cumulative);
  const intervals = bins(histogram.interval);
  return `{${nameOf(histogram)},"totals":${totals},"intervals":${intervals},"percentiles":${values(histogram)}}`;
}

function bins(counts: HistogramCounts): string {
  const filled = counts.filledBins().map((bin) => {
    const bounds = `"lower_bound":${formatJsonNumber(bin.lowerBound)},"width":${formatJsonNumber(bin.width)}`;
    return `{${bounds},"count":${bin.count}}`;
  });
  return `[${filled.join(',')}]`;
}

function buckets(histogram: Histogram, mode: 'cumulative' | 'disjoint'): string {
  let interval = histogram.interval.cumulativeBuckets(histogram.buckets);
  let cumulative = histogram.cumulative.cumulativeBuckets(histogram.buckets);
  if (mode === 'disjoint') {
    interval = differences(interval);
    cumulative = differences(cumulative);
  }
  const entries = histogram.buckets.map((bound, i) => {
    return `{"upper_bound":${formatJsonNumber(bound)},"interval":${interval[i]},"cumulative":${cumulative[i]}}`;
  });
  return `[${entries.join(',')}]`;
}
