/** Carries the metrics of a worker to the process that is scraped, and adds those of all workers up. */
import { StatsStore, type StatsStoreOptions, type StatsView } from './store.ts';

/** A histogram's flushed counts as [bin, count] pairs of the filled bins. */
export interface HistogramSnapshot {
  readonly name: string;
  readonly interval: readonly (readonly [bin: number, count: number])[];
  readonly cumulative: readonly (readonly [bin: number, count: number])[];
}

/** All metrics of one process as plain data, fit for `process.send`. */
export interface StatsSnapshot {
  readonly counters: readonly (readonly [name: string, value: number, used: boolean])[];
  readonly gauges: readonly (readonly [name: string, value: number, used: boolean])[];
  readonly textReadouts: readonly (readonly [name: string, value: string])[];
  readonly histograms: readonly HistogramSnapshot[];
}

/** Copies the metrics of a store. */
export function takeSnapshot(view: StatsView): StatsSnapshot {
  return {
    counters: view.counters().map(({ name, value, used }) => [name, value, used] as const),
    gauges: view.gauges().map(({ name, value, used }) => [name, value, used] as const),
    textReadouts: view.textReadouts().map(({ name, value }) => [name, value] as const),
    histograms: view.histograms().map((histogram) => ({
      name: histogram.name,
      interval: pairs(histogram.interval.bins),
      cumulative: pairs(histogram.cumulative.bins),
    })),
  };
}

/**
 * Adds snapshots up: counters, gauges and histograms are summed, text comes from the last snapshot that has any.
 * Gauges that describe the process rather than its traffic (`server.state`, `server.uptime`) are the caller's to set
 * afterwards. `options` should be those of the workers' stores.
 */
export function mergeSnapshots(snapshots: readonly StatsSnapshot[], options: StatsStoreOptions = {}): StatsStore {
  const store = new StatsStore({ ...options, accepts: () => true });
  const root = store.scope('');
  for (const snapshot of snapshots) {
    for (const [name, value, used] of snapshot.counters) root.counter(name).merge(value, used);
    for (const [name, value, used] of snapshot.gauges) {
      const gauge = root.gauge(name);
      if (used) gauge.add(value);
    }
    for (const [name, value] of snapshot.textReadouts) {
      const readout = root.textReadout(name);
      if (value !== '') readout.set(value);
    }
    for (const { name, interval, cumulative } of snapshot.histograms) root.histogram(name).merge(interval, cumulative);
  }
  return store;
}

function pairs(bins: ArrayLike<number>): [bin: number, count: number][] {
  const filled: [bin: number, count: number][] = [];
  for (let bin = 0; bin < bins.length; bin++) if (bins[bin] !== 0) filled.push([bin, bins[bin]!]);
  return filled;
}
