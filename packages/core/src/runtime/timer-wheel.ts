/**
 * One coarse hierarchical timer wheel per process part: arming and disarming are pointer swaps, so every request and
 * connection can carry deadlines. Invariant: an entry is in exactly one slot list, or unlinked (`next === undefined`).
 *
 *   level 0: 256 slots of 8 ms (2 s) · level 1: 256 × 2 s (9 min) · level 2: 256 × 9 min (37 h)
 */
import type { Clock, Deadline, TimerHandle, Timers } from '../api/clock.ts';

const TICK_MS = 8;
const BITS = 8;
const SLOTS = 1 << BITS;
const MASK = SLOTS - 1;
const LEVELS = 3;
const MAX_TICKS = SLOTS ** LEVELS - 1;
/** `wakeTick` of a wheel that never wakes again. */
const CLOSED = Number.NEGATIVE_INFINITY;

/** Something that can be due. Subclass it, or use {@link TimerWheel.after}; one entry holds one deadline. */
export abstract class TimerEntry implements Deadline {
  /** @internal */ next: TimerEntry | undefined = undefined;
  /** @internal */ prev: TimerEntry | undefined = undefined;
  /** @internal */ dueTick = 0;

  /** Called once when the deadline has passed. It may arm this entry again. */
  abstract onDue(): void;

  get armed(): boolean {
    return this.next !== undefined;
  }

  /** Takes the entry off its wheel; harmless when it is not armed. */
  disarm(): void {
    const next = this.next;
    if (next === undefined) return;
    const prev = this.prev as TimerEntry;
    prev.next = next;
    next.prev = prev;
    this.next = undefined;
    this.prev = undefined;
  }
}

class Slot extends TimerEntry {
  constructor() {
    super();
    this.next = this;
    this.prev = this;
  }
  get empty(): boolean {
    return this.next === this;
  }
  onDue(): void {}
}

class CallbackEntry extends TimerEntry implements TimerHandle {
  private readonly callback: () => void;
  constructor(callback: () => void) {
    super();
    this.callback = callback;
  }
  onDue(): void {
    this.callback();
  }
  cancel(): void {
    this.disarm();
  }
}

/** The wheel. It sleeps when it holds nothing and wakes the process only for occupied slots. */
export class TimerWheel implements Timers {
  readonly clock: Clock;
  private readonly startMs: number;
  private readonly levels: Slot[][];
  private readonly onError: (error: unknown) => void;
  private tick = 0;
  private wakeTick = Number.POSITIVE_INFINITY;
  private cancelWake: (() => void) | undefined;
  private advancing = false;
  /** The time of the read that is being worked on; -1 outside of one. */
  private turnMs = -1;

