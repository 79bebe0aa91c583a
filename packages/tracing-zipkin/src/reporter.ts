/**
 * Sends spans to the collector's cluster. It never waits for it and never holds more than a bounded share of memory:
 * what does not fit is dropped and counted.
 */
import type { ObserverContext, SideCall, SideCallFailure, SideCallUser, SideResponse, TimerHandle } from '@mesh/core';
import type { Collector } from './config.ts';
import type { Encoded, SpanEncoder } from './encoding.ts';
import type { ZipkinSpan } from './span.ts';
import { type ReportStats, reportStats } from './stats.ts';

/** Most spans that wait, and most characters (or bytes) that they have together. */
export const MAX_WAITING = 16_384;
export const MAX_WAITING_SIZE = 8 * 1024 * 1024;
/** Most reports that wait for an answer. */
export const MAX_IN_FLIGHT = 4;
/** Most spans of one report, and most characters (or bytes) that they have together unless it is a single span. */
export const MAX_REPORT = 1024;
const MAX_REPORT_SIZE = 1024 * 1024;
/** While a report is under way, or many have left just now, the next one leaves when it is worth it; larger ones cost more per span. */
const BUSY_SPANS = 100;
/** This many reports may leave in one window as soon as they have Envoy's least number of spans. */
const BURST = 10;
const WINDOW_MS = 100;
const CLOSE_WITHIN_MS = 1000;
const ACCEPTED = 202;

/** What it needs of the proxy. */
export type ReporterContext = Pick<ObserverContext, 'runtime' | 'sideCalls' | 'stats' | 'timers'>;

export class Reporter {
  private readonly collector: Collector;
  private readonly encoder: SpanEncoder;
  private readonly context: ReporterContext;
  private readonly stats: ReportStats;
  private readonly headers: readonly (readonly [string, string])[];
  private readonly reports = new Set<Report>();
  private waiting: Encoded[] = [];
  private waitingSize = 0;
  private timer: TimerHandle;
  private windowFromMs = Number.NEGATIVE_INFINITY;
  private sentInWindow = 0;
  /** Armed while spans gather because the window has had its reports. */
  private windowEnd: TimerHandle | undefined = undefined;
  private closed = false;
  private idle: (() => void) | undefined = undefined;

  constructor(collector: Collector, encoder: SpanEncoder, context: ReporterContext) {
    this.collector = collector;
    this.encoder = encoder;
    this.context = context;
    this.stats = reportStats(context.stats);
    const type = ['content-type', encoder.contentType] as const;
    this.headers = [...(collector.headers.some(([name]) => name === type[0]) ? [] : [type]), ...collector.headers];
    this.timer = this.armTimer();
  }

  /** A span has ended. */
  add(span: ZipkinSpan): void {
    if (this.waiting.length >= MAX_WAITING || this.waitingSize >= MAX_WAITING_SIZE || this.closed) {
      this.stats.spans_dropped.inc();
      return;
    }
    const encoded = this.encoder.encode(span);
    // A text that was put together is held as its parts, with four times the memory, until somebody looks at it.
    if (this.waiting.length > BUSY_SPANS && typeof encoded === 'string') encoded.charCodeAt(0);
    this.waiting.push(encoded);
    this.waitingSize += encoded.length;
    if (this.due()) this.send();
  }

  /** Envoy sends every `min_flush_spans`; under load they gather, because a report costs as much as a request. */
  private due(): boolean {
    const least = this.context.runtime.integer('tracing.zipkin.min_flush_spans', 5) || 1;
    const { length } = this.waiting;
    if (this.waitingSize >= MAX_REPORT_SIZE || length >= Math.max(least, BUSY_SPANS)) return true;
    return length >= least && this.reports.size === 0 && !this.gathers();
  }

