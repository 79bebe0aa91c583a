/** `/stats/prometheus`: the text exposition format exactly as Envoy prints it. */
import { type Histogram, QUANTILES } from './histogram.ts';
import { formatG } from './numbers.ts';
import { type HistogramMode, type StatsQuery, sortKey } from './query.ts';
import { sortedSlices } from './slices.ts';
import type { StatsView } from './store.ts';
import { defaultTags, type Tag, type TagExtractor, type TaggedName } from './tags.ts';

/** Options of {@link renderPrometheus}. */
export interface PrometheusOptions extends Omit<StatsQuery, 'histogramMode' | 'type'> {
  /** Default: those of the view, else {@link defaultTags}. */
  readonly tags?: TagExtractor;
  /** Prints text readouts as gauges of value 0 with a `text_value` label. */
  readonly textReadouts?: boolean;
  /** `cumulative` (the default) prints buckets, `summary` quantiles of the last interval. */
  readonly histogramMode?: Extract<HistogramMode, 'cumulative' | 'summary'>;
}

/** Content type of the text. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; charset=UTF-8';

interface Named {
  readonly name: string;
}

/** Prints counters, gauges, text readouts if asked for, and histograms; each family once, its samples sorted by name. */
export function renderPrometheus(view: StatsView, options: PrometheusOptions = {}): string {
  return Array.from(prometheusPieces(view, options)).join('');
}

/** The same in pieces, each made in a few milliseconds; some are empty. */
export function* prometheusPieces(
  view: StatsView,
  options: PrometheusOptions = {},
): Generator<string, void, undefined> {
  const tags = options.tags ?? view.tags ?? defaultTags;
  const query = { usedOnly: options.usedOnly ?? false, ...(options.matches && { matches: options.matches }) };
  yield* families(sortedSlices(view, ['counter'], query), tags, 'counter', sampleLine);
  yield* families(sortedSlices(view, ['gauge'], query), tags, 'gauge', sampleLine);
  if (options.textReadouts) {
    yield* families(sortedSlices(view, ['textReadout'], query), tags, 'gauge', (family, labels, text) => {
      const label = labels === '' ? '' : `${labels},`;
      return `${family}{${label}text_value="${escapeLabel(text.value)}"} 0\n`;
    });
  }
  const histograms = sortedSlices(view, ['histogram'], query);
  if (options.histogramMode === 'summary') yield* families(histograms, tags, 'summary', summaryLines);
  else yield* families(histograms, tags, 'histogram', histogramLines);
}

/** Samples that are printed, or names that are split into tags, in one go. */
const GROUP = 64;

/** Families sorted by name; inside a family the order of the metrics, which come sorted by full name. */
function* families<M extends Named>(
  slices: Iterable<readonly M[]>,
  extractor: TagExtractor,
  type: string,
  write: (family: string, labels: string, metric: M) => string,
): Generator<string, void, undefined> {
  const groups = new Map<string, Member<M>[]>();
  for (const slice of slices) {
    if (slice.length === 0) yield '';
    for (let at = 0; at < slice.length; at++) {
      if (at % GROUP === 0) yield '';
      const metric = slice[at] as M;
      const tagged = extractor.of(metric);
      const members = groups.get(tagged.name);
      if (members === undefined) groups.set(tagged.name, [{ metric, tagged }]);
      else members.push({ metric, tagged });
    }
  }
  const sorted = Array.from(groups, ([name, members]) => ({ key: sortKey(name), name, members }));
  sorted.sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const { name, members } of sorted) {
    const family = familyName(name);
    yield `# TYPE ${family} ${type}\n`;
    for (const { metric, tagged } of members) yield write(family, formatLabels(tagged.tags), metric);
  }
}

interface Member<M> {
  readonly metric: M;
  readonly tagged: TaggedName;
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
