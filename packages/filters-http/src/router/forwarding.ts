/**
 * The request's side of an exchange: its head made ready, its body on the way to the attempts, its time limits. Request
 * bytes are bounded by pausing the client or by giving up the repetition.
 */

import type {
  BodySource,
  ClusterTracking,
  ForwardAction,
  Headers,
  Host,
  PickContext,
  RequestHash,
  RequestHeaders,
  RequestWriter,
  ResponseHeaders,
  Route,
  StreamInfo,
  TerminalStream,
  TransportOptions,
  UpstreamCluster,
  UpstreamFailure,
  VirtualClusterTraffic,
} from '@mesh/core';
import { isGrpc } from '@mesh/core';
import { Attempt, type AttemptLimit, type AttemptOwner } from './attempt.ts';
import { rewriteToHostname } from './auto-host-rewrite.ts';
import type { RouterEnvironment } from './environment.ts';
import { chooseMirrors, type Mirrors } from './mirror/index.ts';
import { AttemptRace } from './race.ts';
import { RequestBody } from './request-body.ts';
import { NO_OVERRIDES, takeOverrides } from './request-overrides.ts';
import { Retries } from './retries.ts';
import { takeRetryState } from './retry-state.ts';
import { expectedMs, rewriteGrpcTimeout, routeTimeoutMs } from './timeouts.ts';
import { AttemptMeasure } from './tracking/index.ts';
import { transportOptions } from './transport-options.ts';
import { IDEMPOTENT } from './unseen.ts';
import { AttemptLog } from './upstream-log/index.ts';

/** What the last attempt did is not what the next one does. */
function forgetTimes(info: StreamInfo): void {
  info.upstreamTxBeginMs = 0;
  info.upstreamTxEndMs = 0;
  info.upstreamRxEndMs = 0;
}

/** A CONNECT, or a POST that is to be taken for one, whose tunnel begins here (`connect_config`). */
function endsConnect(action: ForwardAction, method: string): boolean {
  const connect = action.upgrades.get('connect')?.connect;
  return connect !== undefined && (method === 'CONNECT' || (connect.allowPost && method === 'POST'));
}

export abstract class Forwarding extends AttemptRace implements BodySource, PickContext, AttemptOwner {
  headers!: RequestHeaders;
  env!: RouterEnvironment;
  stream!: TerminalStream;
  cluster!: UpstreamCluster;
  grpc = false;
  route!: Route;
  virtualCluster: VirtualClusterTraffic | undefined = undefined;
  action!: ForwardAction;
  /** `undefined` for a request that is only a head. */
  protected body: RequestBody | undefined = undefined;
  protected mirrors: Mirrors | undefined = undefined;
  protected retries: Retries | undefined = undefined;
  protected requestEnded = false;
  /** When the whole request had come as far as here; monotonic ms. */
  protected requestEndMs = 0;
  /** Sent once more without a policy, because a pooled connection had gone stale. */
  refreshed = false;
  /** What the request asks of its connections. */
  private transport: TransportOptions | undefined = undefined;
  protected cookies: string[] | undefined = undefined;
  /** The response is whole, or the request was given up: what still comes is dropped. */
  protected done = false;
  // Limits in force, in ms; 0 is none
  timeoutMs = 0;
  perTryMs = 0;
  hedge = false;
  protected timeoutStatus = 504;
  private perTryIdleMs = 0;
  private streamDurationMs = 0;
  /** Asks for another protocol: it never ends, so that its limits count from the head, until the upstream agrees. */
  protected upgrade = false;
  /** The payload goes to the host without HTTP. */
  private tcp = false;
  private mayRetry = false;
  private forwarded = false;

  abstract attemptFailed(attempt: Attempt, failure: UpstreamFailure): void;
  abstract attemptInterim(attempt: Attempt, head: ResponseHeaders): void;
  abstract attemptHead(attempt: Attempt, head: ResponseHeaders, end: boolean): void;
  abstract attemptData(attempt: Attempt, chunk: Uint8Array, end: boolean, owned: boolean): void;
  abstract attemptTrailers(attempt: Attempt, trailers: Headers): void;
  abstract attemptBatchEnd(): void;
  abstract attemptExpired(attempt: Attempt, limit: AttemptLimit): void;
  /** The route's timeout. */
  abstract onDue(): void;
  protected abstract fail(status: number, body: string, flag: number, details: string): void;
  protected abstract retryNow(timedOut: boolean): void;

  /** Sends the request, whose head is finished, on its way. */
  protected send(host: Host, end: boolean): void {
    const { stream } = this;
    this.prepare(end);
    this.forwarded = true;
    stream.setSource(this);
    this.startAttempt(host, false);
    if (this.done) this.mirrors = undefined;
    else this.mirrors?.start(end, this.timeoutMs, stream.bufferLimitBytes);
    if (end) this.onRequestEnd();
    else if (this.upgrade && this.timeoutMs > 0 && !this.done) stream.setDeadline(this, this.timeoutMs);
  }

