/**
 * One request's way to an upstream and back, over as many attempts as it takes. Invariants: the exchange ends exactly
 * once, on whichever side is first; once a response has begun, its attempt is the only one; a request without retry
 * policy is sent twice only when no byte of an answer came, the connection was a reused one, and the method is
 * idempotent.
 */
import {
  type ForwardAction,
  type Headers,
  type InternalRedirectPolicy,
  NO_CONNECTION_POOL,
  type RequestHeaders,
  ResponseFlag,
  type ResponseHeaders,
  type TerminalStream,
  type UpstreamFailure,
} from '@mesh/core';
import { answerInvalid, answerNoCluster, answerNoRoute, answerOfRoute } from './answers.ts';
import type { Attempt, AttemptLimit } from './attempt.ts';
import { type Charged, chargeGrpcEnd, chargeResponse, chargeTime, chargeTimeout } from './charges.ts';
import type { RouterEnvironment } from './environment.ts';
import { failureDetails, failureFlag, failureStatus, failureText, LOCAL_RESET } from './failure.ts';
import { Forwarding } from './forwarding.ts';
import { followRedirect } from './internal-redirect/index.ts';
import { takeLoadReport } from './load-report/index.ts';
import { judgeFailure, judgeHead, judgeTimeout } from './passive-checks.ts';
import { OVERLOADED, type Refusal, refusalOf } from './refusals.ts';
import { takeAltStat } from './request-overrides.ts';
import { noteRefusal } from './retries.ts';
import { Verdict } from './retry-state.ts';
import { isRefused, isUnseen, type Repetitions } from './unseen.ts';
import { upgradeAnswered } from './upgrade-answer.ts';

export class RouterExchange extends Forwarding implements Charged, Repetitions {
  /** Of `x-envoy-upstream-alt-stat-name`. */
  altStat: string | undefined = undefined;
  canary = false;
  private retried = false;
  refusals = 0;
  /** An interim response has come: for Envoy the response has begun. */
  private begun = false;

  begin(env: RouterEnvironment, headers: RequestHeaders, stream: TerminalStream, end: boolean): void {
    this.env = env;
    this.stream = stream;
    this.headers = headers;
    env.stats.rqTotal.inc();
    const route = stream.route;
    if (route === undefined) {
      answerNoRoute(env, stream);
      return;
    }
    this.route = route;
    const { action } = route;
    if (action.kind === 'forward') this.forward(action, end);
    else answerOfRoute(env, stream, route, action);
  }

  /** The checks of Envoy's router, in its order. */
  private forward(action: ForwardAction, end: boolean): void {
    const { headers, stream, env } = this;
    this.action = action;
    const name = action.clusterHeader === undefined ? action.cluster : (headers.get(action.clusterHeader) ?? '');
    const cluster = stream.clusters.get(name);
    if (cluster === undefined) {
      answerNoCluster(env, stream, this.route, action);
      return;
    }
    this.cluster = cluster;
    stream.info.upstreamCluster = cluster.name;
    this.virtualCluster = this.route.virtualCluster?.(headers);
    if (env.strictCheckHeaders.length > 0 && answerInvalid(env, stream, this.route)) return;
    const asked = headers.hasPrefix('x-envoy-');
    if (asked) this.altStat = takeAltStat(headers);
    const refusal = refusalOf(cluster, stream);
    if (refusal !== undefined) {
      this.refuse(refusal);
      return;
    }
    stream.info.attempts = 1;
    this.finishRequestHead(asked, end);
    const host = cluster.pick(this);
    if (host === undefined) this.noHealthyUpstream();
    else this.send(host, end);
  }

  private refuse({ body, flag, details, marker }: Refusal): void {
    chargeResponse(this, undefined, 503);
    this.fail(503, body, flag, details, marker);
  }

  private noHealthyUpstream(): void {
    const wish = this.overrideHost;
    const status = wish?.strict === true ? (wish.missingStatus ?? 503) : 503;
    chargeResponse(this, undefined, status);
    this.fail(status, 'no healthy upstream', ResponseFlag.UH, 'no_healthy_upstream');
  }

  // An attempt fails

