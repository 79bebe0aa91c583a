/** Which priorities a retry leaves out (Envoy `retry_priority`). Made with the first retry of a request. */
import type { Host, RetryExtension } from '@mesh/core';

/** The rule of one request; `undefined` when its policy has none. */
export function retryPriority(extension: RetryExtension | undefined): PreviousPriorities | undefined {
  if (extension === undefined) return undefined;
  return new PreviousPriorities((extension.config as { readonly updateFrequency: number }).updateFrequency);
}

/**
 * `envoy.retry_priorities.previous_priorities`: the priorities of earlier attempts, looked at again after each
 * `updateFrequency` attempts.
 */
export class PreviousPriorities {
  private readonly updateFrequency: number;
  private attempted: Host[] = [];
  private excluded: Host[] = [];

  constructor(updateFrequency: number) {
    this.updateFrequency = updateFrequency;
  }

  /** Every host that an attempt was made with, the first one too. */
  onHostAttempted(host: Host): void {
    this.attempted.push(host);
    if (this.attempted.length % this.updateFrequency === 0) this.excluded = [...this.attempted];
  }

  /** Hosts whose priorities the next attempt leaves out; `undefined` before there are enough. */
  get hosts(): readonly Host[] | undefined {
    return this.excluded.length === 0 ? undefined : this.excluded;
  }

  /** No priority is left: every one may be tried again. */
  reset(): void {
    this.attempted = [];
    this.excluded = [];
  }
}
