/** What one host has told of its load, as a weight: how many requests a second it takes per part of it that they use. */
import type { Clock, Host, LoadReport, LoadReports } from '@mesh/core';
import { greatestUtilization } from './utilization.ts';

/** Largest weight, that of Envoy. */
const MOST = 0xffff_ffff;

/** How reports become weights. */
export interface LoadSettings {
  /** Metrics of which the greatest is the utilization, e.g. `named_metrics.queue` or `utilization.*`. */
  readonly metricNames: readonly string[];
  /** What an error adds to the utilization: errors per request times this. */
  readonly errorPenalty: number;
}

/** When a weight may be used. */
export interface WeightTimes {
  /** A host must have reported for so long. */
  readonly blackoutMs: number;
  /** A report holds for so long. */
  readonly expirationMs: number;
}

export class HostLoad implements LoadReports {
  readonly settings: LoadSettings;
  private readonly clock: Clock;
  private weight = 0;
  private lastMs = 0;
  /** Since when it has reported without a gap; `undefined` when it does not. */
  private sinceMs: number | undefined = undefined;

  constructor(settings: LoadSettings, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
  }

  onReport(report: LoadReport): void {
    const weight = weightOf(report, this.settings);
    if (weight === undefined) return;
    this.weight = weight;
    this.lastMs = this.clock.nowMs();
    this.sinceMs ??= this.lastMs;
  }

  /** The weight in force at `nowMs`; `undefined` when it is too new or too old. */
  valid(nowMs: number, { blackoutMs, expirationMs }: WeightTimes): number | undefined {
    if (this.sinceMs === undefined || this.sinceMs > nowMs - blackoutMs) return undefined;
    if (this.lastMs < nowMs - expirationMs) {
      // When it reports again the blackout holds again.
      this.sinceMs = undefined;
      return undefined;
    }
    return this.weight;
  }
}

/** Has `host` report to a {@link HostLoad}: the one that it has, where its settings are the same ones. */
export function listenTo(host: Host, settings: LoadSettings, clock: Clock): void {
  const { loadReports } = host;
  if (loadReports instanceof HostLoad && loadReports.settings === settings) return;
  host.loadReports = new HostLoad(settings, clock);
}

/** Requests a second by utilization; `undefined` for a report that says too little. */
export function weightOf(report: LoadReport, { metricNames, errorPenalty }: LoadSettings): number | undefined {
  const { rpsFractional: requests, eps: errors } = report;
  if (!(requests > 0)) return undefined;
  const utilization = utilizationOf(report, metricNames) + (errorPenalty * errors) / requests;
  if (!(utilization > 0)) return undefined;
  return Math.max(1, Math.floor(Math.min(requests / utilization, MOST)));
}

function utilizationOf(report: LoadReport, metricNames: readonly string[]): number {
  const named = greatestUtilization(report, metricNames);
  if (named > 0) return named;
  return report.applicationUtilization > 0 ? report.applicationUtilization : report.cpuUtilization;
}