  attemptFailed(attempt: Attempt, failure: UpstreamFailure): void {
    this.remove(attempt);
    if (this.done) return;
    // A filter has answered; its reply is still on its way.
    if (this.stream.finished) {
      this.done = true;
      return;
    }
    // As if there had been no host to choose.
    if (failure.detail === NO_CONNECTION_POOL) {
      this.noHealthyUpstream();
      return;
    }
    judgeFailure(attempt.host, failure.reason);
    if (attempt === this.final) this.cutOff(attempt, failure);
    else this.retryOrFail(attempt, failure);
  }

  private cutOff(attempt: Attempt, failure: UpstreamFailure): void {
    // As in Envoy: only of a gRPC call is the outcome still open once its head has come.
    if (this.grpc) {
      this.env.stats.rqReset.inc();
      attempt.host.stats.rqError++;
    }
    this.fail(failureStatus(failure), '', failureFlag(failure), failureDetails(failure, true));
  }

  private retryOrFail(attempt: Attempt, failure: UpstreamFailure): void {
    const verdict = this.askRetry(attempt, failure, false);
    if (verdict === Verdict.yes) return;
    if (verdict !== Verdict.overflow && this.isStale(failure)) {
      this.refresh(failure);
      return;
    }
    noteRefusal(this.stream, verdict);
    const status = failureStatus(failure);
    const marker = failure.reason === 'overflow' ? OVERLOADED : undefined;
    const unasked = failure.hostUnasked === true;
    if (!this.begun) chargeResponse(this, unasked ? undefined : attempt.host, status);
    if (this.othersMayAnswer) return;
    if (unasked) this.stream.info.upstreamHost = undefined;
    const text = failureText(failure, this.retried || this.refreshed);
    this.fail(status, text, failureFlag(failure), failureDetails(failure, this.begun), marker);
  }

  private askRetry(attempt: Attempt, failure: UpstreamFailure, timedOut: boolean): Verdict {
    if (this.retries === undefined || this.final !== undefined) return Verdict.no;
    return this.retries.onReset(attempt, failure, timedOut);
  }

  private get othersMayAnswer(): boolean {
    return this.awaited || this.retries?.pending === true;
  }

  /** Nobody can have looked at the request, and all of it is still there. */
  private isStale(failure: UpstreamFailure): boolean {
    if (failure.responseStarted || this.begun || this.othersMayAnswer) return false;
    return isUnseen(failure, this.headers.method, this) && (this.body === undefined || this.body.keeping);
  }

  /** The next attempt must not meet another stale connection. */
  private refresh(failure: UpstreamFailure): void {
    this.refreshed = true;
    this.cluster.traffic.upstream_rq_retry.inc();
    this.tryAgain(false, !isRefused(failure));
  }

  protected retryNow(timedOut: boolean): void {
    if (this.done) return;
    this.retried = true;
    this.tryAgain(timedOut, false);
  }

  private tryAgain(timedOut: boolean, freshConnection: boolean): void {
    const { action, headers, stream } = this;
    stream.info.attempts++;
    // The cluster may have gone, or another may have come in its place.
    const cluster = stream.clusters.get(this.cluster.name);
    this.cluster = cluster ?? this.cluster;
    const host = cluster?.pick(this);
    if (host === undefined) {
      this.noHealthyUpstream();
      return;
    }
    if (action.includeRequestAttemptCount) headers.set('x-envoy-attempt-count', String(stream.info.attempts));
    if (action.includeIsTimeoutRetryHeader) headers.set('x-envoy-is-timeout-retry', String(timedOut));
    this.tellTimeout(this.requestEnded ? stream.timers.nowMs() - this.requestEndMs : 0);
    this.startAttempt(host, freshConnection);
  }

  // The response

  attemptInterim(attempt: Attempt, head: ResponseHeaders): void {
    // The client may have seen it: the final response has to come from the same upstream.
    this.dropRetries();
    this.abandonOthers(attempt);
    this.begun = true;
    chargeResponse(this, undefined, head.status);
    this.stream.respondInterim(head);
  }

  attemptHead(attempt: Attempt, head: ResponseHeaders, end: boolean): void {
    const { action } = this;
    takeLoadReport(attempt.host, head);
    judgeHead(attempt.host, head, this.grpc);
    if (this.retries !== undefined && !this.isWanted(attempt, head, end)) return;
    const policy = action.internalRedirect;
    if (policy?.statuses.includes(head.status) === true && this.redirected(policy, attempt, head, end)) return;
    this.respond(attempt, head, end);
  }

