/**
 * One request's way to an upstream and back. Invariants: the exchange ends exactly once, on whichever side is first;
 * a request is sent twice only when no byte of an answer came, the connection was a reused one, and the method is
 * idempotent (RFC 9110 9.2.2); request bytes that wait for a connection are bounded by pausing the client.
 */
import {
  type BodySource,
  type DirectResponseAction,
  type ForwardAction,
  type Headers,
  type Host,
  type HttpFilter,
  type PickContext,
  type RedirectAction,
  type RequestHeaders,
  type RequestWriter,
  ResponseFlag,
  type ResponseHeaders,
  type Route,
  type StatsScope,
  type TerminalStream,
  TimerEntry,
  type UpstreamCluster,
  type UpstreamFailure,
  type UpstreamRequest,
  type UpstreamTicket,
} from '@mesh/core';
import { failureDetails, failureFlag, failureStatus, failureText } from './failure.ts';
import type { RouterConfig } from './index.ts';
import { RequestBuffer } from './request-buffer.ts';

/** The counters of `http.<stat_prefix>.` that the router keeps. */
function routerStats(scope: StatsScope) {
  return {
    rqTotal: scope.counter('rq_total'),
    noRoute: scope.counter('no_route'),
    noCluster: scope.counter('no_cluster'),
    rqDirectResponse: scope.counter('rq_direct_response'),
    rqReset: scope.counter('rq_reset_after_downstream_response_started'),
  };
}

/** The router's hooks for one config. */
export function routerHooks(config: RouterConfig, scope: StatsScope): HttpFilter<RouterExchange, TerminalStream> {
  const env: RouterEnvironment = { ...config, stats: routerStats(scope) };
  return {
    onRequestHeaders: (headers, stream, exchange, end) => exchange.begin(env, headers, stream, end),
    onRequestData: (chunk, _stream, exchange, end) => exchange.data(chunk, end),
    onRequestTrailers: (trailers, _stream, exchange) => exchange.trailers(trailers),
    onComplete: (_stream, exchange) => exchange.complete(),
  };
}

