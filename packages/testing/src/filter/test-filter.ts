/** Runs HTTP filters without sockets: a scripted client in front, a scripted upstream behind, virtual time. */
import {
  type Clusters,
  type ConfiguredHttpFilter,
  type Extension,
  flagString,
  type HttpFilterContext,
  type HttpOptions,
  type HttpStream,
  http,
  type Route,
  type SideCalls,
} from '@mesh/core';
import {
  ClusterSideCalls,
  FilterPlan,
  FORWARD_DEFAULTS,
  HttpManager,
  httpSettings,
  listenerHttpStats,
  NO_RUNTIME,
  type PlannedFilter,
  StatsStore,
  TimerWheel,
  withActiveSpan,
} from '@mesh/core/engine';
import { toRecord } from '../bytes.ts';
import { VirtualClock } from '../clock.ts';
import { type ClientScript, Exchange, requestHead } from './exchange.ts';
import { fromConfig, routeConfigs, type YamlFilter } from './filter-config.ts';
import {
  ScriptedExchange,
  scriptedUpstream,
  type UpstreamRequestSeen,
  type UpstreamScript,
} from './scripted-upstream.ts';
import { testTracing } from './test-tracing.ts';
import { recorded, Transcript } from './transcript.ts';

/** A filter as code makes it, or as YAML names it (`{ name, typedConfig }`, with `extensions`). */
export type FilterUnderTest = ConfiguredHttpFilter | YamlFilter;

/** Options of {@link testFilter}. */
export interface TestFilterOptions {
  /** Definitions that `{ name, typedConfig }` entries are looked up in. */
  readonly extensions?: readonly Extension[];
  /** Most bytes that HOLD may keep. Default 32 768. */
  readonly bufferLimitBytes?: number;
  /** Settings of the connection manager, e.g. `streamIdleTimeoutMs`, or `tracing` with the provider of a `recordingTracer`. */
  readonly http?: Partial<Omit<HttpOptions, 'filters' | 'routes' | 'virtualHosts'>>;
  /** What filters find by name. Default none. */
  readonly clusters?: Clusters;
  /** Answers the filters' own requests. Default the clusters' hosts. */
  readonly sideCalls?: SideCalls;
  /** Real time without any progress after which a request is called stuck. Default 1000. */
  readonly patienceMs?: number;
}

/** A request, and what the upstream answers (default `200` without a body). */
export interface FilterRequest extends ClientScript {
  readonly upstream?: UpstreamScript;
  /** Per-route config by filter name (`typed_per_filter_config`), checked by the filters' schemas. */
  readonly routeConfig?: Readonly<Record<string, unknown>>;
}

/** What came of a request. */
export interface FilterResult {
  /** 0 when the stream was reset before a response. */
  readonly status: number;
  /** Names in lower case, repeated fields joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** Field lines in order. */
  readonly headerLines: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** The body in the pieces in which it left the chain, as text. */
  readonly chunks: readonly string[];
  readonly trailers: Readonly<Record<string, string>> | undefined;
  /** The response was cut off, or there was none. */
  readonly reset: boolean;
  /** What came out behind the last filter; `undefined` when nothing did. */
  readonly upstreamRequest: UpstreamRequestSeen | undefined;
  readonly transcript: Transcript;
  /** Response flags in Envoy's form, `-` for none. */
  readonly flags: string;
  /** Response code details, e.g. `request_payload_too_large`. */
  readonly details: string;
}

/** One line that the engine or a filter logged. */
export interface LogLine {
  readonly level: string;
  readonly component: string;
  readonly message: string;
}

/** A chain under test, made by {@link testFilter}. */
export class FilterTest {
  readonly clock = new VirtualClock();
  /** What was logged, e.g. the failures of filters. */
  readonly logs: LogLine[] = [];
  /** The proxy that the filters are in: set `healthFailed` for what `/healthcheck/fail` does. */
  readonly server = { healthFailed: false };
  private readonly store = new StatsStore();
  private readonly manager: HttpManager;
  private readonly filters: readonly ConfiguredHttpFilter[];
  private readonly patienceMs: number;
  private readonly running = new Map<HttpStream, { transcript: Transcript; upstream: ScriptedExchange }>();
  private readonly routes = new WeakMap<object, Route>();