  /** False when the response is discarded: the request is tried again, or another attempt may bring a better one. */
  private isWanted(attempt: Attempt, head: ResponseHeaders, end: boolean): boolean {
    const { retries } = this;
    // Once a filter has answered, what comes is dropped; there is nothing to try again for.
    if (retries === undefined || this.stream.finished) return true;
    const verdict = attempt.hedged ? Verdict.no : retries.onResponse(attempt, head);
    if (verdict === Verdict.yes) {
      this.cluster.chargeRetried(head.status);
      this.discard(attempt, end && this.requestEnded);
      return false;
    }
    const refused = attempt.hedged ? retries.wants(head) : noteRefusal(this.stream, verdict);
    if (!refused || !this.othersMayAnswer) return true;
    attempt.host.stats.rqError++;
    this.discard(attempt, false);
    return false;
  }

  private respond(attempt: Attempt, head: ResponseHeaders, end: boolean): void {
    const { stream } = this;
    const { info } = stream;
    const now = stream.timers.nowMs();
    this.dropRetries();
    this.body?.stopKeeping(false);
    this.win(attempt);
    info.upstreamHost = attempt.host;
    info.upstreamFirstByteMs = now;
    info.details = 'via_upstream';
    if (this.upgrade) upgradeAnswered(stream, attempt, head.status);
    if (this.refreshed) this.cluster.traffic.upstream_rq_retry_success.inc();
    // Before fields of our own are there to be looked through.
    chargeResponse(this, attempt.host, head.status, head, end);
    if (this.requestEnded && !this.env.suppressEnvoyHeaders) {
      head.set('x-envoy-upstream-service-time', String(Math.max(0, Math.round(now - this.requestEndMs))));
    }
    if (this.cookies !== undefined) for (const cookie of this.cookies) head.append('set-cookie', cookie);
    this.finishHead(head);
    // The span of the attempt may tell of the response as well.
    const span = end ? attempt.takeSpan() : undefined;
    if (end) this.responseEnded(attempt, now);
    stream.respondHead(head, end);
    if (span !== undefined) span.finish();
  }

  attemptData(attempt: Attempt, chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (end) {
      if (this.grpc) chargeGrpcEnd(attempt.host, undefined);
      this.responseEnded(attempt, this.stream.timers.nowMs());
    }
    this.stream.respondData(chunk, end, owned);
  }

  attemptTrailers(attempt: Attempt, trailers: Headers): void {
    takeLoadReport(attempt.host, trailers);
    if (this.grpc) chargeGrpcEnd(attempt.host, trailers.get('grpc-status'));
    this.responseEnded(attempt, this.stream.timers.nowMs());
    this.stream.respondTrailers(trailers);
  }

  attemptBatchEnd(): void {
    this.stream.flushResponse();
  }

  private responseEnded(attempt: Attempt, now: number): void {
    this.done = true;
    this.stream.info.upstreamRxEndMs = now;
    this.discard(attempt, true);
    if (this.requestEnded) chargeTime(this, now - this.requestEndMs);
  }

  /** Follows a redirect in the client's place; false when the response goes to the client as it is. */
  private redirected(policy: InternalRedirectPolicy, attempt: Attempt, head: ResponseHeaders, end: boolean): boolean {
    const { body, headers, stream } = this;
    const { traffic } = this.cluster;
    const kept = this.requestEnded && (body === undefined || body.keeping);
    const dropsBody = kept ? followRedirect(policy, headers, head, stream, this.env.redirects) : undefined;
    if (dropsBody === undefined) {
      traffic.upstream_internal_redirect_failed_total.inc();
      return false;
    }
    traffic.upstream_internal_redirect_succeeded_total.inc();
    stream.info.upstreamFirstByteMs = stream.timers.nowMs();
    if (end) stream.info.upstreamRxEndMs = stream.info.upstreamFirstByteMs;
    this.discard(attempt, end);
    this.stop();
    if (dropsBody) stream.recreate(undefined, undefined, head);
    else stream.recreate(body?.take(), body?.keptTrailers, head);
    return true;
  }

