/** What one exchange is and what is known of it; nothing in here moves it. See `stream` for how it runs. */

import type { Timers } from '../api/clock.ts';
import type { Host } from '../api/cluster.ts';
import type { ResponseWriter } from '../api/codec.ts';
import type { Headers } from '../api/headers.ts';
import type { FilterHandle, StreamConnection, StreamInfo } from '../api/http-stream.ts';
import type { OverrideHost } from '../api/load-balancer.ts';
import type { Route } from '../api/route.ts';
import type { Runtime } from '../api/runtime.ts';
import type { StatsScope } from '../api/stats.ts';
import type { Span } from '../api/tracer.ts';
import type { StreamTracing, TraceReason } from '../api/tracing.ts';
import type { Clusters, UpstreamConnection } from '../api/upstream.ts';
import { isGrpc } from '../headers/grpc.ts';
import type { RequestHead, ResponseHead } from '../headers/header-map.ts';
import type { Peer } from '../net/peer.ts';
import type { RouteSet } from './admission.ts';
import type { FilterPlan } from './filter-plan.ts';
import type { HttpManager } from './manager.ts';
import type { Stream } from './stream.ts';
import type { DeadlineWatch } from './stream-watch.ts';
import { TimedStream } from './timed-stream.ts';

let nextId = 1;

/** A connection that knows which stream it serves. */
export interface StreamOwner extends StreamConnection {
  /** Watches the deadlines of its streams; without it each stream has a timer entry of its own. */
  readonly watch?: DeadlineWatch | undefined;
  /** What listener filters have found out. */
  readonly peer?: Pick<Peer, 'metadata' | 'filterState'>;
  /** The stream of the exchange's next run, counted and set in the place of the first. */
  nextRun?(previous: Stream): Stream;
  /** No request has come yet: {@link learnAgent} is to be told of the first. */
  readonly agentPending?: boolean;
  learnAgent?(userAgent: string): void;
  /** Takes no more requests, and tells the client; false when it has been told. */
  drainClose?(): boolean;
}

export abstract class StreamFacts extends TimedStream implements StreamInfo {
  readonly id = nextId++;
  /** The chain's plan, or the route's own when it switches filters. */
  plan: FilterPlan;
  readonly writer: ResponseWriter;
  protected readonly owner: StreamOwner;
  /** Not the first run of its exchange ({@link recreate}): the trust rules have been applied already. */
  readonly recreated: boolean;
  requestHeaders!: RequestHead;
  responseHeaders: ResponseHead | undefined = undefined;
  requestTrailers: Headers | undefined = undefined;
  responseTrailers: Headers | undefined = undefined;
  route: Route | undefined = undefined;
  /** The routes that were in force when the request came. */
  routeSet: RouteSet | undefined = undefined;
  internal = false;
  chunkOwned = false;
  /** The response head was given to the codec. */
  responseCommitted = false;
  responseEnded = false;
  /** The exchange goes on in another run. */
  passedOn = false;
  /** The request asks for another protocol, and is allowed to: counted in `downstream_cx_upgrades_active`. */
  upgraded = false;
  // StreamInfo
  requestCompleteMs = 0;
  upstreamFirstByteMs = 0;
  upstreamTxBeginMs = 0;
  upstreamTxEndMs = 0;
  upstreamRxEndMs = 0;
  downstreamTxBeginMs = 0;
  endMs = 0;
  flags = 0;
  bytesReceived = 0;
  bytesSent = 0;
  clientIp = '';
  upstreamHost: Host | undefined = undefined;
  upstreamHttp2 = false;
  upstreamTunnel = false;
  healthCheck = false;
  upstreamConnection: UpstreamConnection | undefined = undefined;
  upstreamCluster = '';
  upstreamOverrideHost: OverrideHost | undefined = undefined;
  attempts = 0;
  span: Span | undefined = undefined;
  tracing: StreamTracing | undefined = undefined;
  traceReason: TraceReason = 'none';
  /** @internal The route's name for the span, which the client is told of; '' when it is not. */
  decorator = '';