  /** `onError` receives what an `onDue` threw; the wheel itself goes on. */
  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.clock = clock;
    this.onError = onError;
    this.startMs = clock.nowMs();
    this.levels = Array.from({ length: LEVELS }, () => Array.from({ length: SLOTS }, () => new Slot()));
  }

  nowMs(): number {
    return this.turnMs >= 0 ? this.turnMs : this.clock.nowMs();
  }

  /**
   * Reads the clock once for all the work that one socket read causes. Returns false when a turn is under way already;
   * only who got true calls {@link endTurn}, before it gives control back to the event loop.
   */
  beginTurn(): boolean {
    if (this.turnMs >= 0) return false;
    this.turnMs = this.clock.nowMs();
    return true;
  }

  endTurn(): void {
    this.turnMs = -1;
  }

  after(delayMs: number, callback: () => void): TimerHandle {
    const entry = new CallbackEntry(callback);
    this.arm(entry, delayMs);
    return entry;
  }

  /** Arms (or re-arms) `entry` to be due `delayMs` from now; never early, at most one tick late. */
  arm(entry: Deadline, delayMs: number): void {
    this.armAt(entry as TimerEntry, this.nowMs() + delayMs);
  }

  /** Arms `entry` for an absolute monotonic time. */
  armAt(entry: TimerEntry, dueMs: number): void {
    entry.disarm();
    if (!this.advancing && this.wakeTick === Number.POSITIVE_INFINITY) this.catchUp();
    const due = Math.ceil((dueMs - this.startMs) / TICK_MS);
    entry.dueTick = due > this.tick ? due : this.tick + 1;
    const at = this.link(entry);
    if (at < this.wakeTick && !this.advancing) this.sleepUntil(at);
  }

  /** Stops waking up; entries stay linked but are never due again. */
  close(): void {
    this.cancelWake?.();
    this.cancelWake = undefined;
    this.wakeTick = CLOSED;
  }

  /** Puts the entry into the slot for its distance; returns the tick at which that slot must be looked at. */
  private link(entry: TimerEntry): number {
    let distance = entry.dueTick - this.tick;
    if (distance > MAX_TICKS) distance = MAX_TICKS;
    let level = 0;
    while (distance >= SLOTS << (BITS * level)) level++;
    const shift = BITS * level;
    const target = level === 0 ? entry.dueTick : Math.min(entry.dueTick, this.tick + MAX_TICKS);
    const index = Math.floor(target / 2 ** shift);
    const slot = (this.levels[level] as Slot[])[index & MASK] as Slot;
    const last = slot.prev as TimerEntry;
    entry.prev = last;
    entry.next = slot;
    last.next = entry;
    slot.prev = entry;
    return level === 0 ? entry.dueTick : index * 2 ** shift;
  }

  /** With nothing armed the tick stands still; before linking it jumps to the present. */
  private catchUp(): void {
    this.tick = Math.max(this.tick, Math.floor((this.clock.nowMs() - this.startMs) / TICK_MS));
  }

  private sleepUntil(tick: number): void {
    this.cancelWake?.();
    this.wakeTick = tick;
    const delay = this.startMs + tick * TICK_MS - this.clock.nowMs();
    this.cancelWake = this.clock.schedule(this.wake, Math.max(1, Math.ceil(delay)));
  }

  private readonly wake = (): void => {
    this.cancelWake = undefined;
    const now = Math.floor((this.clock.nowMs() - this.startMs) / TICK_MS);
    this.advancing = true;
    try {
      while (this.tick < now && this.wakeTick !== CLOSED) this.step(now);
    } finally {
      this.advancing = false;
    }
    if (this.wakeTick === CLOSED) return;
    const next = this.nextOccupied();
    if (next === Number.POSITIVE_INFINITY) {
      this.wakeTick = next;
      return;
    }
    this.sleepUntil(next);
  };

  /** Advances to the next occupied tick at or before `now`. */
  private step(now: number): void {
    const next = this.nextOccupied();
    if (next > now) {
      this.tick = now;
      return;
    }
    this.tick = next;
    for (let level = LEVELS - 1; level > 0; level--) {
      const shift = BITS * level;
      if (next % 2 ** shift !== 0) continue;
      this.cascade((this.levels[level] as Slot[])[Math.floor(next / 2 ** shift) & MASK] as Slot);
    }
    this.fire((this.levels[0] as Slot[])[next & MASK] as Slot);
  }

  /** Moves a coarse slot's entries to finer levels; those due now fire with this tick. */
  private cascade(slot: Slot): void {
    let entry = slot.next as TimerEntry;
    while (entry !== slot) {
      const following = entry.next as TimerEntry;
      entry.disarm();
      this.link(entry);
      entry = following;
    }
  }

  private fire(slot: Slot): void {
    while (!slot.empty) {
      const entry = slot.next as TimerEntry;
      entry.disarm();
      try {
        entry.onDue();
      } catch (error) {
        this.onError(error);
      }
    }
  }

  private nextOccupied(): number {
    for (let level = 0; level < LEVELS; level++) {
      const size = 2 ** (BITS * level);
      const slots = this.levels[level] as Slot[];
      const current = Math.floor(this.tick / size);
      let found = Number.POSITIVE_INFINITY;
      for (let i = 1; i <= SLOTS; i++) {
        if ((slots[(current + i) & MASK] as Slot).empty) continue;
        found = (current + i) * size;
        break;
      }
      if (found === Number.POSITIVE_INFINITY) continue;
      // A coarser slot may begin before the finer one found here.
      return level === LEVELS - 1 ? found : Math.min(found, this.nextCoarse(level + 1));
    }
    return Number.POSITIVE_INFINITY;
  }

  private nextCoarse(from: number): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (let level = from; level < LEVELS; level++) {
      const size = 2 ** (BITS * level);
      const slots = this.levels[level] as Slot[];
      const current = Math.floor(this.tick / size);
      for (let i = 1; i <= SLOTS; i++) {
        if ((slots[(current + i) & MASK] as Slot).empty) continue;
        earliest = Math.min(earliest, (current + i) * size);
        break;
      }
    }
    return earliest;
  }
}
