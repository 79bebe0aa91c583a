/** How long a host is kept out (or counts as degraded): longer each time, and shorter again while it behaves. */
import type { RandomSource } from '@mesh/core';
import type { OutlierSettings } from './settings.ts';

/** One kind of sentence of one host. */
export class Sentence {
  /** How often it was passed. */
  count = 0;
  /** Monotonic times of the last one's begin and end; `undefined` before the first. */
  beganMs: number | undefined = undefined;
  endedMs: number | undefined = undefined;
  /** The base time is multiplied by this. */
  private backoff = 0;
  private jitterMs = 0;

  begin(nowMs: number, settings: OutlierSettings, random: RandomSource): void {
    this.count++;
    this.beganMs = nowMs;
    const baseMs = settings.baseEjectionTimeMs;
    // So that hosts that were ejected together do not come back together.
    this.jitterMs = Math.floor(random() * (settings.maxEjectionTimeJitterMs + 1));
    if (this.backoff * baseMs < settings.maxEjectionTimeMs + baseMs) this.backoff++;
  }

  end(nowMs: number): void {
    this.endedMs = nowMs;
  }

  /** It has lasted long enough. */
  served(nowMs: number, settings: OutlierSettings): boolean {
    const lengthMs = Math.min(settings.baseEjectionTimeMs * this.backoff, settings.maxEjectionTimeMs);
    return this.beganMs !== undefined && nowMs - this.beganMs >= lengthMs + this.jitterMs;
  }

  /** Another interval without one. */
  relax(nowMs: number, intervalMs: number): void {
    if (this.backoff > 0 && this.endedMs !== undefined && nowMs - this.endedMs >= intervalMs) this.backoff--;
  }
}