  /**
   * Limits, and the request's head as it goes upstream, which is also what a host is chosen by; in Envoy's order. `asked`:
   * there are `x-envoy-*` fields to look at.
   */
  protected finishRequestHead(asked: boolean, end: boolean): void {
    const { action, cluster, env, headers, stream } = this;
    const overrides = asked ? takeOverrides(headers, env.respectExpectedRqTimeout) : NO_OVERRIDES;
    const mayBeGrpc = !end || headers.method === 'POST' || action.maxGrpcTimeoutMs !== undefined;
    this.grpc = mayBeGrpc && isGrpc(headers.get('content-type'));
    this.hedge = overrides.hedge ?? action.hedge?.hedgeOnPerTryTimeout ?? false;
    this.timeoutMs = overrides.timeoutMs ?? routeTimeoutMs(action, headers, this.grpc);
    const perTryMs = overrides.perTryTimeoutMs ?? action.retry?.perTryTimeoutMs ?? 0;
    this.perTryMs = this.timeoutMs > 0 && perTryMs >= this.timeoutMs ? 0 : perTryMs;
    this.perTryIdleMs = action.retry?.perTryIdleTimeoutMs ?? 0;
    this.streamDurationMs = overrides.streamDurationMs ?? cluster.maxStreamDurationMs;
    if (overrides.timeoutIs204) this.timeoutStatus = 204;
    this.tellTimeout(0);
    if (action.includeRequestAttemptCount) headers.set('x-envoy-attempt-count', '1');
    this.route.finalizeRequest(headers, stream, !env.suppressEnvoyHeaders);
    // The route itself may add fields that ask for retries.
    this.mayRetry = action.retry !== undefined || asked || headers.hasPrefix('x-envoy-retr');
  }

  /** What is needed for retries, tunnels, bodies and mirrors. */
  private prepare(end: boolean): void {
    const { action, cluster, headers, stream } = this;
    if (this.mayRetry) this.allowRetries();
    // Once: a retry asks for the same, whatever has been rewritten for the first host.
    const policy = cluster.transportPolicy;
    if (policy !== undefined) this.transport = transportOptions(policy, headers, stream);
    this.upgrade = !end && headers.has('upgrade');
    this.tcp = action.upgrades.size > 0 && endsConnect(action, headers.method);
    if (!end) this.body = new RequestBody(stream, cluster.traffic, this.keepBytes());
    if (action.mirrors.length > 0) this.mirrors = chooseMirrors(action.mirrors, headers, stream);
  }

  private allowRetries(): void {
    const { action, stream } = this;
    const state = takeRetryState(this);
    if (state === undefined) return;
    this.retries = new Retries(state, action.retry, stream, (timedOut) => this.retryNow(timedOut));
  }

  /** How much of the body is kept for sending it again; `undefined` when nothing could ask for that. */
  private keepBytes(): number | undefined {
    const { action } = this;
    if (this.retries?.enabled !== true && action.internalRedirect === undefined) return undefined;
    return action.requestBufferLimitBytes ?? this.stream.bufferLimitBytes;
  }

  /** Tells the upstream how long it has. */
  protected tellTimeout(elapsedMs: number): void {
    const ms = expectedMs(this, elapsedMs);
    if (ms === 0) return;
    if (!this.env.suppressEnvoyHeaders) this.headers.set('x-envoy-expected-rq-timeout-ms', String(ms));
    if (this.grpc) rewriteGrpcTimeout(this.action, this.headers, ms);
  }

  protected startAttempt(host: Host, freshConnection: boolean): void {
    const http2 = (this.headers as { readonly minor?: number }).minor === 2;
    const attempt = new Attempt(this, host, freshConnection, http2, this.transport);
    this.enter(attempt);
    const { cluster, stream } = this;
    const { info } = stream;
    info.upstreamHost = host;
    info.upstreamConnection = undefined;
    if (info.attempts > 1) forgetTimes(info);
    this.retries?.onHostAttempted(host);
    const { tracing } = stream;
    if (tracing !== undefined) {
      const ownSpan = this.env.startChildSpan;
      attempt.span = tracing.beginAttempt(stream, this.headers, { cluster, host, attempt: info.attempts, ownSpan });
    }
    const { tracking } = cluster;
    if (tracking !== undefined) attempt.measure = this.measured(tracking);
    const { upstreamLogs } = this.env;
    if (upstreamLogs !== undefined) attempt.log = new AttemptLog(upstreamLogs, stream, host, cluster.name);
    const { priority } = this.action;
    if (this.tcp) this.stream.info.upstreamTunnel = true;
    attempt.waitWith(this.tcp ? cluster.openTcp(host, attempt, priority) : cluster.open(host, attempt, priority));
  }

  private measured(tracking: ClusterTracking): AttemptMeasure {
    const { headers, perTryMs, stream } = this;
    const bodyBytes = () => stream.info.bytesReceived;
    return new AttemptMeasure(tracking, { headers, perTryMs, bodyBytes }, stream.timers);
  }

  // PickContext