  /** @internal */
  constructor(filters: readonly FilterUnderTest[], options: TestFilterOptions) {
    this.filters = filters.map((filter) =>
      'definition' in filter ? filter : fromConfig('http-filter', filter, options.extensions ?? []),
    );
    this.patienceMs = options.patienceMs ?? 1000;
    const wheel = new TimerWheel(this.clock, (error) => this.log('error', 'timer', String(error)));
    const rootScope = this.store.scope('');
    const clusters = options.clusters ?? { get: () => undefined };
    const sideCalls = options.sideCalls ?? new ClusterSideCalls(clusters, wheel);
    const accessLogs = () => undefined;
    const shared = { clusters, sideCalls, server: this.server, timers: wheel, runtime: NO_RUNTIME, accessLogs };
    const config = http({ ...options.http, filters: [] });
    const settings = httpSettings(config, options.bufferLimitBytes ?? 32_768);
    const random = () => 0.5;
    const log = (level: string, message: string) => this.log(level, 'main', message);
    const tracing = testTracing(config, { store: this.store, clusters, sideCalls, wheel, random, log });
    this.manager = new HttpManager({
      settings,
      plan: new FilterPlan(
        this.plannedFilters({ ...shared, stats: rootScope.scope(`http.${settings.statPrefix}.`) }).map((planned) =>
          withActiveSpan(planned, tracing?.tracer),
        ),
      ),
      tracing: tracing?.tracing,
      routePlans: new Map(),
      routes: { route: (headers) => this.routes.get(headers) },
      clusters: shared.clusters,
      wheel,
      random,
      runtime: NO_RUNTIME,
      logger: { log: (level, component, message) => this.log(level, component, message) },
      rootScope,
      listenerStats: listenerHttpStats(rootScope.scope(`listener.test.http.${settings.statPrefix}.`)),
      draining: () => false,
    });
  }

  private plannedFilters(shared: Omit<HttpFilterContext, 'routeConfig'>): PlannedFilter[] {
    const planned = this.filters.map(({ definition, config }, index) => {
      const { name, newState } = definition;
      const context = { ...shared, routeConfig: (stream: HttpStream) => stream.route?.filterConfig(index) };
      const filter = recorded(name, definition.create(config, context), (stream) => this.runOf(stream).transcript);
      return { name, definitionName: name, filter, newState };
    });
    if (this.filters.at(-1)?.definition.terminal === true) return planned;
    return [...planned, scriptedUpstream((stream) => this.runOf(stream).upstream)];
  }

  private runOf(stream: HttpStream) {
    const run = this.running.get(stream);
    if (run === undefined) throw new Error('a hook was called outside of its stream');
    return run;
  }

  /**
   * Plays a request; resolves when the exchange is over. With a filter that waits for time, keep the promise, advance
   * `clock`, and then await it.
   * @throws Error naming the filter and the hook when nothing moves any more.
   */
  async request(request: FilterRequest = {}): Promise<FilterResult> {
    const head = requestHead(request);
    this.routes.set(head, testRoute(routeConfigs(this.filters, request.routeConfig ?? {})));
    const exchange = new Exchange(this.manager, head.method);
    const transcript = new Transcript();
    const upstream = new ScriptedExchange(request.upstream ?? {});
    this.running.set(exchange.stream, { transcript, upstream });
    try {
      await this.finish(exchange, () => exchange.play(head, request), transcript, upstream);
    } finally {
      this.running.delete(exchange.stream);
    }
    return resultOf(exchange, transcript, upstream);
  }

