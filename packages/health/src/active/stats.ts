/** `cluster.<name>.health_check.*`. */
import type { Counter, Gauge, StatsScope } from '@mesh/core';

export interface CheckStats {
  readonly attempt: Counter;
  readonly success: Counter;
  readonly failure: Counter;
  readonly passiveFailure: Counter;
  readonly networkFailure: Counter;
  readonly verifyCluster: Counter;
  readonly members: MemberGauges;
}

/** How many hosts pass. */
export interface MemberGauges {
  readonly healthy: Gauge;
  readonly degraded: Gauge;
}

/** The metrics of one check. A check with a name has a place of its own, as in Envoy also when it is the only one. */
export function checkStats(cluster: StatsScope, name: string): CheckStats {
  const scope = cluster.scope(name === '' ? 'health_check.' : `health_check.name.${name}.`);
  return {
    attempt: scope.counter('attempt'),
    success: scope.counter('success'),
    failure: scope.counter('failure'),
    passiveFailure: scope.counter('passive_failure'),
    networkFailure: scope.counter('network_failure'),
    verifyCluster: scope.counter('verify_cluster'),
    members: memberGauges(scope),
  };
}

/** The gauges below `scope`. */
export function memberGauges(scope: StatsScope): MemberGauges {
  return { healthy: scope.gauge('healthy'), degraded: scope.gauge('degraded') };
}
