/**
 * Listings of very many metrics in slices of a fraction of a millisecond, between which other work can be done. A slice
 * may be empty: then there is nothing to show yet.
 */
import { Counter, Gauge } from './metrics.ts';
import { NameIndex } from './name-index.ts';
import type { StatsQuery, StatsType } from './query.ts';
import type { AnyMetric, MetricKind, MetricList, MetricOf, StatsView } from './store.ts';

const TYPES: Readonly<Record<MetricKind, StatsType>> = {
  counter: 'Counters',
  gauge: 'Gauges',
  histogram: 'Histograms',
  textReadout: 'TextReadouts',
};

/** The metrics of a kind, or of counters and gauges together, that a query keeps, by name. */
export function* sortedSlices<Kind extends MetricKind>(
  view: StatsView,
  kinds: readonly Kind[],
  query: Pick<StatsQuery, 'usedOnly' | 'matches' | 'type'>,
): Generator<readonly MetricOf[Kind][], void, undefined> {
  const { usedOnly = false, matches, type = 'All' } = query;
  const wanted = kinds.filter((kind) => type === 'All' || type === TYPES[kind]);
  const [kind] = wanted;
  if (kind === undefined) return;
  const isWanted = testOf(wanted);
  for (const slice of listed(view, kind === 'counter' || kind === 'gauge' ? 'number' : kind)) {
    yield slice.filter((metric): metric is MetricOf[Kind] => {
      return isWanted(metric) && (!usedOnly || metric.used) && (matches?.(metric.name) ?? true);
    });
  }
}

/** Only counters and gauges are listed together. */
function testOf(wanted: readonly MetricKind[]): (metric: AnyMetric) => boolean {
  if (wanted.length > 1) return () => true;
  if (wanted[0] === 'counter') return (metric) => metric instanceof Counter;
  if (wanted[0] === 'gauge') return (metric) => metric instanceof Gauge;
  return () => true;
}

function listed(view: StatsView, list: MetricList): Iterable<readonly AnyMetric[]> {
  if (view.slices !== undefined) return view.slices(list);
  const index = new NameIndex<AnyMetric>();
  const lists = {
    number: () => [...view.counters(), ...view.gauges()],
    histogram: () => view.histograms(),
    textReadout: () => view.textReadouts(),
  };
  for (const metric of lists[list]()) index.add(metric);
  return index.slices();
}