  /** Only a retry avoids hosts. */
  get reselections(): number {
    return this.retries?.hosts?.reselections ?? 0;
  }
  shouldSkip(host: Host): boolean {
    return this.retries?.hosts?.shouldSkip(host) === true;
  }
  get triedHosts(): readonly Host[] | undefined {
    return this.retries?.priorities?.hosts;
  }
  onNoPriorityLeft(): void {
    this.retries?.priorities?.reset();
  }
  /** As in Envoy, worked out anew for each attempt; every cookie that this makes goes out with the response. */
  hash(by?: RequestHash): bigint | undefined {
    const { action } = this;
    if (by === undefined && !action.hasHashPolicy) return undefined;
    return (by ?? action).hash(this.stream, (cookie) => void (this.cookies ??= []).push(cookie));
  }

  get metadataMatch(): PickContext['metadataMatch'] {
    return this.action.metadataMatch;
  }
  /** As in Envoy, retries go where the policy says. */
  get overrideHost(): PickContext['overrideHost'] {
    const { upstreamOverrideHost: wish, info } = this.stream;
    return wish === undefined || info.attempts > 1 ? undefined : wish;
  }
  get dynamicMetadata(): ReadonlyMap<string, unknown> {
    return this.stream.info.metadata;
  }
  get filterState(): ReadonlyMap<string, unknown> {
    return this.stream.info.filterState;
  }

  // From the client

  data(chunk: Uint8Array, end: boolean): void {
    if (!this.done && this.forwarded) {
      const body = this.body as RequestBody;
      this.mirrors?.data(chunk, end, this.stream.chunkOwned);
      if (body.overflows(chunk)) this.giveUpRepetition(body);
      if (!this.done) body.data(chunk, end, this.attempts?.writer);
    }
    if (end) this.onRequestEnd();
  }

  trailers(trailers: Headers): void {
    if (!this.done && this.forwarded) {
      this.mirrors?.trailers(trailers);
      this.body?.trailers(trailers, this.attempts?.writer);
    }
    this.onRequestEnd();
  }

  /** More than may be kept: the attempt under way is the last one; without one there is nothing left to do. */
  private giveUpRepetition(body: RequestBody): void {
    const { attempts } = this;
    if (this.keepBytes() !== undefined) this.cluster.traffic.retry_or_shadow_abandoned.inc();
    this.dropRetries();
    if (attempts === undefined) {
      const details = 'request_payload_exceeded_retry_buffer_limit';
      this.fail(507, 'exceeded request buffer limit while retrying upstream', 0, details);
      return;
    }
    body.stopKeeping(attempts.writer === undefined);
  }

  protected dropRetries(): void {
    this.retries?.drop();
    this.retries = undefined;
  }

  /** The whole response must come within the route's timeout, counted from here, back-offs and all. */
  private onRequestEnd(): void {
    this.requestEnded = true;
    this.requestEndMs = this.stream.timers.nowMs();
    if (this.done || !this.forwarded) return;
    if (this.timeoutMs > 0) this.stream.setDeadline(this, this.timeoutMs);
    for (let one = this.attempts; one !== undefined; one = one.next) {
      if (one.writer === undefined) continue;
      this.limitTry(one);
      this.requestSent(one);
    }
  }

  private requestSent(attempt: Attempt): void {
    this.stream.info.upstreamTxEndMs = this.stream.timers.nowMs();
    if (attempt.span !== undefined) attempt.span.requestEnded();
  }

  private limitTry(attempt: Attempt): void {
    if (this.perTryMs === 0 && this.perTryIdleMs === 0) return;
    attempt.limitTry(this.stream.timers, this.perTryMs, this.perTryIdleMs);
  }

  // To the upstream

  attemptReady(attempt: Attempt, writer: RequestWriter, reused: boolean, http2: boolean): void {
    const { action, body, headers } = this;
    const { info } = this.stream;
    info.upstreamHttp2 = http2;
    info.upstreamConnection = writer.connection;
    attempt.host.outlier?.onLocalOrigin(true, 0);
    if (action.autoHostRewrite) rewriteToHostname(headers, attempt.host, action, !this.env.suppressEnvoyHeaders);
    if (this.requestEnded || this.upgrade) this.limitTry(attempt);
    this.virtualCluster?.upstream_rq_total.inc();
    this.route.traffic?.upstream_rq_total.inc();
    if (this.streamDurationMs > 0) attempt.limitDuration(this.stream.timers, this.streamDurationMs);
    writer.writeHead(headers, body === undefined);
    info.upstreamTxBeginMs = this.stream.timers.nowMs();
    if (attempt.span !== undefined) attempt.span.requestBegun();
    if (this.requestEnded || body === undefined) this.requestSent(attempt);
    if (body === undefined) return;
    // A host of HTTP/2 tells what it has not looked at, whatever the method: GOAWAY, a refused stream.
    body.send(writer, !this.refreshed && (http2 || (reused && IDEMPOTENT.has(headers.method))));
    body.flush(writer);
  }

  attemptWritable(): void {
    this.body?.unblock();
  }

  flushRequest(): void {
    const writer = this.attempts?.writer;
    if (writer !== undefined && !this.done) this.body?.flush(writer);
  }

  protected onLeft(): void {
    this.body?.unblock();
  }
}
