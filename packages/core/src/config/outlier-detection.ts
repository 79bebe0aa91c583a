/** Passive checks: hosts are judged by what becomes of their exchanges (Envoy `OutlierDetection`). */
import type { z } from 'zod';
import { fields, message, withDefault } from './message.ts';
import { bool, duration, string, uint32 } from './proto-json.ts';

const share = () => uint32({ max: 100 });

const MAX_EJECTION_TIME_MS = 300_000;

/** Envoy `OutlierDetection`; percentages are whole numbers. */
export const outlierDetection = message(
  {
    consecutive_5xx: withDefault(uint32(), 5),
    interval: withDefault(duration({ aboveMs: 0 }), 10_000),
    base_ejection_time: withDefault(duration({ aboveMs: 0 }), 30_000),
    max_ejection_percent: withDefault(share(), 10),
    enforcing_consecutive_5xx: withDefault(share(), 100),
    enforcing_success_rate: withDefault(share(), 100),
    success_rate_minimum_hosts: withDefault(uint32(), 5),
    success_rate_request_volume: withDefault(uint32(), 100),
    success_rate_stdev_factor: withDefault(uint32(), 1900),
    consecutive_gateway_failure: withDefault(uint32(), 5),
    enforcing_consecutive_gateway_failure: withDefault(share(), 0),
    split_external_local_origin_errors: withDefault(bool(), false),
    consecutive_local_origin_failure: withDefault(uint32(), 5),
    enforcing_consecutive_local_origin_failure: withDefault(share(), 100),
    enforcing_local_origin_success_rate: withDefault(share(), 100),
    failure_percentage_threshold: withDefault(share(), 85),
    enforcing_failure_percentage: withDefault(share(), 0),
    enforcing_failure_percentage_local_origin: withDefault(share(), 0),
    failure_percentage_minimum_hosts: withDefault(uint32(), 5),
    failure_percentage_request_volume: withDefault(uint32(), 50),
    /** Default: 300 s, or `base_ejection_time` when that is longer; see {@link maxEjectionTimeMs}. */
    max_ejection_time: duration({ aboveMs: 0 }),
    max_ejection_time_jitter: withDefault(duration(), 0),
    successful_active_health_check_uneject_host: withDefault(bool(), true),
    always_eject_one_host: withDefault(bool(), false),
    detect_degraded_hosts: withDefault(bool(), false),
  },
  {
    name: 'envoy.config.cluster.v3.OutlierDetection',
    known: { monitors: 'there are no outlier detection monitor extensions, as in Envoy itself' },
    check({ baseEjectionTimeMs, maxEjectionTimeMs: max }, report) {
      if (max === undefined || baseEjectionTimeMs === undefined || max >= baseEjectionTimeMs) return;
      const text = "outlier detector's max_ejection_time cannot be smaller than base_ejection_time";
      report({ path: ['max_ejection_time'], message: text });
    },
  },
);

/** Envoy `ClusterManager.OutlierDetection`: where the detectors of all clusters write what they do. */
export const clusterManagerOutlierDetection = message(
  { event_log_path: withDefault(string(), '') },
  {
    name: 'envoy.config.bootstrap.v3.ClusterManager.OutlierDetection',
    known: fields('event_service', 'events are written to event_log_path only'),
  },
);

/** How one cluster judges its hosts, with all defaults filled in. */
export type OutlierDetectionConfig = z.output<typeof outlierDetection>;

/** The longest time of an ejection, before jitter. */
export function maxEjectionTimeMs({ maxEjectionTimeMs: max, baseEjectionTimeMs }: OutlierDetectionConfig): number {
  return max ?? Math.max(MAX_EJECTION_TIME_MS, baseEjectionTimeMs);
}
