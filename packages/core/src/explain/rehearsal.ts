/**
 * Plays a request through a listener that is built as the proxy builds it, so that what is told cannot differ from what
 * is done: the real codec, connection manager, routes and router. Only what would touch the world is replaced: the
 * client's socket, the clusters' connections, time, chance, and the filters before the router, which are counted but
 * not run (they may ask other services or spend a quota).
 */
import type { Clock } from '../api/clock.ts';
import type { RequestSink } from '../api/codec.ts';
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream, TerminalStream } from '../api/http-stream.ts';
import type { Route } from '../api/route.ts';
import type { UpstreamCluster } from '../api/upstream.ts';
import { clusterSettings, listenerSettings, staticEndpoints } from '../config/build.ts';
import type { ClusterConfig } from '../config/cluster.ts';
import type { HttpConnectionManagerConfig, HttpFilterConfig } from '../config/http-connection-manager.ts';
import type { FilterChainConfig } from '../config/listener.ts';
import { routeTablesOf } from '../config/places.ts';
import type { Routes } from '../http/admission.ts';
import type { PlannedFilter } from '../http/filter-plan.ts';
import { Http1Connection } from '../http/http1-connection.ts';
import type { Stream } from '../http/stream.ts';
import { type BuildSeams, type CompiledTables, listenerBuild, managersOf } from '../listener-build.ts';
import type { RouteTable } from '../routing/route-table.ts';
import type { ScopedRoutes } from '../routing/scoped-routes.ts';
import { TimerWheel } from '../runtime/timer-wheel.ts';
import { StatsStore } from '../stats/index.ts';
import { Cluster } from '../upstream/cluster.ts';
import type { HttpListener } from './choose-listener.ts';
import type { ExplainedResponse } from './explanation.ts';
import { type Head, headOf } from './head.ts';
import { type ExplainedHash, hashOf } from './policies.ts';
import { asEndpoints, type RecordedRequest, RecordingCluster } from './recording-cluster.ts';
import { type FullRequest, requestBytes } from './request.ts';
import { RuntimeOverlay } from './runtime-overlay.ts';
import { ScriptedConnection } from './scripted-connection.ts';
import type { ExplainSource } from './source.ts';

/** Name of the extension that routes; another terminal filter is not run. */
const ROUTER = 'envoy.filters.http.router';

/** One look for a route, while the request is as it was then. */
export interface Lookup {
  /** `undefined` when the connection manager has scopes and none of them fits. */
  readonly table: RouteTable | undefined;
  readonly headers: RequestHeaders;
  readonly stream: HttpStream;
  readonly route: Route | undefined;
  /** A copy of `headers`. */
  readonly head: Head;
}

/** What was seen. */
export interface Rehearsal<Found> {
  /** The head when the connection manager was done with it; absent when it answered the request itself. */
  readonly admitted: Head | undefined;
  /** Absent when the codec refused the head. */
  readonly stream: Stream | undefined;
  /** Absent when the request did not come so far. */
  readonly lookup: Lookup | undefined;
  /** Positions of the filters that the request passed through. */
  readonly passed: number[];
  /** First the request itself, then its mirrors. */
  readonly requests: RecordedRequest[];
  readonly response: ExplainedResponse;
  /** Of the head that hosts are chosen by; absent when none was to be chosen. */
  readonly hash: ExplainedHash | undefined;
  /** Answers questions about the request while it is still as it was when its route was looked up. */
  readonly atLookup: Found | undefined;
}

/** `look` is called once, when the route has been looked up and nothing has changed since. */
export function rehearse<Found>(
  source: ExplainSource,
  listener: HttpListener,
  request: FullRequest,
  look: (lookup: Lookup) => Found,
): Rehearsal<Found> {
  const seen = new Recorder(source, listener.chain, look);
  const connection = new ScriptedConnection();
  const wheel = new TimerWheel(STOPPED_CLOCK, () => {});
  const store = new StatsStore();
  const scope = store.scope('');
  const random = () => (request.random + 0.5) / Number.MAX_SAFE_INTEGER;
  const runtime = new RuntimeOverlay(source.runtime, request.runtime);
  const clusterOf = (config: ClusterConfig) =>
    // Nobody is asked how hosts are: those that are to be checked count as well.
    new Cluster({ ...clusterSettings(config), activeChecks: false }, config.type.toLowerCase(), {
      scope,
      wheel,
      random,
      runtime,
    });
  const build = listenerBuild(listener.config, {
    registry: source.registry,
    bufferLimitBytes: listenerSettings(listener.config).bufferLimitBytes,
    clusters: { get: (name) => seen.cluster(name, clusterOf) },
    wheel,
    random,
    runtime,
    logger: { log: () => {} },
    rootScope: scope,
    listenerScope: store.scope('listener.explain.'),
    draining: () => false,
    server: { healthFailed: false },
    node: source.node,
    seams: seen,
  });
  const manager = managersOf(build)[0]?.manager;
  if (manager === undefined) throw new Error('a listener without its connection manager');
  const peer = peerFor(listener, request);
  const http = new WatchedConnection(manager, connection.asConnection, peer);
  http.onStream = (stream) => {
    seen.stream ??= stream;
  };
  if (request.tls) Object.assign(http, { secure: true });
  http.onBytes(requestBytes(request), true);
  for (const { answer } of seen.requests) answer();
  return Object.assign(seen, { response: connection.response() });
}

