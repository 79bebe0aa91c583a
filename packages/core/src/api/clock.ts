/** Time and chance, injected so that every policy can be tested on virtual time. */

/** Source of time. `nowMs` is monotonic and never jumps; `wallMs` is the calendar. */
export interface Clock {
  /** Milliseconds since an arbitrary start, with fractions. Use it for every duration and deadline. */
  nowMs(): number;
  /** Unix time in milliseconds. Use it only for what people or peers read as a date. */
  wallMs(): number;
  /** Runs `callback` once, not before `delayMs`; the returned function cancels it. */
  schedule(callback: () => void, delayMs: number): () => void;
}

/** Uniform random numbers in [0, 1). */
export type RandomSource = () => number;

/**
 * Arms deadlines. Implemented by the timer wheel: arming and disarming cost nanoseconds and allocate nothing,
 * so a filter may use it per request. An entry is due within one tick (8 ms) after its deadline.
 */
export interface Timers {
  readonly clock: Clock;
  /** Monotonic time of the current turn of the event loop; at most a few milliseconds old. */
  nowMs(): number;
  /** Arms (or re-arms) a deadline that its owner embeds, e.g. a subclass of `TimerEntry`: nothing is allocated. */
  arm(deadline: Deadline, delayMs: number): void;
  /** Calls `callback` once after `delayMs`. Keep the handle to cancel it. */
  after(delayMs: number, callback: () => void): TimerHandle;
}

/** Something that can be due once; subclass `TimerEntry` to get one. */
export interface Deadline {
  onDue(): void;
  disarm(): void;
  readonly armed: boolean;
}

/** A pending call made by {@link Timers.after}. */
export interface TimerHandle {
  /** Cancels the call; harmless when it has already run. */
  cancel(): void;
}
