/**
 * One exchange: request in, response out, through the filters. Hooks that answer at once are walked here with a plain
 * loop; the first one that parks or holds hands its direction to a `FilterFlow`. Invariants: `onComplete` runs exactly
 * once; after `over` nothing reaches filters or the codec; an error in a hook ends this stream only.
 */

import type { Timers } from '../api/clock.ts';
import type { Host } from '../api/cluster.ts';
import type { RequestSink, ResetReason, ResponseWriter } from '../api/codec.ts';
import type { Headers, RequestHeaders, ResponseHeaders } from '../api/headers.ts';
import type {
  BodySource,
  FilterHandle,
  Replied,
  ReplyHeaders,
  ReplyOptions,
  StreamConnection,
  StreamInfo,
  TerminalStream,
} from '../api/http-stream.ts';
import type { Route } from '../api/route.ts';
import type { Runtime } from '../api/runtime.ts';
import type { StatsScope } from '../api/stats.ts';
import type { Clusters } from '../api/upstream.ts';
import { ResponseFlag } from '../errors.ts';
import { isGrpc } from '../headers/grpc.ts';
import type { RequestHead, ResponseHead } from '../headers/header-map.ts';
import type { Peer } from '../net/peer.ts';
import { REPLIED } from './answers.ts';
import { FilterFlow } from './filter-flow.ts';
import type { FilterPlan, Step } from './filter-plan.ts';
import { RequestFlowHost, ResponseFlowHost } from './flow-hosts.ts';
import { type LocalReply, mappedReply, plainReply, replyBody } from './local-reply.ts';
import type { HttpManager } from './manager.ts';
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
  /** Takes no more requests, and tells the client; false when it has been told. */
  drainClose?(): boolean;
}

export class Stream extends TimedStream implements TerminalStream, RequestSink, StreamInfo {
  readonly id = nextId++;
  /** The chain's plan, or the route's own when it switches filters. */
  plan: FilterPlan;
  readonly writer: ResponseWriter;
  private readonly owner: StreamOwner;
  /** Not the first run of its exchange ({@link recreate}): the trust rules have been applied already. */
  readonly recreated: boolean;
  requestHeaders!: RequestHead;
  responseHeaders: ResponseHead | undefined = undefined;
  requestTrailers: Headers | undefined = undefined;
  responseTrailers: Headers | undefined = undefined;
  route: Route | undefined = undefined;
  internal = false;
  chunkOwned = false;
  /** The response head was given to the codec. */
  responseCommitted = false;
  responseEnded = false;
  /** The request asks for another protocol, and is allowed to: counted in `downstream_cx_upgrades_active`. */
  upgraded = false;
  // StreamInfo
  requestCompleteMs = 0;
  upstreamFirstByteMs = 0;
  endMs = 0;
  flags = 0;
  bytesReceived = 0;
  bytesSent = 0;
  clientIp = '';
  upstreamHost: Host | undefined = undefined;
  upstreamHttp2 = false;
  upstreamCluster = '';
  attempts = 0;

  /** @internal See `stream_flush_timeout`; -1 takes the connection manager's. */
  flushTimeoutMs = -1;
  private states: unknown[] | undefined;
  private ownMetadata: Map<string, unknown> | undefined = undefined;
  private ownFilterState: Map<string, unknown> | undefined = undefined;
  /** -1 until first asked for. */
  private ownRandom = -1;
  private requestFlow: FilterFlow | undefined = undefined;
  private responseFlow: FilterFlow | undefined = undefined;
  private source: BodySource | undefined = undefined;
  private sourcePauses = 0;
  private blocked = false;

  /** `previous` is the run that {@link recreate} ended: who the client is, filter state and start time go on. */
  constructor(manager: HttpManager, owner: StreamOwner, writer: ResponseWriter, previous?: Stream) {
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

  // HttpStream

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

  // RequestSink: from the codec

  onHead(head: RequestHead, end: boolean): void {
    this.requestHeaders = head;
    if (end) this.completeRequest();
    this.armDeadline();
    if (!this.manager.admit(this, head)) return;
    const steps = this.plan.request.head;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      const answer = this.run(step, head, end);
      if (this.finished) break;
      if (answer === undefined) continue;
      if (this.flowRequest().headAnswer(answer, step, end)) continue;
      break;
    }
  }

