/**
 * Outlier detection of one cluster: takes hosts out that do worse than they should, and lets them back after a while.
 * Invariants: a host is ejected at most once at a time; `active` counts the ejected hosts that are still in the cluster;
 * nothing is judged after `close`.
 */
import {
  type ClusterMonitor,
  type ClusterMonitorContext,
  HealthFlag,
  type Host,
  type OutlierRates,
  TimerEntry,
} from '@mesh/core';
import type { OutlierEvents } from './events.ts';
import { HostDetector, type Judge } from './host-detector.ts';
import { NO_SPREAD, type RateCounter, type Spread, spreadOf } from './rates.ts';
import type { OutlierSettings } from './settings.ts';
import { type Cause, type OutlierStats, outlierStats } from './stats.ts';

/** Success rates are judged by origin: what responses say, and what happened on this side. */
type Origin = 'external' | 'local';

/** Random numbers are looked at modulo a denominator. */
const RANDOM_RANGE = 2 ** 32;

/** As a timer entry it is the end of an interval. */
export class Detector extends TimerEntry implements ClusterMonitor, Judge {
  private readonly context: ClusterMonitorContext;
  private readonly settings: OutlierSettings;
  private readonly events: OutlierEvents | undefined;
  private readonly stats: OutlierStats;
  private readonly detectors = new Map<Host, HostDetector>();
  private readonly spreads: Record<Origin, Spread> = { external: NO_SPREAD, local: NO_SPREAD };
  /** Ejected hosts of this cluster. */
  private active = 0;
  private closed = false;

  constructor(context: ClusterMonitorContext, settings: OutlierSettings, events: OutlierEvents | undefined) {
    super();
    this.context = context;
    this.settings = settings;
    this.events = events;
    this.stats = outlierStats(context.stats);
  }

  // ClusterMonitor

  async start(): Promise<void> {
    if (!this.closed) this.context.timers.arm(this, this.settings.intervalMs);
  }

  onHosts(added: readonly Host[], removed: readonly Host[]): void {
    for (const host of added) {
      const detector = new HostDetector(host, this.settings, this);
      this.detectors.set(host, detector);
      this.context.attach(host, { outlier: detector });
    }
    for (const host of removed) {
      if (this.detectors.delete(host) && isEjected(host)) this.countActive(-1);
    }
  }

  close(): void {
    this.closed = true;
    this.disarm();
    for (const host of this.detectors.keys()) if (isEjected(host)) this.countActive(-1);
    this.detectors.clear();
    this.events?.close();
  }

  get outlierRates(): OutlierRates {
    const { external, local } = this.spreads;
    return {
      successRateAverage: external.average,
      successRateEjectionThreshold: external.threshold,
      localOriginSuccessRateAverage: local.average,
      localOriginSuccessRateEjectionThreshold: local.threshold,
    };
  }

  private countActive(by: 1 | -1): void {
    this.active += by;
    if (by > 0) this.stats.active.inc();
    else this.stats.active.dec();
  }

  // Judge

  onConsecutive(detector: HostDetector, cause: Cause): void {
    // It may have left the cluster, and in a panic even ejected hosts are asked.
    if (!this.detectors.has(detector.host) || isEjected(detector.host)) return;
    this.stats.detected[cause].inc();
    this.eject(detector, cause);
    if (cause === 'consecutive_5xx') this.stats.consecutive5xx.inc();
    detector.reset(cause);
  }

  onDegraded(detector: HostDetector): void {
    const { host, degradation } = detector;
    if (!this.detectors.has(host) || (host.healthFlags & HealthFlag.degradedOutlierDetection) !== 0) return;
    this.stats.degradation.inc();
    degradation.begin(this.nowMs(), this.settings, this.context.random);
    this.context.setHealth(host, HealthFlag.degradedOutlierDetection, true);
    this.events?.degraded(detector);
  }

  onActiveCheckPassed(detector: HostDetector): void {
    const { host } = detector;
    if (!this.settings.config.successfulActiveHealthCheckUnejectHost || !this.detectors.has(host)) return;
    if (isEjected(host)) this.uneject(detector);
  }

  private nowMs(): number {
    return this.context.clock.nowMs();
  }

  // Ejection

  private eject(detector: HostDetector, cause: Cause): void {
    const { context, settings, stats } = this;
    if (!this.mayEject()) {
      stats.overflow.inc();
      return;
    }
    if (cause === 'consecutive_5xx' || cause === 'success_rate') stats.total.inc();
    const enforced = settings.enforced(cause, Math.floor(context.random() * RANDOM_RANGE));
    // Its success rate may have ejected it a moment ago, and its failures are judged as well: it is out only once.
    if (enforced && isEjected(detector.host)) return;
    if (enforced) {
      this.countActive(1);
      stats.enforcedTotal.inc();
      stats.enforced[cause].inc();
      detector.ejection.begin(this.nowMs(), settings, context.random);
      context.setHealth(detector.host, HealthFlag.failedOutlierCheck, true);
    }
    this.events?.ejected(detector, cause, enforced, this.spreads[originOf(cause)]);
  }

