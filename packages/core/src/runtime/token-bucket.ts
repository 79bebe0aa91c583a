/** A token bucket on a clock: it is filled when it is asked, so that it needs no timer. */
import type { Clock } from '../api/clock.ts';

/** Envoy `TokenBucket`. */
export interface TokenBucketSettings {
  readonly maxTokens: number;
  /** Added with each interval. Default 1. */
  readonly tokensPerFill: number;
  readonly fillIntervalMs: number;
}

export class TokenBucket {
  private readonly settings: TokenBucketSettings;
  private readonly clock: Clock;
  private tokens: number;
  private filledMs: number;

  /** It is full at first. */
  constructor(settings: TokenBucketSettings, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
    this.tokens = settings.maxTokens;
    this.filledMs = clock.nowMs();
  }

  /** Takes `count` tokens; false, and nothing is taken, when there are not as many. */
  take(count = 1): boolean {
    if (this.tokens < count) this.fill();
    if (this.tokens < count) return false;
    this.tokens -= count;
    return true;
  }

  /** Tokens that could be taken now. */
  get available(): number {
    this.fill();
    return this.tokens;
  }

  /** Whole intervals count; what is left of the last one goes into the next. */
  private fill(): void {
    const { maxTokens, tokensPerFill, fillIntervalMs } = this.settings;
    const intervals = Math.floor((this.clock.nowMs() - this.filledMs) / fillIntervalMs);
    if (intervals <= 0) return;
    this.filledMs += intervals * fillIntervalMs;
    this.tokens = Math.min(maxTokens, this.tokens + intervals * tokensPerFill);
  }
}
