/** What one request may still be retried for. It decides and counts; the exchange acts. */
import type {
  ForwardAction,
  Headers,
  Priority,
  RequestHeaders,
  ResponseHeaders,
  RetryPolicy,
  Route,
  RuntimeFraction,
  TerminalStream,
  UpstreamCluster,
  UpstreamFailure,
  VirtualClusterTraffic,
} from '@mesh/core';
import { BackOff, rateLimitedMs, resetIntervalMs } from './back-off.ts';
import { wholeNumber } from './number.ts';
import { GRPC_STATUS_BIT, RetryOn, retryBits, retryGrpcOnBits, retryOnBits, tokensOf } from './retry-on.ts';

/** The outcome of asking for a retry. */
export const Verdict = { no: 0, yes: 1, limitExceeded: 2, overflow: 3 } as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

const USE_RETRY: RuntimeFraction = { numerator: 100, denominator: 100, runtimeKey: 'upstream.use_retry' };
const TOO_EARLY = 425;
const GRPC_BITS =
  RetryOn.cancelled | RetryOn.deadlineExceeded | RetryOn.internal | RetryOn.resourceExhausted | RetryOn.unavailable;

/** Bits of each policy, worked out with the first request that has it. */
const policyBits = new WeakMap<RetryPolicy, number>();

function bitsOf(policy: RetryPolicy | undefined): number {
  if (policy === undefined) return 0;
  let bits = policyBits.get(policy);
  if (bits === undefined) {
    bits = retryBits(policy.retryOn);
    policyBits.set(policy, bits);
  }
  return bits;
}

const CONSUMED = [
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-max-retries',
  'x-envoy-hedge-on-per-try-timeout',
  'x-envoy-retriable-header-names',
  'x-envoy-retriable-status-codes',
  'x-envoy-upstream-rq-per-try-timeout-ms',
] as const;

/** The request, as far as retries need it. */
export interface Retriable {
  readonly action: ForwardAction;
  readonly headers: RequestHeaders;
  readonly stream: TerminalStream;
  readonly cluster: UpstreamCluster;
  readonly route: Route;
  readonly virtualCluster: VirtualClusterTraffic | undefined;
}

/** The retry state of a request by its route and its own fields, which are removed; `undefined` when nothing asks for it. */
export function takeRetryState(request: Retriable): RetryState | undefined {
  const { headers } = request;
  const fromRequest = headers.has('x-envoy-retry-on') || headers.has('x-envoy-retry-grpc-on');
  const state = fromRequest || bitsOf(request.action.retry) !== 0 ? new RetryState(request) : undefined;
  for (const name of CONSUMED) headers.remove(name);
  return state;
}

/** The counters of cluster, virtual cluster and route. */
type RetryCounters = Pick<
  VirtualClusterTraffic,
  'upstream_rq_retry' | 'upstream_rq_retry_limit_exceeded' | 'upstream_rq_retry_overflow' | 'upstream_rq_retry_success'
>;

export class RetryState {
  private readonly policy: RetryPolicy | undefined;
  private readonly stream: TerminalStream;
  private readonly cluster: UpstreamCluster;
  private readonly priority: Priority;
  private readonly counters: readonly RetryCounters[];
  private readonly bits: number;
  private remaining: number;
  private readonly statusCodes: readonly number[];
  /** Of `x-envoy-retriable-header-names`: their presence asks for a retry. */
  private readonly headerNames: readonly string[];
  private backOff: BackOff | undefined = undefined;
  /** A retry was started and its outcome is not known: a place in the circuit breaker is held. */
  private holding = false;
  private ownDelayMs = 0;

  constructor({ action, headers, stream, cluster, route, virtualCluster }: Retriable) {
    const policy = action.retry;
    this.policy = policy;
    this.stream = stream;
    this.cluster = cluster;
    this.priority = action.priority;
    this.counters = [cluster.traffic, virtualCluster, route.traffic].filter((one) => one !== undefined);
    this.bits = requestBits(policy, headers);
    const asked = this.bits === 0 ? undefined : wholeNumberOf(headers, 'x-envoy-max-retries');
    this.remaining = asked ?? policy?.numRetries ?? 1;
    const codes = headers.get('x-envoy-retriable-status-codes');
    const configured = policy?.retriableStatusCodes ?? [];
    this.statusCodes = codes === undefined ? configured : [...configured, ...numbersOf(codes)];
    const names = headers.get('x-envoy-retriable-header-names');
    this.headerNames = names === undefined ? [] : tokensOf(names);
  }

  /** False when no outcome would be retried: then the body need not be kept. */
  get enabled(): boolean {
    return this.bits !== 0;
  }

  /** How long the retry that was just granted waits. */
  get delayMs(): number {
    return this.ownDelayMs;
  }

  /** Asks for a retry instead of this response. */
  onResponse(head: ResponseHeaders): Verdict {
    const wanted = this.wouldRetryResponse(head);
    const verdict = this.ask(wanted);
    if (verdict === Verdict.yes) this.ownDelayMs = this.isTooEarly(head) ? 0 : this.responseDelayMs(head);
    return verdict;
  }

  /** Asks for a retry after an attempt that ended without a response. */
  onReset(failure: UpstreamFailure): Verdict {
    return this.delayed(this.ask(this.wouldRetryReset(failure)));
  }

  /** Asks for a second attempt beside a slow one: conditions do not matter, only numbers do. */
  onSlowTry(): Verdict {
    return this.delayed(this.ask(true));
  }

  private delayed(verdict: Verdict): Verdict {
    if (verdict === Verdict.yes) this.ownDelayMs = this.exponentialMs();
    return verdict;
  }

