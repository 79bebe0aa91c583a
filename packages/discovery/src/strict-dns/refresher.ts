/** Keeps the addresses of one name fresh. */
import type { Clock, RandomSource } from '@mesh/core';
import { askedFamily, chooseRecords, type LookupFamily } from './family.ts';
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
}

/** What became of one question. A lookup that takes longer than {@link QUERY_TIMEOUT_MS} has failed. */
export type RefreshResult =
  | { readonly kind: 'answer'; readonly ips: readonly string[] }
  | { readonly kind: 'empty' }
  | { readonly kind: 'failure'; readonly reason: string };

/** What a refresher works with. */
export interface RefresherOptions {
  readonly name: string;
  readonly policy: RefreshPolicy;
  readonly lookup: DnsLookup;
  readonly clock: Clock;
  readonly random: RandomSource;
  onAttempt(): void;
  onResult(result: RefreshResult): void;
}

/** Longest wait for an answer. It also bounds how long a cluster with a dead name server holds up the start. */
const QUERY_TIMEOUT_MS = 10_000;

/** Asks, waits, asks again, until it is closed. */
export class Refresher {
  readonly #options: RefresherOptions;
  #failures = 0;
  #cancelTimer: () => void = () => {};
  #closed = false;

  constructor(options: RefresherOptions) {
    this.#options = options;
  }

  /** Asks once now and then again and again. */
  start(): void {
    this.#ask();
  }

  /** No callback comes after this. A lookup under way cannot be stopped; its answer is ignored. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer();
  }

  #ask(): void {
    const { name, lookup, clock, policy, onAttempt } = this.#options;
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
    this.#cancelTimer = clock.schedule(() => fail(`no answer within ${QUERY_TIMEOUT_MS} ms`), QUERY_TIMEOUT_MS);
    const query = { family: askedFamily(policy.family), withTtl: policy.respectTtl };
    // Wrapped, so that a lookup that throws is one that fails.
    new Promise<readonly DnsRecord[]>((resolve) => resolve(lookup(name, query))).then(
      (records) => {
        const chosen = chooseRecords(records, policy.family);
        settle(answer(chosen), () => this.#answerWaitMs(chosen));
      },
      (error: unknown) => fail(errorCode(error)),
    );
  }

  #answerWaitMs(records: readonly DnsRecord[]): number {
    const { policy, random } = this.#options;
    this.#failures = 0;
    const ttlMs = policy.respectTtl ? shortestTtlS(records) * 1000 : 0;
    return (ttlMs || policy.refreshMs) + random() * policy.jitterMs;
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
  return { kind: 'answer', ips: records.map(({ address }) => address) };
}

/** 0 when no record tells one: then the configured rate is used, as it is for a TTL of 0. */
function shortestTtlS(records: readonly DnsRecord[]): number {
  const ttls = records.flatMap(({ ttlS }) => (ttlS === undefined ? [] : [ttlS]));
  return ttls.length === 0 ? 0 : Math.min(...ttls);
}