  // Limits

  /** The route's timeout. */
  onDue(): void {
    if (this.done) return;
    if (this.stream.finished) {
      this.complete();
      return;
    }
    for (let one = this.attempts; one !== undefined; one = one.next) {
      chargeTimeout(this, one.host);
      // An attempt that was told to be slow has been counted then; without a connection the host did nothing wrong.
      if (one.awaitingHead && !one.slow && one.writer !== undefined) judgeTimeout(one.host, this.timeoutStatus);
      if (one.awaitingHead) chargeResponse(this, one.host, this.timeoutStatus);
    }
    this.timedOut('response_timeout');
  }

  attemptExpired(attempt: Attempt, limit: AttemptLimit): void {
    if (limit === 'stream-duration') this.durationReached(attempt);
    else if (limit === 'per-try-idle' || this.final === undefined) this.tryTimedOut(attempt, limit);
  }

  private tryTimedOut(attempt: Attempt, limit: 'per-try' | 'per-try-idle'): void {
    judgeTimeout(attempt.host, this.timeoutStatus);
    if (this.hedge) {
      attempt.slow = true;
      this.hedgeTry(attempt);
      return;
    }
    const { traffic } = this.cluster;
    if (limit === 'per-try') traffic.upstream_rq_per_try_timeout.inc();
    else traffic.upstream_rq_per_try_idle_timeout.inc();
    attempt.host.stats.rqTimeout++;
    attempt.span?.flag(ResponseFlag.UT);
    this.discard(attempt, false);
    const verdict = this.askRetry(attempt, LOCAL_RESET, true);
    if (verdict === Verdict.yes) return;
    noteRefusal(this.stream, verdict);
    if (this.final === undefined) chargeResponse(this, attempt.host, this.timeoutStatus);
    this.timedOut(limit === 'per-try' ? 'upstream_per_try_timeout' : 'upstream_per_try_idle_timeout');
  }

  /** A second attempt beside a slow one, if retries are left. */
  private hedgeTry(attempt: Attempt): void {
    if (this.retries === undefined || this.final !== undefined) return;
    // Only a whole body can be sent again; a policy that is switched off for this request has kept none.
    if (this.body !== undefined && !this.body.keeping) return;
    noteRefusal(this.stream, this.retries.hedge(attempt));
  }

  private durationReached(attempt: Attempt): void {
    this.cluster.traffic.upstream_rq_max_duration_reached.inc();
    attempt.span?.flag(ResponseFlag.UMSDR);
    this.discard(attempt, false);
    const verdict = this.askRetry(attempt, LOCAL_RESET, false);
    if (verdict === Verdict.yes) return;
    noteRefusal(this.stream, verdict);
    const status = this.stream.requestComplete ? 504 : 408;
    const text = 'upstream max stream duration reached';
    this.fail(status, text, ResponseFlag.UMSDR, 'upstream_max_stream_duration_reached');
  }

  private timedOut(details: string): void {
    const text = this.timeoutStatus === 504 ? 'upstream request timeout' : '';
    this.fail(this.timeoutStatus, text, ResponseFlag.UT, details);
  }

  // The end

  /** A local reply; a reset when the response is on its way. `marker` is a field that tells why, with the value `true`. */
  protected fail(status: number, body: string, flag: number, details: string, marker?: string): void {
    this.stop();
    const modify = (head: ResponseHeaders) => {
      this.finishHead(head);
      if (marker !== undefined && !this.env.suppressEnvoyHeaders) head.set(marker, 'true');
    };
    this.stream.reply(status, body, undefined, { flag, details, modify });
  }

  /** What the route does to the head of a response, be it of the upstream or a local reply. */
  private finishHead(head: ResponseHeaders): void {
    const { attempts } = this.stream.info;
    this.route.finalizeResponse(head, this.stream);
    if (attempts > 0 && this.action.includeAttemptCountInResponse) head.set('x-envoy-attempt-count', String(attempts));
  }

  /** The stream is over; what is not goes with it. */
  complete(): void {
    this.stop();
    this.mirrors?.release();
  }

  private stop(): void {
    this.done = true;
    this.dropRetries();
    this.abandonOthers(undefined);
  }
}
