/**
 * The attempts of one exchange: usually one, several when a slow one is hedged. Whoever wins gives the response, and
 * with it takes the client's back-pressure; the others are reset.
 */
import type { Attempt } from './attempt.ts';

/** Base of the exchange, so that a request has one object for all of this. */
export abstract class AttemptRace {
  /** Those in the race, the latest first. */
  protected attempts: Attempt | undefined = undefined;
  /** The one whose response goes to the client. */
  protected final: Attempt | undefined = undefined;
  private pauses = 0;

  /** An attempt has left the race. */
  protected abstract onLeft(): void;

  protected enter(attempt: Attempt): void {
    attempt.next = this.attempts;
    this.attempts = attempt;
  }

  /** Whether an attempt may still bring a response head. */
  protected get awaited(): boolean {
    for (let one = this.attempts; one !== undefined; one = one.next) if (one.awaitingHead) return true;
    return false;
  }

  /** Takes one out; its connection is not touched. */
  protected remove(attempt: Attempt): void {
    this.onLeft();
    if (this.attempts === attempt) {
      this.attempts = attempt.next;
      return;
    }
    for (let one = this.attempts; one !== undefined; one = one.next) {
      if (one.next === attempt) one.next = attempt.next;
    }
  }

  /** Takes one out and lets go of it: `whole` keeps its connection for other requests, else it is reset. */
  protected discard(attempt: Attempt, whole: boolean): void {
    this.remove(attempt);
    if (whole) attempt.finish();
    else attempt.abandon();
  }

  /** The response of this one goes to the client. */
  protected win(attempt: Attempt): void {
    this.abandonOthers(attempt);
    this.final = attempt;
    for (let i = 0; i < this.pauses; i++) attempt.writer?.pauseResponse();
  }

  /** Resets all but one, or all. */
  protected abandonOthers(kept: Attempt | undefined): void {
    for (let one = this.attempts; one !== undefined; one = one.next) if (one !== kept) one.abandon();
    this.attempts = kept;
    if (kept !== undefined) kept.next = undefined;
  }

  // BodySource: back-pressure from the client. It is for the response, so that only the attempt that gives it is paused.

  pause(): void {
    this.pauses++;
    this.final?.writer?.pauseResponse();
  }

  resume(): void {
    if (this.pauses === 0) return;
    this.pauses--;
    this.final?.writer?.resumeResponse();
  }
}
