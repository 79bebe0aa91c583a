/** When a host is checked next. */
import type { ClusterMonitorContext, HealthCheckConfig, RandomSource, Runtime } from '@mesh/core';

/** What a check result did to the host: nothing, a change is on its way (a threshold is being counted), or a change. */
export type Transition = 'unchanged' | 'pending' | 'changed';

/** The intervals of one check in milliseconds, none of them left open. */
export interface Intervals {
  readonly interval: number;
  readonly noTraffic: number;
  readonly noTrafficHealthy: number;
  readonly unhealthy: number;
  readonly unhealthyEdge: number;
  readonly healthyEdge: number;
  readonly jitter: number;
  readonly jitterPercent: number;
  readonly initialJitter: number;
}

/** The intervals of a config: those that are not given follow from others, as in Envoy. */
export function intervalsOf(config: HealthCheckConfig): Intervals {
  const { intervalMs, noTrafficIntervalMs, unhealthyIntervalMs = intervalMs } = config;
  return {
    interval: intervalMs,
    noTraffic: noTrafficIntervalMs,
    noTrafficHealthy: config.noTrafficHealthyIntervalMs ?? noTrafficIntervalMs,
    unhealthy: unhealthyIntervalMs,
    unhealthyEdge: config.unhealthyEdgeIntervalMs ?? unhealthyIntervalMs,
    healthyEdge: config.healthyEdgeIntervalMs ?? intervalMs,
    jitter: config.intervalJitterMs,
    jitterPercent: config.intervalJitterPercent,
    initialJitter: config.initialJitterMs,
  };
}

/** The wait after a result, before jitter. `passed` is the result, not the state of the host. */
function baseInterval(intervals: Intervals, used: boolean, passed: boolean, transition: Transition): number {
  const pending = transition === 'pending';
  if (!used) return passed && !pending ? intervals.noTrafficHealthy : intervals.noTraffic;
  if (passed) return pending ? intervals.healthyEdge : intervals.interval;
  return pending ? intervals.unhealthyEdge : intervals.unhealthy;
}

/** Chance and the limits that operators may set at run time. */
export interface WaitSources {
  readonly random: RandomSource;
  readonly runtime: Runtime;
}

/** The wait before the next check. */
export function nextWait(
  intervals: Intervals,
  context: Pick<ClusterMonitorContext, 'everUsed'> & WaitSources,
  passed: boolean,
  transition: Transition,
): number {
  return withJitter(
    baseInterval(intervals, context.everUsed, passed, transition),
    intervals.jitter,
    intervals,
    context,
  );
}

/** The wait before the very first check; 0 without `initial_jitter`. */
export function firstWait(intervals: Intervals, sources: WaitSources): number {
  return intervals.initialJitter === 0 ? 0 : withJitter(0, intervals.initialJitter, intervals, sources);
}

function withJitter(
  baseMs: number,
  jitterMs: number,
  { jitterPercent }: Intervals,
  { random, runtime }: WaitSources,
): number {
  const share = Math.floor((jitterPercent * baseMs) / 100);
  let wait = baseMs;
  if (share > 0) wait += Math.floor(random() * share);
  if (jitterMs > 0) wait += Math.floor(random() * jitterMs);
  const least = runtime.integer('health_check.min_interval', 0);
  const most = runtime.integer('health_check.max_interval', Number.POSITIVE_INFINITY);
  // Never 0, or checks would follow one another without end.
  return Math.max(1, least, Math.min(wait, most));
}
