import { describe, expect, it } from 'vitest';
import { expectAccepted, expectRefused } from './fixture.ts';
import { clusterManagerOutlierDetection, maxEjectionTimeMs, outlierDetection } from './outlier-detection.ts';

describe('outlierDetection', () => {
  it('an empty message has Envoy’s defaults', () => {
    expectAccepted(
      outlierDetection,
      {},
      {
        consecutive5xx: 5,
        intervalMs: 10_000,
        baseEjectionTimeMs: 30_000,
        maxEjectionPercent: 10,
        enforcingConsecutiveGatewayFailure: 0,
        successRateStdevFactor: 1900,
        failurePercentageThreshold: 85,
        successfulActiveHealthCheckUnejectHost: true,
        alwaysEjectOneHost: false,
      },
    );
  });

  const above = 'must be greater than 0s, got 0s';
  const share = 'expected a whole number from 0 to 100, got 101';
  it.each([
    [{ interval: '0s' }, `interval: ${above}`],
    [{ base_ejection_time: '0s' }, `base_ejection_time: ${above}`],
    [{ max_ejection_percent: 101 }, `max_ejection_percent: ${share}`],
    [{ enforcing_failure_percentage_local_origin: 101 }, `enforcing_failure_percentage_local_origin: ${share}`],
    [
      { base_ejection_time: '10s', max_ejection_time: '5s' },
      "max_ejection_time: outlier detector's max_ejection_time cannot be smaller than base_ejection_time",
    ],
    [
      { max_ejection_time: '5s' },
      "max_ejection_time: outlier detector's max_ejection_time cannot be smaller than base_ejection_time",
    ],
    [
      { monitors: [] },
      'monitors: known to Envoy, not supported here: there are no outlier detection monitor extensions, as in Envoy itself',
    ],
  ])('%j is refused', (value, message) => expectRefused(outlierDetection, value, [message]));

  it.each([
    [{}, 300_000],
    [{ base_ejection_time: '400s' }, 400_000],
    [{ max_ejection_time: '31s' }, 31_000],
  ])('maxEjectionTimeMs of %j is %d', (value, wanted) => {
    expect(maxEjectionTimeMs(outlierDetection.parse(value))).toBe(wanted);
  });

  it('events of all clusters go to a file, not to a service', () => {
    expectAccepted(clusterManagerOutlierDetection, { event_log_path: '/e' }, { eventLogPath: '/e' });
    const message = 'event_service: known to Envoy, not supported here: events are written to event_log_path only';
    expectRefused(clusterManagerOutlierDetection, { event_service: {} }, [message]);
  });
});
