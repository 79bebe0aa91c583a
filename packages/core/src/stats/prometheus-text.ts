/** `/stats/prometheus`: the text exposition format exactly as Envoy prints it. */
import { type Histogram, QUANTILES } from './histogram.ts';
import { formatG } from './numbers.ts';
import { type HistogramMode, type StatsQuery, select, sortKey } from './query.ts';
import type { StatsView } from './store.ts';
import { type Tag, TagExtractor, type TaggedName } from './tags.ts';

/** Options of {@link renderPrometheus}. */
export interface PrometheusOptions extends Omit<StatsQuery, 'histogramMode' | 'type'> {
  /** Default {@link defaultTags}. */
  readonly tags?: TagExtractor;
  /** Prints text readouts as gauges of value 0 with a `text_value` label. */
  readonly textReadouts?: boolean;
  /** `cumulative` (the default) prints buckets, `summary` quantiles of the last interval. */
  readonly histogramMode?: Extract<HistogramMode, 'cumulative' | 'summary'>;
}

/** Extracts Envoy's default tags and nothing else. */
export const defaultTags: TagExtractor = new TagExtractor();

/** Content type of the text. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; charset=UTF-8';

interface Named {
  readonly name: string;
}

/** Prints counters, gauges, text readouts if asked for, and histograms; each family once, its samples sorted by name. */
export function renderPrometheus(view: StatsView, options: PrometheusOptions = {}): string {
  const { counters, gauges, histograms, textReadouts } = select(view, { ...options, type: 'All' });
  const tags = options.tags ?? defaultTags;
  const lines: string[] = [];
  writeFamilies(lines, tags, counters, 'counter', sampleLine);
  writeFamilies(lines, tags, gauges, 'gauge', sampleLine);
  if (options.textReadouts) {
    writeFamilies(lines, tags, textReadouts, 'gauge', (family, labels, text) => {
      const label = labels === '' ? '' : `${labels},`;
      return `${family}{${label}text_value="${escapeLabel(text.value)}"} 0\n`;
    });
  }
  if (options.histogramMode === 'summary') writeFamilies(lines, tags, histograms, 'summary', summaryLines);
  else writeFamilies(lines, tags, histograms, 'histogram', histogramLines);
  return lines.join('');
}

function writeFamilies<M extends Named>(
  lines: string[],
  extractor: TagExtractor,
  metrics: readonly M[],
  type: string,
  write: (family: string, labels: string, metric: M) => string,
): void {
  for (const [name, members] of groupByFamily(extractor, metrics)) {
    const family = familyName(name);
    lines.push(`# TYPE ${family} ${type}\n`);
    for (const { metric, tagged } of members) lines.push(write(family, formatLabels(tagged.tags), metric));
  }
}

interface Member<M> {
  readonly metric: M;
  readonly tagged: TaggedName;
}

/** Families sorted by name; inside a family the order of the metrics, which come sorted by full name. */
function groupByFamily<M extends Named>(extractor: TagExtractor, metrics: readonly M[]): [string, Member<M>[]][] {
  const groups = new Map<string, Member<M>[]>();
  for (const metric of metrics) {
    const tagged = extractor.of(metric);
    const members = groups.get(tagged.name);
    if (members === undefined) groups.set(tagged.name, [{ metric, tagged }]);
    else members.push({ metric, tagged });
  }
  const sorted = Array.from(groups, ([name, members]) => ({ key: sortKey(name), name, members }));
  sorted.sort((a, b) => (a.key < b.key ? -1 : 1));
  return sorted.map(({ name, members }) => [name, members]);
}

function sampleLine(family: string, labels: string, metric: { readonly value: number }): string {
  return `${family}{${labels}} ${metric.value}\n`;
}

function histogramLines(family: string, labels: string, histogram: Histogram): string {
  const counts = histogram.cumulative;
  const total = counts.count;
  const prefix = labels === '' ? '' : `${labels},`;
  const below = counts.cumulativeBuckets(histogram.buckets);
  let text = '';
  histogram.buckets.forEach((bound, i) => {
    text += `${family}_bucket{${prefix}le="${formatG(bound, 32)}"} ${below[i]}\n`;
  });
  text += `${family}_bucket{${prefix}le="+Inf"} ${total}\n`;
  return `${text}${family}_sum{${labels}} ${formatG(counts.sum, 32)}\n${family}_count{${labels}} ${total}\n`;
}

function summaryLines(family: string, labels: string, histogram: Histogram): string {
  const counts = histogram.interval;
  const prefix = labels === '' ? '' : `${labels},`;
  const values = counts.quantiles();
  let text = '';
  QUANTILES.forEach((quantile, i) => {
    text += `${family}{${prefix}quantile="${quantile}"} ${formatG(values[i]!, 32)}\n`;
  });
  return `${text}${family}_sum{${labels}} ${formatG(counts.sum, 32)}\n${family}_count{${labels}} ${counts.count}\n`;
}

/** The family's name in Prometheus: Envoy's prefix and no character outside `[a-zA-Z0-9_]`. */
export function familyName(name: string): string {
  return `envoy_${sanitize(name)}`;
}

function formatLabels(tags: readonly Tag[]): string {
  return tags.map((tag) => `${sanitize(tag.name)}="${escapeLabel(tag.value)}"`).join(',');
}

/** Replaces what Prometheus does not allow in a name. */
export function sanitize(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, '_');
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
