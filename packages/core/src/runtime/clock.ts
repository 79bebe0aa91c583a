/** The real clock; tests inject a virtual one. */
import type { Clock } from '../api/clock.ts';

/** Node fires a longer `setTimeout` at once; whoever waits longer looks again after 24 days. */
const MAX_TIMEOUT_MS = 0x7fff_ffff;

/** Monotonic time from `performance.now`, calendar time from `Date.now`, callbacks from unref'd timers. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  schedule(callback, delayMs) {
    const timer = setTimeout(callback, Math.min(delayMs, MAX_TIMEOUT_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
