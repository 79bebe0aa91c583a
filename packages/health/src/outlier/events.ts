/** What a detector does, as lines of JSON: Envoy's `OutlierDetectionEvent`, field by field. */
import type { Clock } from '@mesh/core';
import type { HostDetector } from './host-detector.ts';
import type { Spread } from './rates.ts';
import type { Cause } from './stats.ts';

const TYPES: Readonly<Record<Cause, string>> = {
  consecutive_5xx: 'CONSECUTIVE_5XX',
  consecutive_gateway_failure: 'CONSECUTIVE_GATEWAY_FAILURE',
  consecutive_local_origin_failure: 'CONSECUTIVE_LOCAL_ORIGIN_FAILURE',
  success_rate: 'SUCCESS_RATE',
  local_origin_success_rate: 'SUCCESS_RATE_LOCAL_ORIGIN',
  failure_percentage: 'FAILURE_PERCENTAGE',
  local_origin_failure_percentage: 'FAILURE_PERCENTAGE_LOCAL_ORIGIN',
};

/** Takes lines without their ends. */
export interface EventSink {
  write(line: string): void;
  close(): void;
}

/** The event log of one cluster. */
export class OutlierEvents {
  private readonly clusterName: string;
  private readonly clock: Clock;
  private readonly sink: EventSink;

  constructor(clusterName: string, clock: Clock, sink: EventSink) {
    this.clusterName = clusterName;
    this.clock = clock;
    this.sink = sink;
  }

  /** A host was found to be an outlier, and ejected if that was `enforced`. */
  ejected(detector: HostDetector, cause: Cause, enforced: boolean, spread: Spread): void {
    const { endedMs } = detector.ejection;
    this.put(TYPES[cause], detector, 'EJECT', endedMs, enforced, detailsOf(detector, cause, spread));
  }

  /** A host counts as degraded from now on. */
  degraded(detector: HostDetector): void {
    this.put('DEGRADED', detector, 'EJECT', detector.ejection.endedMs, true, { eject_consecutive_event: {} });
  }

  /** A host is back; of which kind its sentence was is not told. */
  returned(detector: HostDetector): void {
    this.put('CONSECUTIVE_5XX', detector, 'UNEJECT', detector.ejection.beganMs, false, undefined);
  }

  /** Nothing is written afterwards. */
  close(): void {
    this.sink.close();
  }

  private put(
    type: string,
    { host, ejection }: HostDetector,
    action: 'EJECT' | 'UNEJECT',
    lastActionMs: number | undefined,
    enforced: boolean,
    details: object | undefined,
  ): void {
    const seconds = lastActionMs === undefined ? undefined : Math.floor((this.clock.nowMs() - lastActionMs) / 1000);
    this.sink.write(
      JSON.stringify({
        type,
        timestamp: new Date(this.clock.wallMs()).toISOString().replace('.000Z', 'Z'),
        ...(seconds !== undefined && { secs_since_last_action: String(seconds) }),
        cluster_name: this.clusterName,
        upstream_url: host.address,
        action,
        num_ejections: ejection.count,
        enforced,
        ...details,
      }),
    );
  }
}

/** Rates are whole numbers here. */
function detailsOf(detector: HostDetector, cause: Cause, { average, threshold }: Spread): object {
  const local = cause.includes('local_origin');
  const host_success_rate = Math.trunc(local ? detector.localOriginSuccessRate : detector.successRate);
  if (cause === 'success_rate' || cause === 'local_origin_success_rate') {
    const eject_success_rate_event = {
      host_success_rate,
      cluster_average_success_rate: Math.trunc(average),
      cluster_success_rate_ejection_threshold: Math.trunc(threshold),
    };
    return { eject_success_rate_event };
  }
  if (cause === 'failure_percentage' || cause === 'local_origin_failure_percentage') {
    return { eject_failure_percentage_event: { host_success_rate } };
  }
  return { eject_consecutive_event: {} };
}
