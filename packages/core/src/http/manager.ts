/** What all connections of one HTTP connection manager share, and the steps that every request and response takes. */
import type { RandomSource } from '../api/clock.ts';
import type { RequestHeaders } from '../api/headers.ts';
import type { Route } from '../api/route.ts';
import type { Runtime } from '../api/runtime.ts';
import type { Clusters } from '../api/upstream.ts';
import { errorText } from '../errors.ts';
import { type RequestHead, type ResponseHead, Seen } from '../headers/header-map.ts';
import type { Logger } from '../runtime/log.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import {
  type Counter,
  type Http1CodecStats,
  type Http2CodecStats,
  type HttpConnectionManagerStats,
  http1CodecStats,
  http2CodecStats,
  httpConnectionManagerStats,
  httpTracingStats,
  type ListenerHttpStats,
  type Scope,
} from '../stats/index.ts';
import { Admission, type RouteSet, type Routes } from './admission.ts';
import type { HttpConnection } from './connection.ts';
import { httpDate } from './date.ts';
import { appendVia } from './extra-fields.ts';
import type { FilterPlan } from './filter-plan.ts';
import { addProxyStatus } from './proxy-status.ts';
import type { HttpSettings } from './settings.ts';
import type { Stream } from './stream.ts';
import type { ResponseStream } from './stream-response.ts';
import { UserAgents } from './user-agent.ts';
import type { RequestLogs, RequestTracing } from './watchers.ts';

/** What a manager is made of. */
export interface HttpManagerOptions {
  readonly settings: HttpSettings;
  readonly plan: FilterPlan;
  /** Plans of routes that switch filters on or off (`typed_per_filter_config`). */
  readonly routePlans: ReadonlyMap<Route, FilterPlan>;
  /** Chains of upgrades that have their own (`upgrade_configs.filters`), by lower-case type. */
  readonly upgradePlans?: ReadonlyMap<string, FilterPlan>;
  readonly routes: Routes;
  /** `internal_only_headers` of the route configuration. */
  readonly internalOnlyHeaders?: readonly string[];
  readonly clusters: Clusters;
  readonly wheel: TimerWheel;
  readonly random: RandomSource;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly rootScope: Scope;
  /** `listener.<address>.http.<stat_prefix>.` */
  readonly listenerStats: ListenerHttpStats;
  /** Where the manager stands, for formats; '' without a name. */
  readonly listenerName?: string;
  readonly filterChainName?: string;
  /** True while responses must carry `connection: close`. */
  readonly draining: () => boolean;
  readonly tracing?: RequestTracing | undefined;
  readonly logs?: RequestLogs | undefined;
}

export class HttpManager {
  readonly settings: HttpSettings;
  readonly plan: FilterPlan;
  readonly clusters: Clusters;
  readonly wheel: TimerWheel;
  readonly random: RandomSource;
  readonly runtime: Runtime;
  readonly stats: HttpConnectionManagerStats;
  readonly listenerName: string;
  readonly filterChainName: string;
  readonly tracing: RequestTracing | undefined;
  readonly logs: RequestLogs | undefined;
  private readonly rootScope: Scope;
  private ownHttp1: Http1CodecStats | undefined = undefined;
  private ownHttp2: Http2CodecStats | undefined = undefined;
  /** `http.<stat_prefix>.` */
  readonly scope: Scope;
  readonly userAgents: UserAgents;
  readonly connections = new Set<HttpConnection>();
  readonly draining: () => boolean;
  private readonly admission: Admission;
  private readonly log: Logger;
  private readonly filterErrors: Counter;
  private readonly byClass: readonly Counter[];
  private readonly listenerByClass: readonly Counter[];
  private readonly listenerCompleted: Counter;
  private readonly rqTime: { record(value: number): void };

  constructor(options: HttpManagerOptions) {
    this.settings = options.settings;
    this.plan = options.plan;
    this.clusters = options.clusters;
    this.wheel = options.wheel;
    this.random = options.random;
    this.runtime = options.runtime;
    this.draining = options.draining;
    this.listenerName = options.listenerName ?? '';
    this.filterChainName = options.filterChainName ?? '';
    this.tracing = options.tracing;
    this.logs = options.logs;
    this.log = options.logger;
    this.scope = options.rootScope.scope(`http.${options.settings.statPrefix}.`);
    this.stats = httpConnectionManagerStats(this.scope);
    this.userAgents = new UserAgents(this.scope);
    this.rootScope = options.rootScope;
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
    this.admission = new Admission(this, options);
  }