  /** @internal See `stream_flush_timeout`; -1 takes the connection manager's. */
  flushTimeoutMs = -1;
  private states: unknown[] | undefined;
  private ownMetadata: Map<string, unknown> | undefined = undefined;
  private ownFilterState: Map<string, unknown> | undefined = undefined;
  /** -1 until first asked for. */
  private ownRandom = -1;

  /** `previous` is the run that {@link recreate} ended: who the client is, filter state and start time go on. */
  constructor(manager: HttpManager, owner: StreamOwner, writer: ResponseWriter, previous?: StreamFacts) {
    const now = manager.wheel.nowMs();
    super(manager, previous === undefined ? now : previous.startMs, now, owner.watch);
    this.plan = manager.plan;
    this.writer = writer;
    this.owner = owner;
    this.recreated = previous !== undefined;
    if (previous !== undefined) {
      this.clientIp = previous.clientIp;
      this.internal = previous.internal;
      this.ownRandom = previous.ownRandom;
      this.ownFilterState = previous.ownFilterState;
    }
    const newStates = this.plan.newStates;
    this.states = newStates.length === 0 ? undefined : makeStates(newStates);
  }

  get finished(): boolean {
    return this.over || this.replied;
  }
  get clusters(): Clusters {
    return this.manager.clusters;
  }
  get timers(): Timers {
    return this.manager.wheel;
  }
  get runtime(): Runtime {
    return this.manager.runtime;
  }
  get random(): number {
    if (this.ownRandom < 0) this.ownRandom = Math.floor(this.manager.random() * Number.MAX_SAFE_INTEGER);
    return this.ownRandom;
  }
  get bufferLimitBytes(): number {
    return this.manager.settings.bufferLimitBytes;
  }
  get connection(): StreamConnection {
    return this.owner;
  }
  get info(): StreamInfo {
    return this;
  }
  get stats(): StatsScope {
    return this.manager.scope;
  }
  /** Worked out when asked for: most requests are never looked at this way. */
  get startWallMs(): number {
    const { clock } = this.manager.wheel;
    return clock.wallMs() - (clock.nowMs() - this.startMs);
  }
  get listenerName(): string {
    return this.manager.listenerName;
  }
  get filterChainName(): string {
    return this.manager.filterChainName;
  }
  get metadata(): Map<string, unknown> {
    this.ownMetadata ??= new Map(this.owner.peer?.metadata);
    return this.ownMetadata;
  }
  get filterState(): Map<string, unknown> {
    this.ownFilterState ??= new Map(this.owner.peer?.filterState);
    return this.ownFilterState;
  }

  routeConfig<T>(filter: FilterHandle<T>): T | undefined {
    const slot = this.plan.routeSlots.get(filter.name);
    return slot === undefined ? undefined : (this.route?.filterConfig(slot) as T | undefined);
  }

  state(slot: number): unknown {
    return slot < 0 ? undefined : (this.states as unknown[])[slot];
  }

  /** @internal Must be answered in gRPC's way. */
  get grpc(): boolean {
    return isGrpc(this.requestHeaders.get('content-type'));
  }

  /** @internal The connection takes no more requests; false when its client knows already. */
  drainConnection(): boolean {
    if (this.owner.drainClose !== undefined) return this.owner.drainClose();
    this.writer.closeAfterResponse();
    return true;
  }

  /** Gives the exchange another chain, before its first filter has run. */
  usePlan(plan: FilterPlan): void {
    this.plan = plan;
    this.states = plan.newStates.length === 0 ? undefined : makeStates(plan.newStates);
  }
}

function makeStates(newStates: readonly (() => unknown)[]): unknown[] {
  const states: unknown[] = new Array(newStates.length);
  for (let i = 0; i < newStates.length; i++) states[i] = (newStates[i] as () => unknown)();
  return states;
}