  /** The window has had its reports: what waits leaves when it ends. */
  private gathers(): boolean {
    const { timers } = this.context;
    const now = timers.nowMs();
    if (now - this.windowFromMs >= WINDOW_MS) {
      this.windowFromMs = now;
      this.sentInWindow = 0;
    }
    if (this.sentInWindow < BURST) return false;
    this.windowEnd ??= timers.after(this.windowFromMs + WINDOW_MS - now, () => {
      this.windowEnd = undefined;
      if (this.due()) this.send();
    });
    return true;
  }

  /** Sends one report with the spans that have waited longest, unless too many are under way. */
  private send(): void {
    if (this.waiting.length === 0 || this.reports.size >= MAX_IN_FLIGHT) return;
    const spans = this.take();
    this.sentInWindow++;
    this.stats.spans_sent.add(spans.length);
    const { cluster, path, authority } = this.collector;
    const timeoutMs = this.context.runtime.integer('tracing.zipkin.request_timeout', 5000);
    const report = new Report(this);
    this.reports.add(report);
    const body = this.encoder.join(spans);
    const request = { method: 'POST', path, authority, headers: this.headers, body, timeoutMs };
    report.call = this.context.sideCalls.request(cluster, request, report);
  }

  private take(): Encoded[] {
    const { waiting } = this;
    let count = 0;
    let size = 0;
    for (; count < waiting.length && count < MAX_REPORT; count++) {
      const { length } = waiting[count] as Encoded;
      if (count > 0 && size + length > MAX_REPORT_SIZE) break;
      size += length;
    }
    this.waitingSize -= size;
    if (count < waiting.length) return waiting.splice(0, count);
    this.waiting = [];
    return waiting;
  }

  private armTimer(): TimerHandle {
    const interval = this.context.runtime.integer('tracing.zipkin.flush_interval_ms', 5000) || 1;
    return this.context.timers.after(interval, () => {
      this.stats.timer_flushed.inc();
      this.send();
      this.timer = this.armTimer();
    });
  }

  /** @internal A report has its answer. */
  answered(report: Report, status: number): void {
    this.stats[status === ACCEPTED ? 'reports_sent' : 'reports_dropped'].inc();
    this.done(report);
  }

  /** @internal A report has none. As in Envoy, an answer that the proxy makes itself is one that is not 202. */
  failed(report: Report, failure: SideCallFailure): void {
    this.stats[FAILURES[failure]].inc();
    this.done(report);
  }

  private done(report: Report): void {
    this.reports.delete(report);
    if (this.due() || this.closed) this.send();
    if (this.reports.size === 0) this.idle?.();
  }

  /** Sends what waits, for a second at most; what is left then is dropped. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.timer.cancel();
    this.windowEnd?.cancel();
    while (this.waiting.length > 0 && this.reports.size < MAX_IN_FLIGHT) this.send();
    if (this.reports.size === 0) return;
    await new Promise<void>((resolve) => {
      const late = this.context.timers.after(CLOSE_WITHIN_MS, resolve);
      this.idle = () => {
        late.cancel();
        resolve();
      };
    });
    this.stats.spans_dropped.add(this.waiting.length);
    this.waiting = [];
    for (const report of this.reports) report.call?.cancel();
    this.reports.clear();
  }
}

const FAILURES: Readonly<Record<SideCallFailure, keyof ReportStats>> = {
  'no cluster': 'reports_skipped_no_cluster',
  'no healthy upstream': 'reports_dropped',
  overflow: 'reports_dropped',
  'connection failure': 'reports_dropped',
  timeout: 'reports_dropped',
  reset: 'reports_dropped',
  'protocol error': 'reports_dropped',
  'response too large': 'reports_failed',
};

/** One report under way. */
class Report implements SideCallUser {
  call: SideCall | undefined = undefined;
  private readonly reporter: Reporter;

  constructor(reporter: Reporter) {
    this.reporter = reporter;
  }

  onResponse({ status }: SideResponse): void {
    this.reporter.answered(this, status);
  }

  onFailure(failure: SideCallFailure): void {
    this.reporter.failed(this, failure);
  }
}