  /** `http1.`: of the codec, made with the first connection that has it. */
  get http1(): Http1CodecStats {
    this.ownHttp1 ??= http1CodecStats(this.rootScope);
    return this.ownHttp1;
  }

  /** `http2.`: of the codec, made with the first connection that has it. */
  get http2(): Http2CodecStats {
    this.ownHttp2 ??= http2CodecStats(this.rootScope);
    return this.ownHttp2;
  }

  /** `drain_timeout` with the jitter of one connection. */
  drainTimeoutMs(): number {
    const { drainTimeoutMs, drainTimeoutJitterPercent } = this.settings;
    if (drainTimeoutJitterPercent === 0) return drainTimeoutMs;
    return drainTimeoutMs * (1 + (this.random() * drainTimeoutJitterPercent) / 100);
  }

  /** The proxy drains: clients that can be told are told. */
  startDrain(): void {
    for (const connection of this.connections) connection.startDrain();
  }

  /** A hook threw or rejected. */
  filterError(filter: string, error: unknown): void {
    this.filterErrors.value++;
    this.log.log('error', 'filter', `filter ${filter} failed: ${errorText(error)}`);
  }

  /** What happens to a request before its first filter; false when it was answered here. */
  admit(stream: Stream, head: RequestHead): boolean {
    return this.admission.admit(stream, head);
  }

  /** Replaces all routes at once, for the requests to come. */
  useRoutes(set: RouteSet): void {
    this.admission.useRoutes(set);
  }

  /** The route that a head would get (see `TerminalStream.findRoute`). */
  findRoute(headers: RequestHeaders, stream: ResponseStream): Route | undefined {
    return this.admission.findRoute(headers, stream);
  }

  /** What every response head gets before it goes out. */
  finishHead(head: ResponseHead, stream: ResponseStream): void {
    const { settings } = this;
    if (head.value('date') === undefined) head.fields.push('date', httpDate(this.wheel.clock.wallMs()));
    if (settings.serverHeaderTransformation === 'OVERWRITE') head.put('server', settings.serverName);
    else if (settings.serverHeaderTransformation === 'APPEND_IF_ABSENT' && head.value('server') === undefined) {
      head.fields.push('server', settings.serverName);
    }
    if (settings.alwaysSetRequestIdInResponse || isForced(stream.requestHeaders)) {
      const id = stream.requestHeaders.get('x-request-id');
      if (id !== undefined) head.put('x-request-id', id);
    }
    if (settings.proxyStatus !== undefined) addProxyStatus(head, stream, settings.proxyStatus);
    if (this.tracing !== undefined) this.tracing.head(head, stream);
    if (settings.via !== '') appendVia(head, settings.via);
    if (!stream.healthCheck) this.chargeStatus(head.status);
    if (this.draining() && stream.drainConnection()) this.stats.downstream_cx_drain_close.value++;
    if (!stream.requestComplete) this.stats.downstream_rq_response_before_rq_complete.value++;
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

  /** The first thing in a stream's life. */
  countStream(stream: Stream): Stream {
    const { stats } = this;
    stats.downstream_rq_total.value++;
    stats.downstream_rq_active.inc();
    return stream;
  }

  /** The last thing in a stream's life. */
  streamEnded(stream: ResponseStream): void {
    this.stats.downstream_rq_active.dec();
    if (stream.upgraded) this.stats.downstream_cx_upgrades_active.dec();
    if (stream.responseEnded) {
      this.rqTime.record(Math.round(stream.endMs - stream.startMs));
      if (stream.requestComplete) return;
    }
    // As in Envoy, whoever gave it up: a stream that ends before both sides are through has been reset.
    if (!stream.passedOn) this.stats.downstream_rq_rx_reset.value++;
  }
}

/** A client that asks for a trace gets its id back. Only internal ones still have the field by now. */
function isForced(head: RequestHead): boolean {
  return (head.seen & Seen.envoy) !== 0 && head.value('x-envoy-force-trace') !== undefined;
}
