import { describe, expect, it } from 'vitest';
import type { Clock } from '../api/clock.ts';
import { TimerEntry, TimerWheel } from './timer-wheel.ts';

const TICK_MS = 8;
const HOUR_MS = 3_600_000;

/** Time that moves only when told to, from one scheduled callback to the next. */
class VirtualClock implements Clock {
  #now = 1000.25;
  #wake: { readonly at: number; readonly callback: () => void } | undefined;
  wakes = 0;
  nowMs(): number {
    return this.#now;
  }
  wallMs(): number {
    return 0;
  }
  schedule(callback: () => void, delayMs: number): () => void {
    if (this.#wake !== undefined) throw new Error('the wheel sleeps once');
    const wake = { at: this.#now + delayMs, callback };
    this.#wake = wake;
    return () => {
      if (this.#wake === wake) this.#wake = undefined;
    };
  }
  get scheduled(): boolean {
    return this.#wake !== undefined;
  }
  /** Runs everything that comes due in the next `ms`. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let wake = this.#wake; wake !== undefined && wake.at <= until; wake = this.#wake) {
      this.#now = Math.max(this.#now, wake.at);
      this.#fire();
    }
    this.#now = until;
  }
  /** A blocked event loop: time passes, and the wake that was due comes late. */
  stall(ms: number): void {
    this.#now += ms;
    if (this.#wake !== undefined && this.#wake.at <= this.#now) this.#fire();
  }
  #fire(): void {
    const callback = this.#wake?.callback;
    this.#wake = undefined;
    this.wakes++;
    callback?.();
  }
}

class Entry extends TimerEntry {
  fired: number[] = [];
  readonly #clock: Clock;
  readonly #then: (entry: Entry) => void;
  constructor(clock: Clock, then: (entry: Entry) => void = () => {}) {
    super();
    this.#clock = clock;
    this.#then = then;
  }
  onDue(): void {
    this.fired.push(this.#clock.nowMs());
    this.#then(this);
  }
}

function setup() {
  const clock = new VirtualClock();
  const errors: unknown[] = [];
  const wheel = new TimerWheel(clock, (error) => errors.push(error));
  return { clock, wheel, errors, entry: (then?: (entry: Entry) => void) => new Entry(clock, then) };
}

/** mulberry32: the same numbers in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

describe('TimerWheel', () => {
  it.each([
    0,
    0.5,
    1,
    7.9,
    8,
    8.1,
    100,
    2040,
    2047,
    2048,
    2056,
    5000,
    60_000,
    524_287,
    524_288,
    600_000,
    3 * HOUR_MS,
    36 * HOUR_MS,
  ])('an entry armed for %d ms is due never early and at most one tick late', (delayMs) => {
    const { clock, wheel, entry } = setup();
    clock.advance(12_345.678);
    const armed = entry();
    const dueMs = clock.nowMs() + delayMs;
    wheel.arm(armed, delayMs);
    clock.advance(delayMs + 2 * TICK_MS);
    expect(armed.fired).toHaveLength(1);
    expect(armed.fired[0]).toBeGreaterThanOrEqual(dueMs);
    expect(armed.fired[0]).toBeLessThanOrEqual(dueMs + TICK_MS + 1);
    expect(armed.armed).toBe(false);
  });

  it('a deadline beyond its range is kept all the same', () => {
    const { clock, wheel, entry } = setup();
    const armed = entry();
    const dueMs = clock.nowMs() + 100 * HOUR_MS;
    wheel.arm(armed, 100 * HOUR_MS);
    clock.advance(99.9 * HOUR_MS);
    expect(armed.fired).toEqual([]);
    clock.advance(HOUR_MS);
    expect((armed.fired[0] as number) - dueMs).toBeLessThanOrEqual(TICK_MS + 1);
  });

  it('a deadline in the past is due at the next tick', () => {
    const { clock, wheel, entry } = setup();
    const armed = entry();
    wheel.armAt(armed, clock.nowMs() - 5000);
    expect(armed.fired).toEqual([]);
    clock.advance(TICK_MS + 1);
    expect(armed.fired).toHaveLength(1);
  });

  it('disarm cancels, and cancelling twice is harmless', () => {
    const { clock, wheel, entry } = setup();
    const armed = entry();
    wheel.arm(armed, 100);
    armed.disarm();
    armed.disarm();
    const handle = wheel.after(100, () => expect.unreachable());
    handle.cancel();
    handle.cancel();
    clock.advance(1000);
    expect(armed.fired).toEqual([]);
    expect(clock.scheduled).toBe(false);
  });

  it('arming again moves the deadline', () => {
    const { clock, wheel, entry } = setup();
    const armed = entry();
    wheel.arm(armed, 50);
    wheel.arm(armed, 5000);
    clock.advance(4999);
    expect(armed.fired).toEqual([]);
    wheel.arm(armed, 10);
    clock.advance(20);
    expect(armed.fired).toHaveLength(1);
    clock.advance(10_000);
    expect(armed.fired).toHaveLength(1);
  });

  it('an entry may arm itself again when it is due', () => {
    const { clock, wheel, entry } = setup();
    const armed = entry((self) => wheel.arm(self, 1000));
    wheel.arm(armed, 1000);
    clock.advance(10_000 + 10 * (TICK_MS + 1));
    expect(armed.fired).toHaveLength(10);
  });

  it('an entry that arms itself for now does not spin', () => {
    const { clock, wheel, entry } = setup();
    const armed = entry((self) => wheel.arm(self, 0));
    wheel.arm(armed, 0);
    clock.advance(80);
    expect(armed.fired.length).toBeGreaterThan(5);
    expect(armed.fired.length).toBeLessThanOrEqual(11);
  });

  it('an entry may disarm or arm others of its tick', () => {
    const { clock, wheel, entry } = setup();
    const victim = entry();
    const late = entry();
    const first = entry(() => {
      victim.disarm();
      wheel.arm(late, 100);
    });
    for (const each of [first, victim, late]) wheel.arm(each, 20);
    clock.advance(50);
    expect([first.fired.length, victim.fired.length, late.fired.length]).toEqual([1, 0, 0]);
    clock.advance(100);
    expect(late.fired).toHaveLength(1);
  });

  it('an entry that throws is reported and stops nobody', () => {
    const { clock, wheel, errors, entry } = setup();
    const after = entry();
    const later = entry();
    wheel.after(10, () => {
      throw new Error('first');
    });
    wheel.arm(after, 10);
    wheel.arm(later, 1000);
    clock.advance(2000);
    expect(errors).toEqual([new Error('first')]);
    expect([after.fired.length, later.fired.length]).toEqual([1, 1]);
  });

  it('a late wake fires everything that was due, in order of ticks', () => {
    const { clock, wheel } = setup();
    const order: number[] = [];
    for (const delay of [3000, 10, 700_000, 2000, 500]) wheel.after(delay, () => order.push(delay));
    clock.stall(HOUR_MS);
    expect(order).toEqual([10, 500, 2000, 3000, 700_000]);
  });

  it('sleeps when it is empty', () => {
    const { clock, wheel, entry } = setup();
    expect(clock.scheduled).toBe(false);
    wheel.arm(entry(), 100);
    expect(clock.scheduled).toBe(true);
    clock.advance(1000);
    expect(clock.scheduled).toBe(false);
    const { wakes } = clock;
    clock.advance(10 * HOUR_MS);
    expect(clock.wakes).toBe(wakes);
  });

  it('wakes a handful of times for one far deadline', () => {
    const { clock, wheel, entry } = setup();
    wheel.arm(entry(), 30 * HOUR_MS);
    clock.advance(31 * HOUR_MS);
    expect(clock.wakes).toBeLessThanOrEqual(4);
  });

  it('close ends all waking, also from inside an entry', () => {
    const { clock, wheel, entry } = setup();
    const far = entry();
    wheel.arm(far, 1000);
    wheel.after(10, () => wheel.close());
    clock.advance(20);
    expect(clock.scheduled).toBe(false);
    wheel.arm(entry(), 1);
    clock.advance(HOUR_MS);
    expect(clock.scheduled).toBe(false);
    expect(far.fired).toEqual([]);
  });

  it('agrees with a model on 100 000 random entries', () => {
    const { clock, wheel } = setup();
    const random = generator(20_26);
    const due = new Map<number, number>();
    let wrong = 0;
    let fired = 0;
    const arm = (id: number) => {
      const delay = random() ** 6 * 2 * HOUR_MS;
      due.set(id, clock.nowMs() + delay);
      return wheel.after(delay, () => {
        const expected = due.get(id);
        const lateMs = clock.nowMs() - (expected ?? Number.POSITIVE_INFINITY);
        if (!(lateMs >= 0 && lateMs <= TICK_MS + 1)) wrong++;
        due.delete(id);
        fired++;
      });
    };
    let cancelled = 0;
    for (let id = 0; id < 100_000; id++) {
      const handle = arm(id);
      if (random() < 0.2) {
        if (due.delete(id)) cancelled++;
        handle.cancel();
      }
      if (random() < 0.05) clock.advance(random() ** 4 * 2000);
    }
    clock.advance(3 * HOUR_MS);
    expect({ wrong, left: due.size, fired: fired + cancelled }).toEqual({ wrong: 0, left: 0, fired: 100_000 });
  });
});