/** Time stands still, so no deadline is ever due; the calendar is the real one. */
const STOPPED_CLOCK: Clock = { nowMs: () => 0, wallMs: () => Date.now(), schedule: () => () => {} };

function peerFor(listener: HttpListener, { sourceIp }: FullRequest) {
  const { address = '' } = listener.config.address.socketAddress ?? {};
  const anywhere = address === '0.0.0.0' || address === '::';
  const local = anywhere ? (sourceIp.includes(':') ? '::1' : '127.0.0.1') : address;
  return { remoteIp: sourceIp, remotePort: 50_000, localIp: local, localPort: Math.max(listener.port, 0) };
}

class WatchedConnection extends Http1Connection {
  onStream: (stream: Stream) => void = () => {};

  override newStream(): RequestSink {
    const stream = super.newStream() as Stream;
    this.onStream(stream);
    return stream;
  }
}

class Recorder<Found> implements BuildSeams {
  admitted: Head | undefined = undefined;
  stream: Stream | undefined = undefined;
  lookup: Lookup | undefined = undefined;
  atLookup: Found | undefined = undefined;
  hash: ExplainedHash | undefined = undefined;
  readonly passed: number[] = [];
  readonly requests: RecordedRequest[] = [];
  readonly chain: FilterChainConfig;
  private readonly source: ExplainSource;
  private readonly look: (lookup: Lookup) => Found;
  private readonly clusters = new Map<string, UpstreamCluster>();

  constructor(source: ExplainSource, chain: FilterChainConfig, look: (lookup: Lookup) => Found) {
    this.source = source;
    this.chain = chain;
    this.look = look;
  }

  cluster(name: string, create: (config: ClusterConfig) => Cluster): UpstreamCluster | undefined {
    const known = this.clusters.get(name);
    const config = this.source.bootstrap.staticResources.clusters.find((one) => one.name === name);
    if (known !== undefined || config === undefined) return known;
    const cluster = create(config);
    const hosts = this.source.hostsOf(name);
    // Names stand in for addresses: nothing is looked up, and nothing is connected to.
    cluster.update(hosts === undefined ? staticEndpoints(config) : asEndpoints(hosts));
    const onRequest = (request: RecordedRequest) => this.requests.push(request);
    const recording = new RecordingCluster(cluster, () => this.noteHash(), onRequest);
    this.clusters.set(name, recording);
    return recording;
  }

  /** Once: mirrors choose later, and without a hash. */
  private noteHash(): void {
    const { route, stream } = this.lookup ?? {};
    if (this.hash !== undefined || stream === undefined || route?.action.kind !== 'forward') return;
    this.hash = hashOf(route.action, stream);
  }

  // BuildSeams

  /** Virtual clusters are counted, and a question must leave no trace in the statistics of the proxy. */
  compiled(manager: HttpConnectionManagerConfig): CompiledTables | undefined {
    const hosts = routeTablesOf(manager).flatMap(({ table }) => table.virtualHosts);
    const counted = hosts.some(({ virtualClusters }) => virtualClusters.length > 0);
    return counted ? undefined : this.source.tablesOf(manager);
  }

  table(compiled: RouteTable | ScopedRoutes): Routes {
    return {
      route: (headers, stream) => {
        const table = 'tableFor' in compiled ? compiled.tableFor(headers) : compiled;
        const route = compiled.route(headers, stream);
        if (this.lookup !== undefined) return route;
        this.lookup = { table, headers, stream, route, head: headOf(headers) };
        this.atLookup = this.look(this.lookup);
        return route;
      },
    };
  }

  filter(entry: HttpFilterConfig, index: number, create: () => PlannedFilter): PlannedFilter {
    const { name, definition } = entry;
    if (definition.name === ROUTER) return this.watched(create(), index);
    const last = definition.terminal === true;
    const onRequestHeaders = (headers: RequestHeaders, stream: TerminalStream): void => {
      this.pass(index, headers);
      if (last) stream.reply(200);
    };
    return { name, definitionName: definition.name, filter: { onRequestHeaders } as never, newState: undefined };
  }

  /** The real filter, after a look at what comes to it. */
  private watched(planned: PlannedFilter, index: number): PlannedFilter {
    const real = planned.filter as unknown as Record<string, (...parts: unknown[]) => unknown>;
    const hooks: Record<string, unknown> = {};
    for (const name of HOOKS) {
      const hook = real[name];
      if (hook !== undefined) hooks[name] = hook.bind(real);
    }
    hooks.onRequestHeaders = (headers: RequestHeaders, stream: TerminalStream, state: unknown, end: boolean) => {
      this.pass(index, headers);
      return real.onRequestHeaders?.(headers, stream, state, end);
    };
    return { ...planned, filter: hooks as never };
  }

  private pass(index: number, headers: RequestHeaders): void {
    this.passed.push(index);
    this.admitted ??= headOf(headers);
  }
}

const HOOKS = [
  'onRequestHeaders',
  'onRequestData',
  'onRequestTrailers',
  'onResponseHeaders',
  'onResponseData',
  'onResponseTrailers',
  'onComplete',
];
