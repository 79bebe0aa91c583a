/** `/stats?format=json`, in the field order and number format of Envoy. */
import { type Histogram, type HistogramCounts, QUANTILES } from './histogram.ts';
import { formatJsonNumber } from './numbers.ts';
import { countersAndGauges, type HistogramMode, type StatsQuery, select } from './query.ts';
import type { StatsView } from './store.ts';
import { differences } from './text.ts';

/** Prints the metrics that `query` keeps as one line of JSON. */
export function renderJson(view: StatsView, query: StatsQuery = {}): string {
  const selection = select(view, query);
  const parts: string[] = [];
  for (const text of selection.textReadouts) parts.push(stat(text.name, JSON.stringify(text.value)));
  for (const metric of countersAndGauges(selection)) parts.push(stat(metric.name, String(metric.value)));
  if (selection.histograms.length > 0) {
    parts.push(`{"histograms":${histograms(selection.histograms, query.histogramMode ?? 'summary')}}`);
  }
  return `{"stats":[${parts.join(',')}]}`;
}

function stat(name: string, value: string): string {
  return `{"name":${JSON.stringify(name)},"value":${value}}`;
}

function histograms(list: readonly Histogram[], mode: HistogramMode): string {
  const quantiles = `[${QUANTILES.map((quantile) => formatJsonNumber(quantile * 100)).join(',')}]`;
  if (mode === 'summary') {
    const computed = list.map((histogram) => `{${nameOf(histogram)},"values":${values(histogram)}}`);
    return `{"supported_quantiles":${quantiles},"computed_quantiles":[${computed.join(',')}]}`;
  }
  if (mode === 'detailed') {
    return `{"supported_percentiles":${quantiles},"details":[${list.map(details).join(',')}]}`;
  }
  return `[${list.map((histogram) => `{${nameOf(histogram)},"buckets":${buckets(histogram, mode)}}`).join(',')}]`;
}

function nameOf(histogram: Histogram): string {
  return `"name":${JSON.stringify(histogram.name)}`;
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
