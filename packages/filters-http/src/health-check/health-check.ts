/** Tells health checks of this proxy from other requests and answers them. */
import {
  type Clusters,
  HeaderCondition,
  type Headers,
  type HeadersAnswerNow,
  HOLD,
  type HostSets,
  type HttpFilter,
  type HttpFilterContext,
  type HttpStream,
  type Replied,
  type RequestHeaders,
  ResponseFlag,
  type ResponseHeaders,
  type ServerHealth,
} from '@mesh/core';
import { AnswerCache } from './answer-cache.ts';
import type { HealthCheckFilterConfig } from './index.ts';
import { type HealthCheckStats, healthCheckStats } from './stats.ts';

/** What the filter says of this proxy. */
interface Verdict {
  readonly status: number;
  /** Envoy's response code details. */
  readonly details: string;
  readonly degraded?: boolean;
}

interface Minimum {
  readonly cluster: string;
  /** Whole percent: Envoy cuts off the rest. */
  readonly percent: number;
}

export class HealthCheckFilter implements HttpFilter {
  private readonly conditions: readonly HeaderCondition[];
  private readonly passThrough: boolean;
  private readonly minima: readonly Minimum[];
  private readonly cache: AnswerCache | undefined;
  private readonly clusters: Clusters;
  private readonly server: ServerHealth;
  private readonly stats: HealthCheckStats;
  /** Requests that this filter took for health checks; another one of the chain may have taken others. */
  private readonly checks = new WeakSet<HttpStream>();
  /** Those that are answered here, once they are complete. */
  private readonly unfinished = new WeakSet<HttpStream>();

  /** @throws SyntaxError for a bad regular expression. */
  constructor(config: HealthCheckFilterConfig, { clusters, server, stats, timers }: HttpFilterContext) {
    this.conditions = config.headers.map((matcher) => new HeaderCondition(matcher));
    this.passThrough = config.passThroughMode;
    this.cache = config.cacheTimeMs > 0 ? new AnswerCache(config.cacheTimeMs, timers) : undefined;
    this.minima = Object.entries(config.clusterMinHealthyPercentages).map(([cluster, { value }]) => {
      return { cluster, percent: Math.trunc(value) };
    });
    this.clusters = clusters;
    this.server = server;
    this.stats = healthCheckStats(stats);
  }

  onRequestHeaders(headers: RequestHeaders, stream: HttpStream, _state: undefined, end: boolean): HeadersAnswerNow {
    for (const condition of this.conditions) if (!condition.matches(headers)) return;
    stream.info.healthCheck = true;
    stream.info.traceReason = 'none';
    stream.span?.setSampled(false);
    this.checks.add(stream);
    this.stats.tracing.inc();
    const answersHere = !this.passThrough || this.server.healthFailed || this.cache?.answer !== undefined;
    if (!answersHere) return;
    if (end) return this.answer(stream);
    // Answered before its end, a request would cost its connection.
    this.unfinished.add(stream);
    return HOLD;
  }

  onRequestData(_chunk: Uint8Array, stream: HttpStream, _state: undefined, end: boolean): HeadersAnswerNow {
    if (stream.info.healthCheck !== true || !this.unfinished.has(stream)) return;
    return end ? this.answer(stream) : HOLD;
  }

  onRequestTrailers(_trailers: Headers, stream: HttpStream): HeadersAnswerNow {
    if (stream.info.healthCheck !== true || !this.unfinished.has(stream)) return;
    return this.answer(stream);
  }

  private answer(stream: HttpStream): Replied {
    const { stats } = this;
    const { status, details, degraded } = this.verdict();
    stats.requestTotal.inc();
    const good = status >= 200 && status < 300;
    (good ? stats.ok : stats.failed).inc();
    if (degraded === true) stats.degraded.inc();
    const headers = degraded === true ? { 'x-envoy-degraded': '' } : {};
    return stream.reply(status, '', headers, { details, ...(good ? {} : { flag: ResponseFlag.LH }) });
  }

  private verdict(): Verdict {
    if (this.server.healthFailed) return { status: 503, details: 'health_check_failed' };
    const cached = this.cache?.answer;
    if (cached !== undefined) {
      this.stats.cachedResponse.inc();
      return { ...cached, details: 'health_check_cached' };
    }
    if (this.minima.length === 0) return { status: 200, details: 'health_check_ok' };
    return this.ofClusters();
  }

  private ofClusters(): Verdict {
    for (const { cluster: name, percent } of this.minima) {
      const cluster = this.clusters.get(name);
      if (cluster === undefined) {
        this.stats.clusterNotFound.inc();
        return { status: 503, details: 'health_check_failed_no_cluster_found' };
      }
      const { all, usable } = countHosts(cluster.sets);
      if (all === 0 && percent > 0) {
        this.stats.clusterEmpty.inc();
        return { status: 503, details: 'health_check_failed_cluster_empty' };
      }
      if (100 * usable < all * percent) {
        this.stats.clusterUnhealthy.inc();
        return { status: 503, details: 'health_check_failed_cluster_unhealthy' };
      }
    }
    return { status: 200, details: 'health_check_ok_cluster_healthy' };
  }

  onResponseHeaders(headers: ResponseHeaders, stream: HttpStream): void {
    const { healthFailed, cluster = '' } = this.server;
    const check = stream.info.healthCheck === true && this.checks.has(stream);
    if (check) this.cache?.keep(headers.status, headers.has('x-envoy-degraded'));
    if (healthFailed) headers.set('x-envoy-immediate-health-check-fail', 'true');
    if (check) headers.set('x-envoy-upstream-healthchecked-cluster', cluster);
  }
}

function countHosts(sets: HostSets | undefined): { readonly all: number; readonly usable: number } {
  let all = 0;
  let usable = 0;
  for (const { hosts, healthy, degraded } of sets?.priorities ?? []) {
    all += hosts.length;
    usable += healthy.length + degraded.length;
  }
  return { all, usable };
}
