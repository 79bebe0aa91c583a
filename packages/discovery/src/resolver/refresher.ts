/** Keeps the addresses of one name fresh. */
import type { Clock, RandomSource } from '@mesh/core';
import { chooseRecords, type LookupFamily } from './family.ts';
import { type DnsLookup, type DnsRecord, errorCode } from './lookup.ts';

/** How often to ask, from the cluster's config. */
export interface RefreshPolicy {
  readonly family: LookupFamily;
  readonly refreshMs: number;
  /** Up to this much is added to each wait after an answer. */
  readonly jitterMs: number;
  readonly failureBaseMs: number;
  readonly failureMaxMs: number;
  readonly respectTtl: boolean;
  /** A TTL below this counts as this. Default 0. */
  readonly minMs?: number;
  /** An empty answer is a failure: asked again at the failure rate. */
  readonly emptyFails?: boolean;
  /** Longest wait for an answer. */
  readonly timeoutMs: number;
}

/** What became of one question. */
export type RefreshResult =
  | { readonly kind: 'answer'; readonly records: readonly DnsRecord[] }
  | { readonly kind: 'empty' }
  | { readonly kind: 'failure'; readonly reason: string };

/** What a refresher works with. */
export interface RefresherOptions {
  readonly name: string;
  /** Asks for the hosts of a service. */
  readonly srv?: boolean;
  readonly policy: RefreshPolicy;
  readonly lookup: DnsLookup;
  readonly clock: Clock;
  readonly random: RandomSource;
  onAttempt(): void;
  onResult(result: RefreshResult): void;
}

/** Asks, waits, asks again, until it is closed. */
export class Refresher {
  readonly #options: RefresherOptions;
  #failures = 0;
  #cancelTimer: () => void = () => {};
  #lookup = new AbortController();
  #closed = false;

  constructor(options: RefresherOptions) {
    this.#options = options;
  }

  /** Asks once now and then again and again. */
  start(): void {
    this.#ask();
  }

  /** No callback comes after this. A lookup under way is given up if it can be; its answer is ignored in any case. */
  close(): void {
    this.#closed = true;
    this.#lookup.abort();
    this.#cancelTimer();
  }

  #ask(): void {
    const { name, srv = false, lookup, clock, policy, onAttempt } = this.#options;
    onAttempt();
    let open = true;
    const settle = (result: RefreshResult, waitMs: () => number): void => {
      if (!open || this.#closed) return;
      open = false;
      this.#cancelTimer();
      // Armed first: the owner may close this refresher while it hears the result.
      this.#cancelTimer = clock.schedule(() => this.#ask(), waitMs());
      this.#options.onResult(result);
    };
    const fail = (reason: string): void => settle({ kind: 'failure', reason }, () => this.#failureWaitMs());
    const { timeoutMs } = policy;
    const abort = new AbortController();
    this.#lookup = abort;
    const giveUp = (): void => {
      fail(`no answer within ${timeoutMs} ms`);
      abort.abort();
    };
    this.#cancelTimer = clock.schedule(giveUp, timeoutMs);
    const query = { family: policy.family, withTtl: policy.respectTtl, signal: abort.signal, ...(srv && { srv }) };
    // Wrapped, so that a lookup that throws is one that fails.
    new Promise<readonly DnsRecord[]>((resolve) => resolve(lookup(name, query))).then(
      (records) => {
        const chosen = srv ? records : chooseRecords(records, policy.family);
        const failed = chosen.length === 0 && policy.emptyFails === true;
        settle(answer(chosen), () => (failed ? this.#failureWaitMs() : this.#answerWaitMs(chosen)));
      },
      (error: unknown) => fail(errorCode(error)),
    );
  }

  #answerWaitMs(records: readonly DnsRecord[]): number {
    const { policy, random } = this.#options;
    this.#failures = 0;
    const ttlMs = policy.respectTtl ? shortestTtlS(records) * 1000 : 0;
    const waitMs = ttlMs === 0 ? policy.refreshMs : Math.max(ttlMs, policy.minMs ?? 0);
    return waitMs + random() * policy.jitterMs;
  }

  /** Never less than the base, with a ceiling that doubles with every failure in a row. */
  #failureWaitMs(): number {
    const { policy, random } = this.#options;
    const { failureBaseMs: base, failureMaxMs: max } = policy;
    this.#failures++;
    const ceiling = Math.min(base * 2 ** Math.min(this.#failures, 30), max);
    return base + random() * (ceiling - base);
  }
}

function answer(records: readonly DnsRecord[]): RefreshResult {
  if (records.length === 0) return { kind: 'empty' };
  return { kind: 'answer', records };
}

/** 0 when no record tells one: then the configured rate is used, as it is for a TTL of 0. */
function shortestTtlS(records: readonly DnsRecord[]): number {
  const ttls = records.flatMap(({ ttlS }) => (ttlS === undefined ? [] : [ttlS]));
  return ttls.length === 0 ? 0 : Math.min(...ttls);
}
