/**
 * How many RST_STREAM frames a client may send, whatever streams they are for (nghttp2, and with it Envoy): the premature
 * ones have a limit of their own, but those for streams that are over cost the client nothing at all.
 */
const BURST = 1000;
const PER_SECOND = 33;

export class ResetRate {
  private left = BURST;
  private updatedMs: number;

  constructor(nowMs: number) {
    this.updatedMs = nowMs;
  }

  /** One has come. False: it is one too many. */
  take(nowMs: number): boolean {
    const seconds = Math.floor((nowMs - this.updatedMs) / 1000);
    if (seconds > 0) {
      this.left = Math.min(BURST, this.left + seconds * PER_SECOND);
      this.updatedMs += seconds * 1000;
    }
    if (this.left === 0) return false;
    this.left--;
    return true;
  }
}
