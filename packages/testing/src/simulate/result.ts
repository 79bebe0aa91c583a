/** What a simulation has shown. */
import { plotSvg } from './plot/plot.ts';
import { type Recorder, sum } from './record.ts';
import type { Scenario } from './scenario.ts';

/** Counts of a span of a simulation. */
export interface SimulationSpan {
  readonly arrivals: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly retries: number;
  /** Requests that a circuit breaker refused. */
  readonly overflows: number;
  /** Choices that found no host. */
  readonly noHost: number;
  /** What clients waited, within 6 %. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Tries sent to hosts, retries included, by address. */
  readonly requestsByHost: ReadonlyMap<string, number>;
  /** The same by zone. */
  readonly requestsByZone: ReadonlyMap<string, number>;
}

/** The outcome of `simulate`. */
export class SimulationResult {
  readonly scenario: Scenario;
  /** Column by column. */
  readonly record: Recorder;
  /** Counters and gauges at the end, under Envoy's names (`cluster.app.upstream_rq_retry_overflow`). */
  readonly stats: ReadonlyMap<string, number>;

  constructor(scenario: Scenario, record: Recorder, stats: ReadonlyMap<string, number>) {
    this.scenario = scenario;
    this.record = record;
    this.stats = stats;
  }

  /** Counts from `fromMs` to `toMs`, in whole columns. Default: everything. */
  span(fromMs = 0, toMs: number = this.scenario.durationMs): SimulationSpan {
    const { record } = this;
    const from = Math.min(record.buckets, Math.round(fromMs / record.bucketMs));
    const to = Math.min(record.buckets, Math.max(from + 1, Math.round(toMs / record.bucketMs)));
    const requestsByHost = new Map<string, number>();
    const requestsByZone = new Map<string, number>();
    for (const { address, zone, requests } of record.hosts) {
      const count = sum(requests, from, to);
      requestsByHost.set(address, count);
      requestsByZone.set(zone, (requestsByZone.get(zone) ?? 0) + count);
    }
    return {
      arrivals: sum(record.arrivals, from, to),
      succeeded: sum(record.succeeded, from, to),
      failed: sum(record.failed, from, to),
      retries: sum(record.retries, from, to),
      overflows: sum(record.overflows, from, to),
      noHost: sum(record.noHost, from, to),
      p50Ms: record.latencyMs(0.5, from, to),
      p99Ms: record.latencyMs(0.99, from, to),
      requestsByHost,
      requestsByZone,
    };
  }

  /** A page of figures: the whole, then what lies between events. */
  text(): string {
    const { scenario } = this;
    const marks = [0, ...(scenario.events ?? []).map(({ atMs }) => atMs), scenario.durationMs];
    const names = ['from the start', ...(scenario.events ?? []).map(({ name }) => name)];
    const rows = names.flatMap((name, index) => {
      const [from = 0, to = 0] = [marks[index], marks[index + 1]];
      return to > from ? [[`${(from / 1000).toFixed(1)} s  ${name}`, ...cells(this.span(from, to))]] : [];
    });
    const table = [HEADINGS, ...rows, ['in all', ...cells(this.span())]];
    const widths = HEADINGS.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
    const line = (row: readonly string[]) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  ');
    return `${scenario.name}\n\n${table.map(line).join('\n')}\n`;
  }

  /** Plots of load per host, outcomes, health and latency over time. */
  svg(): string {
    return plotSvg(this.scenario, this.record);
  }
}

const HEADINGS = [
  '',
  'requests',
  'failed',
  'failed %',
  'retries',
  'overflow',
  'no host',
  'p50 ms',
  'p99 ms',
  'busiest ÷ mean',
];

function cells(span: SimulationSpan): string[] {
  const { arrivals, failed, succeeded, retries, overflows, noHost, p50Ms, p99Ms, requestsByHost } = span;
  const loads = [...requestsByHost.values()].filter((count) => count > 0);
  const mean = loads.reduce((total, count) => total + count, 0) / loads.length;
  const share = (100 * failed) / Math.max(1, failed + succeeded);
  return [
    String(arrivals),
    String(failed),
    share.toFixed(2),
    String(retries),
    String(overflows),
    String(noHost),
    number(p50Ms),
    number(p99Ms),
    loads.length === 0 ? '-' : (Math.max(...loads) / mean).toFixed(2),
  ];
}

function number(value: number): string {
  if (Number.isNaN(value)) return '-';
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}
