/** What a detector counts, below `cluster.<name>.outlier_detection.`. */
import type { Counter, Gauge, StatsScope } from '@mesh/core';

/** Why a host is judged an outlier; also the end of the counters' names. */
export const CAUSES = [
  'consecutive_5xx',
  'consecutive_gateway_failure',
  'consecutive_local_origin_failure',
  'success_rate',
  'local_origin_success_rate',
  'failure_percentage',
  'local_origin_failure_percentage',
] as const;

/** One of {@link CAUSES}. */
export type Cause = (typeof CAUSES)[number];

/** The counters of one detector. */
export interface OutlierStats {
  readonly active: Gauge;
  readonly overflow: Counter;
  readonly enforcedTotal: Counter;
  readonly degradation: Counter;
  readonly detected: Readonly<Record<Cause, Counter>>;
  readonly enforced: Readonly<Record<Cause, Counter>>;
  /** Deprecated by Envoy, and still there. */
  readonly total: Counter;
  readonly consecutive5xx: Counter;
  readonly successRate: Counter;
}

/** Registers them all, so that each is there with 0. */
export function outlierStats(cluster: StatsScope): OutlierStats {
  const scope = cluster.scope('outlier_detection.');
  const byCause = (kind: string) =>
    Object.fromEntries(CAUSES.map((cause) => [cause, scope.counter(`ejections_${kind}_${cause}`)])) as Record<
      Cause,
      Counter
    >;
  return {
    active: scope.gauge('ejections_active'),
    overflow: scope.counter('ejections_overflow'),
    enforcedTotal: scope.counter('ejections_enforced_total'),
    degradation: scope.counter('ejections_detected_degradation'),
    detected: byCause('detected'),
    enforced: byCause('enforced'),
    total: scope.counter('ejections_total'),
    consecutive5xx: scope.counter('ejections_consecutive_5xx'),
    successRate: scope.counter('ejections_success_rate'),
  };
}