interface RouterEnvironment extends RouterConfig {
  readonly stats: ReturnType<typeof routerStats>;
}

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export class RouterExchange extends TimerEntry implements UpstreamRequest, BodySource, PickContext {
  headers!: RequestHeaders;
  private env!: RouterEnvironment;
  private stream!: TerminalStream;
  private route!: Route;
  private cluster: UpstreamCluster | undefined = undefined;
  private timeoutMs = 0;
  private ticket: UpstreamTicket | undefined = undefined;
  private upstream: RequestWriter | undefined = undefined;
  private host: Host | undefined = undefined;
  private buffer: RequestBuffer | undefined = undefined;
  private headOnly = false;
  private requestPaused = false;
  private blocked = false;
  private pauses = 0;
  /** The response is whole, or the attempt was given up: what still comes is dropped. */
  private done = false;
  private retried = false;

  begin(env: RouterEnvironment, headers: RequestHeaders, stream: TerminalStream, end: boolean): void {
    this.env = env;
    this.stream = stream;
    this.headers = headers;
    env.stats.rqTotal.inc();
    const route = stream.route;
    if (route === undefined) {
      env.stats.noRoute.inc();
      stream.reply(404, undefined, undefined, { flag: ResponseFlag.NR, details: 'route_not_found' });
      return;
    }
    this.route = route;
    const { action } = route;
    if (action.kind === 'forward') this.forward(action, end);
    else this.answer(action);
  }

  private answer(action: RedirectAction | DirectResponseAction): void {
    this.env.stats.rqDirectResponse.inc();
    const redirect = action.kind === 'redirect';
    const headers = redirect ? { location: action.location(this.headers) } : undefined;
    this.stream.reply(action.status, redirect ? undefined : action.body, headers, {
      details: 'direct_response',
      modify: (head) => this.route.finalizeResponse(head, this.stream),
    });
  }

  private forward(action: ForwardAction, end: boolean): void {
    const stream = this.stream;
    const cluster = stream.clusters.get(action.cluster);
    if (cluster === undefined) {
      this.env.stats.noCluster.inc();
      const options = { flag: ResponseFlag.NC, details: 'cluster_not_found' };
      stream.reply(action.clusterNotFoundStatus, undefined, undefined, options);
      return;
    }
    this.cluster = cluster;
    stream.info.upstreamCluster = cluster.name;
    this.timeoutMs = this.takeTimeout(action.timeoutMs);
    this.route.finalizeRequest(this.headers, this.stream, !this.env.suppressEnvoyHeaders);
    if (this.timeoutMs > 0 && !this.env.suppressEnvoyHeaders) {
      this.headers.set('x-envoy-expected-rq-timeout-ms', String(this.timeoutMs));
    }
    this.headOnly = end;
    if (!end) this.buffer = new RequestBuffer();
    stream.setSource(this);
    if (end) this.startTimeout();
    this.attempt();
  }

  /** Only internal clients get this far with such a field (see `forwarded.ts` of the connection manager). */
  private takeTimeout(routeTimeoutMs: number): number {
    const { headers } = this;
    const expected = this.env.respectExpectedRqTimeout ? headers.get('x-envoy-expected-rq-timeout-ms') : undefined;
    const asked = expected ?? headers.get('x-envoy-upstream-rq-timeout-ms');
    if (asked === undefined) return routeTimeoutMs;
    headers.remove('x-envoy-upstream-rq-timeout-ms');
    return /^\d{1,10}$/.test(asked) ? Number(asked) : routeTimeoutMs;
  }

  private attempt(): void {
    const cluster = this.cluster as UpstreamCluster;
    const host = cluster.pick(this);
    if (host === undefined) {
      this.fail(503, 'no healthy upstream', ResponseFlag.UH, 'no_healthy_upstream');
      return;
    }
    this.host = host;
    const { info } = this.stream;
    info.upstreamHost = host;
    info.attempts++;
    this.ticket = cluster.open(host, this);
  }

  // The request

  data(chunk: Uint8Array, end: boolean): void {
    if (end) this.startTimeout();
    if (this.done || this.cluster === undefined) return;
    const owned = this.stream.chunkOwned;
    const writer = this.upstream;
    const buffer = this.buffer as RequestBuffer;
    if (buffer.keeping || writer === undefined) {
      buffer.add(chunk, end, owned);
      if (writer === undefined && buffer.full) this.pauseRequest();
    }
    writer?.writeData(chunk, end, owned && !buffer.keeping);
  }

  trailers(trailers: Headers): void {
    this.startTimeout();
    if (this.done || this.cluster === undefined) return;
    const buffer = this.buffer as RequestBuffer;
    if (buffer.keeping || this.upstream === undefined) buffer.addTrailers(trailers);
    this.upstream?.writeTrailers(trailers);
  }

  /** The whole response must come within the route's timeout, counted from the end of the request. */
  private startTimeout(): void {
    if (this.timeoutMs > 0 && !this.done) this.stream.timers.arm(this, this.timeoutMs);
  }

  private pauseRequest(): void {
    if (this.requestPaused) return;
    this.requestPaused = true;
    this.stream.pauseRequest();
  }

  private resumeRequest(): void {
    if (!this.requestPaused) return;
    this.requestPaused = false;
    this.stream.resumeRequestBody();
  }

  // UpstreamRequest: the attempt's fate

  onReady(writer: RequestWriter, host: Host, connectionReused: boolean): void {
    this.ticket = undefined;
    this.upstream = writer;
    for (let i = 0; i < this.pauses; i++) writer.pauseResponse();
    const repeatable = connectionReused && IDEMPOTENT.has(this.headers.method) && !this.retried;
    this.host = host;
    writer.writeHead(this.headers, this.headOnly);
    if (this.headOnly) return;
    (this.buffer as RequestBuffer).send(writer, repeatable);
    this.resumeRequest();
    this.flushRequest();
  }

  onFailure(failure: UpstreamFailure): void {
    this.ticket = undefined;
    this.failed(failure);
  }

  onReset(failure: UpstreamFailure): void {
    if (this.done) return;
    this.upstream = undefined;
    const stream = this.stream;
    this.cluster?.traffic.upstream_rq_rx_reset.inc();
    if (stream.finished) {
      // A filter has answered; its reply is still on its way.
      this.done = true;
    } else if (stream.responseStarted) {
      this.done = true;
      this.env.stats.rqReset.inc();
      stream.info.details = failureDetails(failure, true);
      stream.reset(failureFlag(failure));
    } else if (this.staleConnection(failure)) this.tryAgain();
    else this.failed(failure);
  }

  /** The peer closed an idle connection just as it was picked: the request was not looked at. */
  private staleConnection(failure: UpstreamFailure): boolean {
    if (!failure.reused || failure.responseStarted || this.retried) return false;
    if (failure.reason !== 'connection termination' || !IDEMPOTENT.has(this.headers.method)) return false;
    return this.headOnly || this.buffer?.keeping === true;
  }

  /** The second attempt must not meet another stale connection. */
  get freshConnection(): boolean {
    return this.retried;
  }

  private tryAgain(): void {
    this.retried = true;
    this.blocked = false;
    this.cluster?.traffic.upstream_rq_retry.inc();
    this.attempt();
  }

  private failed(failure: UpstreamFailure): void {
    const flag = failureFlag(failure);
    const overloaded = failure.reason === 'overflow' && !this.env.suppressEnvoyHeaders;
    this.fail(
      failureStatus(failure),
      failureText(failure, this.retried),
      flag,
      failureDetails(failure, false),
      overloaded ? { 'x-envoy-overloaded': 'true' } : undefined,
    );
  }

  private fail(status: number, body: string, flag: number, details: string, headers?: Record<string, string>): void {
    this.done = true;
    this.disarm();
    const stream = this.stream;
    this.cluster?.chargeStatus(this.host, status, stream.internal);
    stream.reply(status, body, headers, { flag, details });
  }

  // ResponseSink: the response

  onInterim(head: ResponseHeaders): void {
    if (!this.done) this.stream.respondInterim(head);
  }

  onHead(head: ResponseHeaders, end: boolean): void {
    if (this.done) return;
    const stream = this.stream;
    const { info } = stream;
    const now = stream.timers.nowMs();
    info.upstreamFirstByteMs = now;
    info.details = 'via_upstream';
    this.buffer?.stopKeeping();
    if (this.retried) this.cluster?.traffic.upstream_rq_retry_success.inc();
    this.route.finalizeResponse(head, this.stream);
    if (stream.requestComplete && !this.env.suppressEnvoyHeaders) {
      head.set('x-envoy-upstream-service-time', String(Math.max(0, Math.round(now - info.requestCompleteMs))));
    }
    this.cluster?.chargeStatus(this.host, head.status, stream.internal);
    if (end) this.ended(now);
    stream.respondHead(head, end);
  }

  onData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (this.done) return;
    if (end) this.ended(this.stream.timers.nowMs());
    this.stream.respondData(chunk, end, owned);
  }

  onTrailers(trailers: Headers): void {
    if (this.done) return;
    this.ended(this.stream.timers.nowMs());
    this.stream.respondTrailers(trailers);
  }

  onBatchEnd(): void {
    this.stream.flushResponse();
  }

  onWritable(): void {
    if (!this.blocked) return;
    this.blocked = false;
    this.cluster?.traffic.upstream_flow_control_drained_total.inc();
    this.resumeRequest();
  }

  private ended(now: number): void {
    this.done = true;
    this.disarm();
    this.upstream = undefined;
    const { info, internal } = this.stream;
    this.cluster?.chargeTime(now - (info.requestCompleteMs || info.startMs), internal);
  }

  // BodySource: back-pressure from the client

  pause(): void {
    this.pauses++;
    this.upstream?.pauseResponse();
  }

  resume(): void {
    if (this.pauses === 0) return;
    this.pauses--;
    this.upstream?.resumeResponse();
  }

  flushRequest(): void {
    const writer = this.upstream;
    if (writer === undefined || this.done || writer.flush() || this.blocked) return;
    this.blocked = true;
    this.cluster?.traffic.upstream_flow_control_backed_up_total.inc();
    this.pauseRequest();
  }

  // The end

  /** The route's timeout. */
  onDue(): void {
    if (this.done) return;
    const stream = this.stream;
    if (stream.finished) {
      this.complete();
      return;
    }
    this.cluster?.traffic.upstream_rq_timeout.inc();
    if (this.host !== undefined) this.host.stats.rqTimeout++;
    stream.info.details = 'response_timeout';
    this.abandon();
    if (!stream.responseStarted) {
      this.fail(504, 'upstream request timeout', ResponseFlag.UT, 'response_timeout');
      return;
    }
    this.done = true;
    stream.reset(ResponseFlag.UT);
  }

  /** The stream is over; an attempt that is not goes with it. */
  complete(): void {
    this.disarm();
    if (!this.done) {
      this.done = true;
      this.abandon();
    }
  }

  private abandon(): void {
    this.ticket?.cancel();
    this.ticket = undefined;
    const writer = this.upstream;
    this.upstream = undefined;
    if (writer === undefined) return;
    this.cluster?.traffic.upstream_rq_tx_reset.inc();
    writer.reset();
  }
}