  private ask(wanted: boolean): Verdict {
    if (this.holding && !wanted) this.count('upstream_rq_retry_success');
    this.release();
    if (!wanted) return Verdict.no;
    if (this.remaining === 0) {
      this.count('upstream_rq_retry_limit_exceeded');
      return Verdict.limitExceeded;
    }
    this.remaining--;
    if (!this.cluster.beginRetry(this.priority)) {
      this.count('upstream_rq_retry_overflow');
      return Verdict.overflow;
    }
    this.holding = true;
    if (!this.stream.runtime.enabled(USE_RETRY, this.stream.random)) {
      this.release();
      return Verdict.no;
    }
    this.count('upstream_rq_retry');
    return Verdict.yes;
  }

  private count(name: keyof RetryCounters): void {
    for (const counters of this.counters) counters[name].inc();
  }

  /** Gives the place in the circuit breaker back; harmless when none is held. */
  release(): void {
    if (!this.holding) return;
    this.holding = false;
    this.cluster.endRetry(this.priority);
  }

  // Conditions

  wouldRetryResponse(head: ResponseHeaders): boolean {
    const { bits } = this;
    if (head.has('x-envoy-ratelimited')) return (bits & RetryOn.envoyRateLimited) !== 0;
    const { status } = head;
    if ((bits & RetryOn.fiveXx) !== 0 && status >= 500 && status < 600) return true;
    if ((bits & RetryOn.gatewayError) !== 0 && status >= 502 && status <= 504) return true;
    if ((bits & RetryOn.retriable4xx) !== 0 && status === 409) return true;
    if ((bits & RetryOn.retriableStatusCodes) !== 0 && this.isRetriableStatus(status)) return true;
    if ((bits & RetryOn.retriableHeaders) !== 0 && this.hasRetriableHeader(head)) return true;
    return (bits & GRPC_BITS) !== 0 && (bits & grpcBit(head)) !== 0;
  }

  private isRetriableStatus(status: number): boolean {
    if (!this.statusCodes.includes(status)) return false;
    // A request that came as early data is for the client to repeat (RFC 8470 5.2).
    return status !== TOO_EARLY || !this.stream.requestHeaders.has('early-data');
  }

  private hasRetriableHeader(head: ResponseHeaders): boolean {
    for (const predicate of this.policy?.retriableHeaders ?? []) if (predicate.matches(head)) return true;
    for (const name of this.headerNames) if (head.has(name)) return true;
    return false;
  }

  private wouldRetryReset({ reason, requestSent }: UpstreamFailure): boolean {
    const { bits } = this;
    if (reason === 'overflow') return false;
    if ((bits & RetryOn.connectFailure) !== 0 && isConnectFailure(reason)) return true;
    if ((bits & RetryOn.resetBeforeRequest) !== 0 && !requestSent) return true;
    if ((bits & (RetryOn.reset | RetryOn.fiveXx | RetryOn.gatewayError)) !== 0) return true;
    return (bits & RetryOn.refusedStream) !== 0 && reason === 'remote refused stream reset';
  }

  // Delays

  private responseDelayMs(head: ResponseHeaders): number {
    const policy = this.policy?.rateLimitedBackOff;
    const asked = policy && resetIntervalMs(head, policy, this.stream.timers.clock.wallMs());
    if (asked === undefined) return this.exponentialMs();
    this.cluster.traffic.upstream_rq_retry_backoff_ratelimited.inc();
    return rateLimitedMs(asked, this.cluster.random);
  }

  private exponentialMs(): number {
    this.cluster.traffic.upstream_rq_retry_backoff_exponential.inc();
    this.backOff ??= this.newBackOff();
    return this.backOff.nextMs(this.cluster.random);
  }

  private newBackOff(): BackOff {
    const configured = this.policy?.backOff;
    if (configured !== undefined) return new BackOff(configured.baseMs, configured.maxMs);
    const baseMs = this.stream.runtime.integer('upstream.base_retry_backoff_ms', 25);
    return new BackOff(baseMs, baseMs * 10);
  }

  private isTooEarly({ status }: ResponseHeaders): boolean {
    return status === TOO_EARLY && (this.bits & RetryOn.retriableStatusCodes) !== 0;
  }
}

/** The conditions of route and request together; none when the policy is limited to requests that this is not. */
function requestBits(policy: RetryPolicy | undefined, headers: RequestHeaders): number {
  const required = policy?.retriableRequestHeaders ?? [];
  if (required.length > 0 && !required.some((predicate) => predicate.matches(headers))) return 0;
  const on = headers.get('x-envoy-retry-on');
  const grpcOn = headers.get('x-envoy-retry-grpc-on');
  const fromRequest = (on === undefined ? 0 : retryOnBits(on)) | (grpcOn === undefined ? 0 : retryGrpcOnBits(grpcOn));
  return bitsOf(policy) | fromRequest;
}

function grpcBit(head: Headers): number {
  const status = head.get('grpc-status');
  return status === undefined ? 0 : (GRPC_STATUS_BIT.get(status) ?? 0);
}

function isConnectFailure(reason: UpstreamFailure['reason']): boolean {
  return (
    reason === 'remote connection failure' || reason === 'local connection failure' || reason === 'connection timeout'
  );
}

function wholeNumberOf(headers: Headers, name: string): number | undefined {
  const value = headers.get(name);
  return value === undefined ? undefined : wholeNumber(value);
}

function numbersOf(list: string): number[] {
  return tokensOf(list).flatMap((token) => wholeNumber(token) ?? []);
}
