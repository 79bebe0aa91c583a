/** Counters of the reporter, by Envoy's names; `spans_dropped` is ours. */
import type { Counter, StatsScope } from '@mesh/core';

/** See the file's comment. */
export interface ReportStats {
  readonly spans_sent: Counter;
  readonly timer_flushed: Counter;
  readonly reports_skipped_no_cluster: Counter;
  readonly reports_sent: Counter;
  /** The collector has answered with something else than 202, or not at all. */
  readonly reports_dropped: Counter;
  readonly reports_failed: Counter;
  /** Spans for which there was no room, because the collector does not keep up. */
  readonly spans_dropped: Counter;
}

/** Registers them. */
export function reportStats(stats: StatsScope): ReportStats {
  const counter = (name: string) => stats.counter(`tracing.zipkin.${name}`);
  return {
    spans_sent: counter('spans_sent'),
    timer_flushed: counter('timer_flushed'),
    reports_skipped_no_cluster: counter('reports_skipped_no_cluster'),
    reports_sent: counter('reports_sent'),
    reports_dropped: counter('reports_dropped'),
    reports_failed: counter('reports_failed'),
    spans_dropped: counter('spans_dropped'),
  };
}
