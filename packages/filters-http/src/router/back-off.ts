/** How long a retry waits. */
import type { RandomSource, RateLimitedBackOff, ResponseHeaders } from '@mesh/core';

/** Full jitter: a random time below a bound that doubles with each retry, up to a maximum. */
export class BackOff {
  private bound: number;
  private readonly maxMs: number;

  constructor(baseMs: number, maxMs: number) {
    this.bound = baseMs;
    this.maxMs = maxMs;
  }

  nextMs(random: RandomSource): number {
    const bound = this.bound;
    this.bound = bound < this.maxMs / 2 ? bound * 2 : this.maxMs;
    return Math.floor(random() * bound);
  }
}

/** The time that an upstream has asked for, and up to half of it more, so that clients do not all come back at once. */
export function rateLimitedMs(intervalMs: number, random: RandomSource): number {
  return intervalMs + Math.floor(random() * Math.floor(intervalMs / 2));
}

/** What a response says about when to come back, in ms; `undefined` when it does not, or too late. */
export function resetIntervalMs(head: ResponseHeaders, policy: RateLimitedBackOff, wallMs: number): number | undefined {
  for (const { name, format } of policy.resetHeaders) {
    const value = head.get(name);
    if (value === undefined || !/^\d{1,15}$/.test(value)) continue;
    const seconds = format === 'SECONDS' ? Number(value) : Number(value) - Math.floor(wallMs / 1000);
    const intervalMs = seconds * 1000;
    // Envoy takes an interval of a millisecond or less for none.
    if (seconds >= 0 && intervalMs <= policy.maxMs) return intervalMs > 1 ? intervalMs : undefined;
  }
  return undefined;
}