  /** One more would still be within `max_ejection_percent` of all hosts, whatever their priority. */
  private mayEject(): boolean {
    if (this.active === 0 && this.settings.config.alwaysEjectOneHost) return true;
    return (100 * (this.active + 1)) / this.detectors.size <= this.settings.maxEjectionPercent;
  }

  private uneject(detector: HostDetector): void {
    this.countActive(-1);
    detector.resetAll();
    detector.ejection.end(this.nowMs());
    this.context.setHealth(detector.host, HealthFlag.failedOutlierCheck, false);
    this.events?.returned(detector);
  }

  // The end of an interval

  onDue(): void {
    const now = this.nowMs();
    for (const detector of this.detectors.values()) {
      this.release(detector, now);
      detector.turn();
    }
    this.judgeRates('external');
    this.judgeRates('local');
    const { intervalMs } = this.settings;
    for (const { host, ejection, degradation } of this.detectors.values()) {
      if (!isEjected(host)) ejection.relax(now, intervalMs);
      if ((host.healthFlags & HealthFlag.degradedOutlierDetection) === 0) degradation.relax(now, intervalMs);
    }
    if (!this.closed) this.context.timers.arm(this, intervalMs);
  }

  private release(detector: HostDetector, now: number): void {
    const { host, ejection, degradation } = detector;
    if (isEjected(host) && ejection.served(now, this.settings)) this.uneject(detector);
    if ((host.healthFlags & HealthFlag.degradedOutlierDetection) === 0) return;
    if (!degradation.served(now, this.settings)) return;
    degradation.end(now);
    this.context.setHealth(host, HealthFlag.degradedOutlierDetection, false);
    this.events?.returned(detector);
  }

  private judgeRates(origin: Origin): void {
    const { settings, detectors } = this;
    this.spreads[origin] = NO_SPREAD;
    const minHosts = settings.successRateMinimumHosts;
    const minFailureHosts = settings.failurePercentageMinimumHosts;
    if (detectors.size < minHosts && detectors.size < minFailureHosts) return;
    const forRate: HostDetector[] = [];
    const forFailures: HostDetector[] = [];
    const minVolume = settings.successRateRequestVolume;
    const minFailureVolume = settings.failurePercentageRequestVolume;
    for (const detector of detectors.values()) {
      const { volume, rate } = counterOf(detector, origin);
      if (isEjected(detector.host) || volume === 0) continue;
      if (volume >= Math.min(minVolume, minFailureVolume)) setRate(detector, origin, rate);
      if (volume >= minVolume) forRate.push(detector);
      if (volume >= minFailureVolume) forFailures.push(detector);
    }
    if (forRate.length > 0 && forRate.length >= minHosts) this.judgeSuccess(forRate, origin);
    if (forFailures.length > 0 && forFailures.length >= minFailureHosts) this.judgeFailures(forFailures, origin);
  }

  /** Ejects whoever is far below the others. */
  private judgeSuccess(candidates: readonly HostDetector[], origin: Origin): void {
    const rates = candidates.map((detector) => counterOf(detector, origin).rate);
    const spread = spreadOf(rates, this.settings.successRateStdevFactor);
    this.spreads[origin] = spread;
    const cause = origin === 'external' ? 'success_rate' : 'local_origin_success_rate';
    for (const detector of candidates) {
      if (counterOf(detector, origin).rate >= spread.threshold) continue;
      this.stats.successRate.inc();
      this.stats.detected[cause].inc();
      this.eject(detector, cause);
    }
  }

  /** Ejects whoever fails too often, whatever the others do. */
  private judgeFailures(candidates: readonly HostDetector[], origin: Origin): void {
    const threshold = this.settings.failurePercentageThreshold;
    const cause = origin === 'external' ? 'failure_percentage' : 'local_origin_failure_percentage';
    for (const detector of candidates) {
      if (100 - counterOf(detector, origin).rate < threshold) continue;
      this.stats.detected[cause].inc();
      this.eject(detector, cause);
    }
  }
}

function isEjected(host: Host): boolean {
  return (host.healthFlags & HealthFlag.failedOutlierCheck) !== 0;
}

function originOf(cause: Cause): Origin {
  return cause.includes('local_origin') ? 'local' : 'external';
}

function counterOf(detector: HostDetector, origin: Origin): RateCounter {
  return origin === 'external' ? detector.external : detector.local;
}

function setRate(detector: HostDetector, origin: Origin, rate: number): void {
  if (origin === 'external') detector.successRate = rate;
  else detector.localOriginSuccessRate = rate;
}
