/** The retries of one request: what its policy grants, when they are due, and which hosts they avoid. */

import type { RetryPolicy, UpstreamFailure } from '@mesh/core';
import { type Host, ResponseFlag, type ResponseHeaders, type TerminalStream, type TimerHandle } from '@mesh/core';
import type { Attempt } from './attempt.ts';
import { type RetryHosts, retryHosts } from './retry-hosts/index.ts';
import { type PreviousPriorities, retryPriority } from './retry-priority/index.ts';
import { type RetryState, Verdict } from './retry-state.ts';

/** Made only for requests that may be retried by a policy, of the route or of their own. */
export class Retries {
  private readonly state: RetryState;
  private readonly policy: RetryPolicy | undefined;
  private readonly stream: TerminalStream;
  private readonly start: (timedOut: boolean) => void;
  private avoided: RetryHosts | undefined = undefined;
  private begun = false;
  /** Which priorities are left out; `undefined` before the first retry, and without such a rule. */
  priorities: PreviousPriorities | undefined = undefined;
  private timer: TimerHandle | undefined = undefined;

  /** `start` begins the next attempt; told whether the last one was too slow. */
  constructor(
    state: RetryState,
    policy: RetryPolicy | undefined,
    stream: TerminalStream,
    start: (timedOut: boolean) => void,
  ) {
    this.state = state;
    this.policy = policy;
    this.stream = stream;
    this.start = start;
  }

  /** False when no outcome would be retried: then the body need not be kept. */
  get enabled(): boolean {
    return this.state.enabled;
  }

  /** A retry has been granted and waits for its time. */
  get pending(): boolean {
    return this.timer !== undefined;
  }

  get hosts(): RetryHosts | undefined {
    return this.avoided;
  }

  /** An attempt is made with `host`. */
  onHostAttempted(host: Host): void {
    this.avoided?.onHostAttempted(host);
    this.priorities?.onHostAttempted(host);
  }

  /** Asks for a retry after an attempt without a response. One that was hedged has had its retry. */
  onReset(attempt: Attempt, failure: UpstreamFailure, timedOut: boolean): Verdict {
    if (attempt.hedged) return Verdict.no;
    const verdict = this.state.onReset(failure);
    if (verdict === Verdict.yes) this.schedule(attempt.host, timedOut, true);
    return verdict;
  }

  /** Asks for a retry instead of this response. */
  onResponse(attempt: Attempt, head: ResponseHeaders): Verdict {
    const verdict = this.state.onResponse(head);
    if (verdict === Verdict.yes) this.schedule(attempt.host, false, true);
    return verdict;
  }

  /** Whether a response is one that should be retried, granted or not. */
  wants(head: ResponseHeaders): boolean {
    return this.state.wouldRetryResponse(head);
  }

  /** Asks for another attempt beside a slow one. */
  hedge(attempt: Attempt): Verdict {
    if (attempt.hedged) return Verdict.no;
    const verdict = this.state.onSlowTry();
    if (verdict !== Verdict.yes) return verdict;
    attempt.hedged = true;
    this.schedule(attempt.host, true, false);
    return verdict;
  }

  private schedule(host: Host, timedOut: boolean, failed: boolean): void {
    if (failed) host.stats.rqError++;
    if (!this.begun && this.policy !== undefined) {
      this.begun = true;
      this.avoided = retryHosts(this.policy);
      this.priorities = retryPriority(this.policy.retryPriority);
      this.onHostAttempted(host);
    }
    this.timer = this.stream.timers.after(this.state.delayMs, () => {
      this.timer = undefined;
      this.start(timedOut);
    });
  }

  /** No retry any more: neither one that waits, nor another. */
  drop(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.state.release();
  }
}

/** Flags a retry that was wanted and not granted; true in that case. */
export function noteRefusal(stream: TerminalStream, verdict: Verdict): boolean {
  if (verdict === Verdict.limitExceeded) stream.info.flags |= ResponseFlag.URX;
  if (verdict === Verdict.overflow) stream.info.flags |= ResponseFlag.UO;
  return verdict !== Verdict.no;
}
