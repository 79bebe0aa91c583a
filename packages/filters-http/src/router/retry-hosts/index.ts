/**
 * Which hosts a retry avoids (Envoy `retry_host_predicate`). Made when a request is retried for the first time, so that
 * requests which succeed at once know nothing of it.
 */
import type { Host, RetryPolicy } from '@mesh/core';
import { type HostPredicate, hostPredicate } from './predicates.ts';

/** The rules of one request; `undefined` when the policy has none. */
export function retryHosts(policy: RetryPolicy): RetryHosts | undefined {
  if (policy.hostPredicates.length === 0) return undefined;
  return new RetryHosts(policy.hostPredicates.map(hostPredicate), policy.hostSelectionMaxAttempts);
}

export class RetryHosts {
  /** How often a refused host is replaced; then the last one is taken (`host_selection_retry_max_attempts`). */
  readonly reselections: number;
  private readonly predicates: readonly HostPredicate[];

  constructor(predicates: readonly HostPredicate[], reselections: number) {
    this.predicates = predicates;
    this.reselections = reselections;
  }

  /** Every host that an attempt was made with, the first one too. */
  onHostAttempted(host: Host): void {
    for (const predicate of this.predicates) predicate.onHostAttempted?.(host);
  }

  /** True when one of the predicates refuses the host. */
  shouldSkip(host: Host): boolean {
    return this.predicates.some((predicate) => predicate.refuses(host));
  }
}
