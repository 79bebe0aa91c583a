/** `/stats/prometheus`: the text exposition format exactly as Envoy prints it. */
import { type Histogram, QUANTILES } from './histogram.ts';
import { NameIndex } from './name-index.ts';
import { formatG } from './numbers.ts';
import type { HistogramMode, StatsQuery } from './query.ts';
import { sortedSlices } from './slices.ts';
import type { StatsView } from './store.ts';
import { clusterIn, defaultTags, type NameShape, type Tag, type TagExtractor } from './tags.ts';

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

/** Text of one piece: less than a hundred samples, or a few histograms. */
const PIECE = 8192;

/** Metrics whose names differ in nothing but their tags. */
interface Family<M> {
  readonly name: string;
  /** Their tags are looked up again when they are printed: kept for a million metrics they take half a gigabyte. */
  readonly metrics: M[];
}

/** Families sorted by name; inside a family the order of the metrics, which come sorted by full name. */
function* families<M extends { readonly name: string }>(
  slices: Iterable<readonly M[]>,
  extractor: TagExtractor,
  type: string,
  write: (family: string, labels: string, metric: M) => string,
): Generator<string, void, undefined> {
  const byName = new Map<string, Family<M>>();
  const sorted = new NameIndex<Family<M>>();
  for (const slice of slices) {
    yield '';
    for (const metric of slice) {
      const { name } = extractor.shapeOf(metric) ?? extractor.of(metric);
      let family = byName.get(name);
      if (family === undefined) {
        family = { name, metrics: [] };
        byName.set(name, family);
        sorted.add(family);
      }
      family.metrics.push(metric);
    }
  }
  let text = '';
  for (const slice of sorted.slices()) {
    yield '';
    for (const { name, metrics } of slice) {
      const family = familyName(name);
      text += `# TYPE ${family} ${type}\n`;
      for (const metric of metrics) {
        text += write(family, labelsOf(extractor, metric), metric);
        if (text.length < PIECE) continue;
        yield text;
        text = '';
      }
    }
  }
  yield text;
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
  boundsOf(histogram).forEach((bound, i) => {
    text += `${family}_bucket{${prefix}le="${bound}"} ${below[i]}\n`;
  });
  text += `${family}_bucket{${prefix}le="+Inf"} ${total}\n`;
  return `${text}${family}_sum{${labels}} ${formatG(counts.sum, 32)}\n${family}_count{${labels}} ${total}\n`;
}

/** Histograms share their lists of bounds, and writing a number with 32 digits takes long. */
const writtenBounds = new WeakMap<readonly number[], readonly string[]>();

function boundsOf({ buckets }: Histogram): readonly string[] {
  let written = writtenBounds.get(buckets);
  if (written === undefined) {
    written = buckets.map((bound) => formatG(bound, 32));
    writtenBounds.set(buckets, written);
  }
  return written;
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

/** Nearly all metrics are of clusters: then nothing is to be put together but the cluster's name. */
function labelsOf(extractor: TagExtractor, metric: { readonly name: string }): string {
  const shape = extractor.shapeOf(metric);
  if (shape === undefined) return formatLabels(extractor.of(metric).tags);
  shape.labels ??= labelsAround(shape);
  const [before, behind] = shape.labels;
  return before + escapeLabel(clusterIn(metric.name)) + behind;
}

function labelsAround({ tags, clusterAt }: NameShape): readonly [before: string, behind: string] {
  const name = tags[clusterAt]?.name ?? '';
  const before = formatLabels([...tags.slice(0, clusterAt), { name, value: '' }]);
  const behind = formatLabels(tags.slice(clusterAt + 1));
  return [before.slice(0, -1), behind === '' ? '"' : `",${behind}`];
}

function formatLabels(tags: readonly Tag[]): string {
  let text = '';
  for (const { name, value } of tags) {
    text += `${text === '' ? '' : ','}${sanitize(name)}="${escapeLabel(value)}"`;
  }
  return text;
}

/** Replaces what Prometheus does not allow in a name. */
export function sanitize(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, '_');
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
