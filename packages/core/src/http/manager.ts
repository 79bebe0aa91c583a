/** What all connections of one HTTP connection manager share, and the steps that every request and response takes. */
import type { RandomSource } from '../api/clock.ts';
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { Route } from '../api/route.ts';
import type { Runtime } from '../api/runtime.ts';
import type { Clusters } from '../api/upstream.ts';
import { ResponseFlag } from '../errors.ts';
import { type RequestHead, ResponseHead, Seen } from '../headers/header-map.ts';
import type { Logger } from '../runtime/log.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import {
  type Counter,
  type HttpConnectionManagerStats,
  httpConnectionManagerStats,
  httpTracingStats,
  type ListenerHttpStats,
  type Scope,
} from '../stats/index.ts';
import type { HttpConnection } from './connection.ts';
import { httpDate } from './date.ts';
import type { FilterPlan } from './filter-plan.ts';
import { applyForwarded, type Origin } from './forwarded.ts';
import { normalizePath } from './normalize.ts';
import type { HttpSettings } from './settings.ts';
import type { Stream } from './stream.ts';

/** The route table of a connection manager, opaque but for this. */
export interface Routes {
  route(headers: RequestHeaders, stream: HttpStream): Route | undefined;
}

/** What a manager is made of. */
export interface HttpManagerOptions {
  readonly settings: HttpSettings;
  readonly plan: FilterPlan;
  /** Plans of routes that switch filters on or off (`typed_per_filter_config`). */
  readonly routePlans: ReadonlyMap<Route, FilterPlan>;
  readonly routes: Routes;
  readonly clusters: Clusters;
  readonly wheel: TimerWheel;
  readonly random: RandomSource;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly rootScope: Scope;
  /** `listener.<address>.http.<stat_prefix>.` */
  readonly listenerStats: ListenerHttpStats;
  /** True while responses must carry `connection: close`. */
  readonly draining: () => boolean;
}

const CONTINUE = new ResponseHead();
CONTINUE.status = 100;

export class HttpManager {
  readonly settings: HttpSettings;
  readonly plan: FilterPlan;
  readonly clusters: Clusters;
  readonly wheel: TimerWheel;
  readonly random: RandomSource;
  readonly runtime: Runtime;
  readonly stats: HttpConnectionManagerStats;
  /** `http.<stat_prefix>.` */
  readonly scope: Scope;
  readonly connections = new Set<HttpConnection>();
  readonly draining: () => boolean;
  private readonly table: Routes;
  private readonly plansOfRoutes: ReadonlyMap<Route, FilterPlan>;
  private readonly log: Logger;
  private readonly filterErrors: Counter;
  private readonly byClass: readonly Counter[];
  private readonly listenerByClass: readonly Counter[];
  private readonly listenerCompleted: Counter;
  private readonly rqTime: { record(value: number): void };
  private readonly origin: Origin = { clientIp: '', internal: false };
  private readonly needsNormalizing: boolean;

  constructor(options: HttpManagerOptions) {
    this.settings = options.settings;
    this.plan = options.plan;
    this.clusters = options.clusters;
    this.wheel = options.wheel;
    this.random = options.random;
    this.runtime = options.runtime;
    this.draining = options.draining;
    this.table = options.routes;
    this.plansOfRoutes = options.routePlans;
    this.log = options.logger;
    this.scope = options.rootScope.scope(`http.${options.settings.statPrefix}.`);
    this.stats = httpConnectionManagerStats(this.scope);
    httpTracingStats(this.scope.scope('tracing.'));
    this.filterErrors = this.scope.counter('filter_error');
    const { stats } = this;
    this.byClass = [
      stats.downstream_rq_1xx,
      stats.downstream_rq_2xx,
      stats.downstream_rq_3xx,
      stats.downstream_rq_4xx,
      stats.downstream_rq_5xx,
    ];
    const own = options.listenerStats;
    this.listenerByClass = [
      own.downstream_rq_1xx,
      own.downstream_rq_2xx,
      own.downstream_rq_3xx,
      own.downstream_rq_4xx,
      own.downstream_rq_5xx,
    ];
    this.listenerCompleted = own.downstream_rq_completed;
    this.rqTime = stats.downstream_rq_time;
    const { settings } = options;
    this.needsNormalizing =
      settings.normalizePath || settings.mergeSlashes || settings.escapedSlashes !== 'KEEP_UNCHANGED';
  }

  /** A hook threw or rejected. */
  filterError(filter: string, error: unknown): void {
    this.filterErrors.value++;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.log.log('error', 'filter', `filter ${filter} failed: ${text}`);
  }