  private async finish(
    exchange: Exchange,
    start: () => void,
    transcript: Transcript,
    upstream: ScriptedExchange,
  ): Promise<void> {
    const over = new Promise<void>((resolve) => {
      exchange.onOver = resolve;
    });
    start();
    let before = '';
    while (!exchange.over) {
      const progress = `${exchange.activity} ${transcript.entries.length} ${upstream.answered} ${this.clock.nowMs()}`;
      if (progress === before) throw this.stuck(transcript, upstream);
      before = progress;
      await either(over, this.patienceMs);
    }
  }

  private stuck(transcript: Transcript, upstream: ScriptedExchange): Error {
    const reasons = transcript.parked;
    if (reasons.length === 0) reasons.push(upstreamReason(upstream));
    const lines = transcript.entries.length === 0 ? '  (no hook was called)' : transcript.text.replaceAll(/^/gm, '  ');
    const time = this.clock.pending > 0 ? '\nA timer is armed: await t.clock.advanceAsync(ms) lets time pass.' : '';
    return new Error(`the exchange does not go on: ${reasons.join('; ')}.${time}\nTranscript:\n${lines}`);
  }

  private log(level: string, component: string, message: string): void {
    this.logs.push({ level, component, message });
  }

  /** A counter's or gauge's value by its full name, e.g. `http.ingress_http.filter_error`. @throws Error for an unknown name. */
  stats(name: string): number {
    return statValue(this.store, name);
  }
}

function upstreamReason({ seen, answered }: ScriptedExchange): string {
  if (seen === undefined) return 'the request never reached the end of the chain';
  if (!seen.complete) return 'the end of the request never reached the end of the chain';
  return answered ? 'the response never reached the client' : 'the scripted upstream has not answered';
}

/** The value of a counter or gauge. @throws Error for a name that does not exist. */
export function statValue(store: Pick<StatsStore, 'counters' | 'gauges'>, name: string): number {
  const found = [...store.counters(), ...store.gauges()].find((metric) => metric.name === name);
  if (found !== undefined) return found.value;
  // Counters of response codes appear with the first response.
  if (/_(?:[1-5]xx|[1-5][0-9]{2})$/.test(name)) return 0;
  throw new Error(`there is no counter or gauge ${name}`);
}

/** Resolves with the promise or after `ms` of real time, and leaves no timer behind. */
async function either(promise: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}

function testRoute(configs: readonly unknown[]): Route {
  return {
    name: 'test',
    virtualHost: 'test',
    action: {
      ...FORWARD_DEFAULTS,
      cluster: 'upstream',
      timeoutMs: 0,
    },
    finalizeRequest: () => {},
    finalizeResponse: () => {},
    filterConfig: (slot) => configs[slot],
    filterConfigs: (slot) => (configs[slot] === undefined ? [] : [configs[slot]]),
    metadata: {},
  };
}

function resultOf(exchange: Exchange, transcript: Transcript, upstream: ScriptedExchange): FilterResult {
  const { head, chunks, trailers, stream } = exchange;
  const lines = head === undefined ? [] : [...head.entries()];
  return {
    status: head?.status ?? 0,
    headers: toRecord(lines),
    headerLines: lines,
    body: Buffer.concat(chunks).toString(),
    chunks: chunks.map(String),
    trailers: trailers === undefined ? undefined : toRecord(trailers.entries()),
    reset: exchange.wasReset || !exchange.ended,
    upstreamRequest: upstream.seen,
    transcript,
    flags: flagString(stream.info.flags),
    details: stream.info.details,
  };
}

/**
 * Puts filters under test, without sockets.
 *
 * @example
 * const t = testFilter(gate({ keys: ['k1'] }));
 * const r = await t.request({ headers: { 'x-api-key': 'k2' } });
 * expect(r.status).toBe(401);
 * expect(r.transcript.text).toBe('[acme.filters.http.gate] onRequestHeaders GET / end -> reply');
 */
export function testFilter(
  filters: FilterUnderTest | readonly FilterUnderTest[],
  options: TestFilterOptions = {},
): FilterTest {
  return new FilterTest(isList(filters) ? filters : [filters], options);
}

function isList(filters: FilterUnderTest | readonly FilterUnderTest[]): filters is readonly FilterUnderTest[] {
  return Array.isArray(filters);
}