  onData(chunk: Buffer, end: boolean, owned: boolean): void {
    if (this.over) return;
    this.bytesReceived += chunk.length;
    this.lastActivityMs = this.manager.wheel.nowMs();
    if (end) this.completeRequest();
    if (this.replied) return;
    if (this.requestFlow !== undefined) {
      this.chunkOwned = false;
      this.requestFlow.data(chunk, end, owned);
      return;
    }
    const steps = this.plan.request.data;
    const own = owned || steps.length === 1 ? chunk : Buffer.from(chunk);
    let part: Uint8Array = own;
    this.chunkOwned = owned || own !== chunk;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      const answer = this.run(step, part, end);
      if (this.finished) return;
      if (answer === undefined) continue;
      this.chunkOwned = false;
      if (answer instanceof Uint8Array) part = answer;
      else {
        this.flowRequest().dataAnswer(answer, step, part, end);
        return;
      }
    }
  }

  onTrailers(trailers: Headers): void {
    if (this.over) return;
    this.requestTrailers = trailers;
    this.completeRequest();
    if (this.replied) return;
    if (this.requestFlow !== undefined) this.requestFlow.trailers(trailers);
    else if (this.plan.request.trailers.length > 0) this.flowRequest().trailers(trailers);
  }

  onBatchEnd(): void {
    this.source?.flushRequest();
  }

  onWritable(): void {
    if (!this.blocked) return;
    this.blocked = false;
    this.manager.stats.downstream_flow_control_resumed_reading_total.value++;
    this.resumeSource();
  }

  onReset(reason: ResetReason, details?: string): void {
    if (this.over) return;
    this.flags |= resetFlag(reason, details);
    this.details = details ?? 'downstream_remote_disconnect';
    this.manager.stats.downstream_rq_rx_reset.value++;
    this.finish();
  }

  private completeRequest(): void {
    this.requestComplete = true;
    this.requestCompleteMs = this.lastActivityMs;
  }

  // Hooks

  private run(step: Step, part: unknown, end: boolean): unknown {
    try {
      return step.run(part, this, this.state(step.slot), end);
    } catch (error) {
      this.filterFailed(step.name, error);
      return undefined;
    }
  }

  private flowRequest(): FilterFlow {
    this.requestFlow ??= new FilterFlow(new RequestFlowHost(this));
    return this.requestFlow;
  }

  private flowResponse(): FilterFlow {
    this.responseFlow ??= new FilterFlow(new ResponseFlowHost(this));
    return this.responseFlow;
  }

  /** A hook threw or its promise rejected: this stream pays, with a 500 or a reset, and nobody else. */
  filterFailed(filter: string, error: unknown): void {
    if (this.over) return;
    this.manager.filterError(filter, error);
    this.fail(500, 'Internal Server Error', `filter_error{${filter}}`);
  }

  /** A response filter held back more than the limit. */
  responseTooLarge(): void {
    this.fail(500, 'Internal Server Error', 'response_payload_too_large');
  }

  /** The client's message broke HTTP in its middle. */
  protocolError(status: number, text: string, details: string): void {
    if (!this.over) this.fail(status, text, details, ResponseFlag.DPE);
  }

  /** Ends a broken exchange. The trouble may sit in the response path, so the reply goes around the filters. */
  private fail(status: number, text: string, details: string, flag = 0): void {
    this.details = details;
    if (this.responseCommitted) {
      this.reset(flag);
      return;
    }
    const { head, body } = this.makeReply(status, replyBody(text));
    // As in Envoy the flag is for the log of the exchange; formats of the reply do not see it.
    this.flags |= flag;
    this.commitReply(head, body);
  }

  reply(status: number, body?: string | Uint8Array, headers?: ReplyHeaders, options?: ReplyOptions): Replied {
    if (this.finished) return REPLIED;
    if (options?.flag !== undefined) this.flags |= options.flag;
    if (options?.details !== undefined) this.details = options.details;
    if (this.responseCommitted) {
      this.reset();
      return REPLIED;
    }
    // A request that is wrong in itself: what follows it on the connection may be wrong as well.
    if (status === 400 && !this.manager.settings.keepOnBadRequest) this.writer.closeAfterResponse();
    const made = this.makeReply(status, replyBody(body), headers, options?.modify);
    if (options?.grpcStatus !== undefined && this.grpc) made.head.put('grpc-status', String(options.grpcStatus));
    // The response path is already being walked: the reply cannot walk it a second time.
    if (this.responseStarted) this.commitReply(made.head, made.body);
    else this.walkReply(made.head, made.body);
    return REPLIED;
  }

  private makeReply(
    status: number,
    body: Uint8Array | undefined,
    headers?: ReplyHeaders,
    modify?: (head: ResponseHead) => void,
  ): LocalReply {
    const { localReply } = this.manager.settings;
    if (localReply !== undefined) return mappedReply(localReply, this, status, body, headers, modify);
    return plainReply(this.grpc, status, body, headers, modify);
  }

  /** @internal Must be answered in gRPC's way. */
  get grpc(): boolean {
    return isGrpc(this.requestHeaders.get('content-type'));
  }

  private walkReply(head: ResponseHead, body: Uint8Array | undefined): void {
    this.replied = true;
    const end = body === undefined || this.grpc || this.requestHeaders.rawMethod === 'HEAD';
    this.ownRespondHead(head, end);
    if (!end) this.ownRespondData(body, true, true);
    this.flushResponse();
  }

  private commitReply(head: ResponseHead, body: Uint8Array | undefined): void {
    this.replied = true;
    this.responseStarted = true;
    this.responseHeaders = head;
    const end = body === undefined || this.grpc || this.requestHeaders.rawMethod === 'HEAD';
    this.sendHead(head, end);
    if (!end) this.sendData(body, true, true);
  }

  resumeRequest(): void {
    this.requestFlow?.resume();
  }

  resumeResponse(): void {
    this.responseFlow?.resume();
    this.flushResponse();
  }

  reset(flag = 0): void {
    if (this.over) return;
    this.flags |= flag;
    this.manager.stats.downstream_rq_tx_reset.value++;
    this.finish();
    // As in Envoy; only HTTP/2 can tell the two apart.
    this.writer.reset(this.upgraded ? 'remote error with CONNECT request' : 'local reset');
  }

  recreate(body: Uint8Array | undefined, trailers: Headers | undefined): void {
    if (this.finished || this.responseStarted || !this.requestComplete) {
      this.reset();
      return;
    }
    this.finish();
    const { owner, manager, requestHeaders } = this;
    const next = owner.nextRun?.(this) ?? manager.countStream(new Stream(manager, owner, this.writer, this));
    requestHeaders.seen = 0;
    next.onHead(requestHeaders, body === undefined && trailers === undefined);
    if (body !== undefined) next.onData(body as Buffer, trailers === undefined, true);
    if (trailers !== undefined) next.onTrailers(trailers);
    next.onBatchEnd();
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

  findRoute(headers: RequestHeaders): Route | undefined {
    return this.manager.findRoute(headers, this);
  }

  // TerminalStream: the response path

  setSource(source: BodySource | undefined): void {
    this.source = source;
    for (let i = 0; source !== undefined && i < this.sourcePauses; i++) source.pause();
  }

  pauseRequest(): void {
    this.writer.pauseRequest();
  }
  resumeRequestBody(): void {
    this.writer.resumeRequest();
  }

  /** Counted; the producer of the response is told to wait. */
  pauseSource(): void {
    this.sourcePauses++;
    this.source?.pause();
  }
  resumeSource(): void {
    if (this.sourcePauses === 0) return;
    this.sourcePauses--;
    this.source?.resume();
  }

  respondInterim(head: ResponseHeaders): void {
    if (this.finished || this.responseStarted || !this.manager.settings.proxy100Continue) return;
    this.writer.writeInterim(head);
  }

  // What the terminal filter still sends once the exchange was answered elsewhere is dropped.

  respondHead(head: ResponseHeaders, end: boolean): void {
    if (!this.finished && !this.responseStarted) this.ownRespondHead(head, end);
  }

  respondData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (!this.finished) this.ownRespondData(chunk, end, owned);
  }

  respondTrailers(trailers: Headers): void {
    if (this.finished) return;
    this.responseTrailers = trailers;
    if (this.responseFlow !== undefined) this.responseFlow.trailers(trailers);
    else if (this.plan.response.trailers.length > 0) this.flowResponse().trailers(trailers);
    else this.commitTrailers(trailers);
  }

  private ownRespondHead(head: ResponseHeaders, end: boolean): void {
    this.lastActivityMs = this.manager.wheel.nowMs();
    this.responseStarted = true;
    this.responseHeaders = head as ResponseHead;
    const steps = this.plan.response.head;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      const answer = this.run(step, head, end);
      if (this.over) return;
      if (answer === undefined) continue;
      if (this.flowResponse().headAnswer(answer, step, end)) continue;
      return;
    }
    this.sendHead(this.responseHeaders as ResponseHead, end);
  }

  private ownRespondData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (this.over) return;
    this.lastActivityMs = this.manager.wheel.nowMs();
    if (this.responseFlow !== undefined) this.responseFlow.data(chunk, end, owned);
    else if (this.plan.response.data.length > 0) this.walkResponseData(chunk, end, owned);
    else this.sendData(chunk, end, owned);
  }

  private walkResponseData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    const steps = this.plan.response.data;
    // A hook that answers with a promise may read the chunk until it settles; a codec's buffer does not live so long.
    const own = owned ? chunk : Buffer.from(chunk);
    let part: Uint8Array = own;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      const answer = this.run(step, part, end);
      if (this.over) return;
      if (answer === undefined) continue;
      if (answer instanceof Uint8Array) part = answer;
      else {
        this.flowResponse().dataAnswer(answer, step, part, end);
        return;
      }
    }
    this.sendData(part, end, part === own);
  }

  /** Sends what this turn has queued and applies back-pressure to the source. */
  flushResponse(): void {
    if (this.over) return;
    if (this.writer.flush() || this.blocked) return;
    this.blocked = true;
    this.manager.stats.downstream_flow_control_paused_reading_total.value++;
    this.pauseSource();
  }

  // Behind the last response filter

  commitHead(end: boolean): void {
    this.sendHead(this.responseHeaders as ResponseHead, end);
  }
  commitData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    this.sendData(chunk, end, owned);
  }
  commitTrailers(trailers: Headers): void {
    if (this.over) return;
    this.responseEnded = true;
    this.finish();
    this.writer.writeTrailers(trailers);
  }

  private sendHead(head: ResponseHead, end: boolean): void {
    if (this.over) return;
    this.responseCommitted = true;
    this.manager.finishHead(head, this);
    if (end) this.endResponse();
    this.writer.writeHead(head, end);
  }

  private sendData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (this.over) return;
    this.bytesSent += chunk.length;
    if (end) this.endResponse();
    this.writer.writeData(chunk, end, owned);
  }

  /** The response's last part is about to go out; filters see the end before the codec may start the next request. */
  private endResponse(): void {
    this.responseEnded = true;
    this.finish();
  }

  // The end

  private finish(): void {
    this.over = true;
    this.dropDeadline();
    this.endMs = this.manager.wheel.nowMs();
    const steps = this.plan.complete;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      try {
        step.run(undefined, this, this.state(step.slot), true);
      } catch (error) {
        this.manager.filterError(step.name, error);
      }
    }
    this.manager.streamEnded(this);
    this.source = undefined;
  }
}

/** Envoy's flag: `DC` for a connection that is gone, `DR` for a stream that the client gave up, `DPE` for a broken one. */
function resetFlag(reason: ResetReason, details: string | undefined): number {
  if (details === undefined) return ResponseFlag.DC;
  return reason === 'protocol error' || reason === 'local reset' ? ResponseFlag.DPE : ResponseFlag.DR;
}

function makeStates(newStates: readonly (() => unknown)[]): unknown[] {
  const states: unknown[] = new Array(newStates.length);
  for (let i = 0; i < newStates.length; i++) states[i] = (newStates[i] as () => unknown)();
  return states;
}