  /** What happens to a request before its first filter; false when it was answered here. */
  admit(stream: Stream, head: RequestHead): boolean {
    const { settings } = this;
    const path = head.path;
    // Only a CONNECT has no path; no route matches it yet.
    const connect = path === '';
    if (!connect && path.charCodeAt(0) !== 47 && path !== '*') return this.refusePath(stream);
    if (this.needsNormalizing && !connect && !this.normalize(stream, head)) return false;
    if (settings.stripHostPort !== 'none') stripPort(head, settings.stripHostPort, stream.connection.localPort);
    const origin = applyForwarded(head, stream.connection, settings, this.origin);
    stream.clientIp = origin.clientIp;
    stream.internal = origin.internal;
    if (settings.via !== '') appendVia(head, settings.via);
    const route = connect ? undefined : this.table.route(head, stream);
    if (route !== undefined) this.applyRoute(stream, route);
    if ((head.seen & (Seen.upgrade | Seen.expect)) === 0) return true;
    return this.upgradeOrContinue(stream, head);
  }

  private applyRoute(stream: Stream, route: Route): void {
    stream.route = route;
    const { action } = route;
    if (action.kind === 'forward' && action.idleTimeoutMs !== undefined) stream.setIdleTimeout(action.idleTimeoutMs);
    if (this.plansOfRoutes.size > 0) stream.plan = this.plansOfRoutes.get(route) ?? this.plan;
  }

  private refusePath(stream: Stream): boolean {
    this.stats.downstream_rq_non_relative_path.value++;
    stream.reply(404, undefined, undefined, { details: 'absolute_path_rejected', flag: ResponseFlag.NR });
    return false;
  }

  private normalize(stream: Stream, head: RequestHead): boolean {
    const result = normalizePath(head.path, this.settings);
    if ('path' in result) {
      head.path = result.path;
      return true;
    }
    if ('redirect' in result) {
      this.stats.downstream_rq_redirected_with_normalized_path.value++;
      stream.reply(307, undefined, { location: result.redirect }, { details: 'path_normalization_failed' });
      return false;
    }
    this.stats.downstream_rq_failed_path_normalization.value++;
    stream.reply(400, undefined, undefined, { details: 'path_normalization_failed' });
    return false;
  }

  private upgradeOrContinue(stream: Stream, head: RequestHead): boolean {
    if ((head.seen & Seen.upgrade) !== 0) {
      this.stats.downstream_rq_ws_on_non_ws_route.value++;
      // The client may already be speaking the other protocol behind its request.
      stream.writer.closeAfterResponse();
      stream.reply(403, undefined, undefined, { details: 'upgrade_failed' });
      return false;
    }
    if (this.settings.proxy100Continue) head.fields.push('expect', '100-continue');
    else if (!stream.requestComplete) {
      stream.writer.writeInterim(CONTINUE);
      this.chargeStatus(CONTINUE.status);
    }
    return true;
  }

  /** What every response head gets before it goes out. */
  finishHead(head: ResponseHead, stream: Stream): void {
    const { settings } = this;
    if (head.value('date') === undefined) head.fields.push('date', httpDate(this.wheel.clock.wallMs()));
    if (settings.serverHeaderTransformation === 'OVERWRITE') head.put('server', settings.serverName);
    else if (settings.serverHeaderTransformation === 'APPEND_IF_ABSENT' && head.value('server') === undefined) {
      head.fields.push('server', settings.serverName);
    }
    if (settings.alwaysSetRequestIdInResponse) {
      const id = stream.requestHeaders.get('x-request-id');
      if (id !== undefined) head.put('x-request-id', id);
    }
    if (settings.via !== '') appendVia(head, settings.via);
    this.chargeStatus(head.status);
    if (this.draining()) this.drainClose(stream);
    if (!stream.requestComplete) this.stats.downstream_rq_response_before_rq_complete.value++;
  }

  private drainClose(stream: Stream): void {
    this.stats.downstream_cx_drain_close.value++;
    stream.writer.closeAfterResponse();
  }

  /** Counts a response by class, here and for the listener. */
  chargeStatus(status: number): void {
    const index = ((status / 100) | 0) - 1;
    const counter = this.byClass[index];
    if (counter === undefined) return;
    counter.value++;
    (this.listenerByClass[index] as Counter).value++;
    this.stats.downstream_rq_completed.value++;
    this.listenerCompleted.value++;
  }

  /** The last thing in a stream's life. */
  streamEnded(stream: Stream): void {
    this.stats.downstream_rq_active.value--;
    this.rqTime.record(Math.round(stream.endMs - stream.startMs));
  }
}

/** `*` targets carry no port to strip; an IPv6 literal keeps its brackets. */
function stripPort(head: RequestHead, how: 'matching' | 'any', listenerPort: number): void {
  const match = /^(.+):(\d+)$/.exec(head.authority);
  if (match === null || (match[1] as string).endsWith(':')) return;
  if (how === 'matching' && Number(match[2]) !== listenerPort) return;
  head.authority = match[1] as string;
}

function appendVia(head: RequestHead | ResponseHead, via: string): void {
  const present = head.getAll('via');
  head.put('via', present.length === 0 ? via : `${present.join(', ')}, ${via}`);
}
