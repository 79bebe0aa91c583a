/** The settings of a detector as they are now: what the cluster says, unless runtime keys say otherwise. */
import { maxEjectionTimeMs, type OutlierDetectionConfig, type Runtime, type RuntimeFraction } from '@mesh/core';
import type { Cause } from './stats.ts';

/** Runtime keys begin with this. */
const PREFIX = 'outlier_detection.';

function fraction(key: string, numerator: number): RuntimeFraction {
  return { numerator, denominator: 100, runtimeKey: `${PREFIX}${key}` };
}

/** Each is read when it is needed, so that a change takes effect with the next judgement. */
export class OutlierSettings {
  readonly config: OutlierDetectionConfig;
  private readonly runtime: Runtime;
  private readonly enforcing: Readonly<Record<Cause, RuntimeFraction>>;
  private readonly maxTimeMs: number;

  constructor(config: OutlierDetectionConfig, runtime: Runtime) {
    this.config = config;
    this.runtime = runtime;
    this.maxTimeMs = maxEjectionTimeMs(config);
    this.enforcing = {
      consecutive_5xx: fraction('enforcing_consecutive_5xx', config.enforcingConsecutive5xx),
      consecutive_gateway_failure: fraction(
        'enforcing_consecutive_gateway_failure',
        config.enforcingConsecutiveGatewayFailure,
      ),
      consecutive_local_origin_failure: fraction(
        'enforcing_consecutive_local_origin_failure',
        config.enforcingConsecutiveLocalOriginFailure,
      ),
      success_rate: fraction('enforcing_success_rate', config.enforcingSuccessRate),
      local_origin_success_rate: fraction(
        'enforcing_local_origin_success_rate',
        config.enforcingLocalOriginSuccessRate,
      ),
      failure_percentage: fraction('enforcing_failure_percentage', config.enforcingFailurePercentage),
      local_origin_failure_percentage: fraction(
        'enforcing_failure_percentage_local_origin',
        config.enforcingFailurePercentageLocalOrigin,
      ),
    };
  }

  /** Rolls the dice: is what was detected acted upon? `random` is a non-negative integer. */
  enforced(cause: Cause, random: number): boolean {
    return this.runtime.enabled(this.enforcing[cause], random);
  }

  private read(key: string, configured: number): number {
    return this.runtime.integer(`${PREFIX}${key}`, configured);
  }

  get consecutive5xx(): number {
    return this.runtime.integer('outlier_detection.consecutive_5xx', this.config.consecutive5xx);
  }

  get consecutiveGatewayFailure(): number {
    const { consecutiveGatewayFailure } = this.config;
    return this.runtime.integer('outlier_detection.consecutive_gateway_failure', consecutiveGatewayFailure);
  }

  get consecutiveLocalOriginFailure(): number {
    const { consecutiveLocalOriginFailure } = this.config;
    return this.runtime.integer('outlier_detection.consecutive_local_origin_failure', consecutiveLocalOriginFailure);
  }

  /** Never 0: a timer needs some time. */
  get intervalMs(): number {
    return Math.max(1, this.read('interval_ms', this.config.intervalMs));
  }

  get baseEjectionTimeMs(): number {
    return this.read('base_ejection_time_ms', this.config.baseEjectionTimeMs);
  }

  get maxEjectionTimeMs(): number {
    return this.read('max_ejection_time_ms', this.maxTimeMs);
  }

  get maxEjectionTimeJitterMs(): number {
    return this.read('max_ejection_time_jitter_ms', this.config.maxEjectionTimeJitterMs);
  }

  get maxEjectionPercent(): number {
    return Math.min(100, this.read('max_ejection_percent', this.config.maxEjectionPercent));
  }

  get successRateMinimumHosts(): number {
    return this.read('success_rate_minimum_hosts', this.config.successRateMinimumHosts);
  }

  get successRateRequestVolume(): number {
    return this.read('success_rate_request_volume', this.config.successRateRequestVolume);
  }

  /** As a factor of the standard deviation, e.g. 1.9. */
  get successRateStdevFactor(): number {
    return this.read('success_rate_stdev_factor', this.config.successRateStdevFactor) / 1000;
  }

  get failurePercentageThreshold(): number {
    return this.read('failure_percentage_threshold', this.config.failurePercentageThreshold);
  }

  get failurePercentageMinimumHosts(): number {
    return this.read('failure_percentage_minimum_hosts', this.config.failurePercentageMinimumHosts);
  }

  get failurePercentageRequestVolume(): number {
    return this.read('failure_percentage_request_volume', this.config.failurePercentageRequestVolume);
  }
}
