import { describe, expect, it } from 'vitest';
import { SpanClock } from './span-clock.ts';

/** A clock whose calendar comes in whole milliseconds, as the real one does. */
function clock(epochMs: number) {
  const now = { ms: 0.4, shiftMs: 0 };
  const spans = new SpanClock({
    nowMs: () => now.ms,
    wallMs: () => Math.floor(epochMs + now.ms + now.shiftMs),
    schedule: () => () => {},
  });
  return { now, spans };
}

describe('SpanClock', () => {
  it('is finer than the calendar once it has been looked at a few times', () => {
    const { now, spans } = clock(1_700_000_000_000.25);
    for (now.ms = 0.4; now.ms < 20; now.ms += 0.13) spans.look(now.ms);
    expect(Math.abs(spans.us(10) - 1_700_000_000_010_250)).toBeLessThan(200);
    expect(spans.us(10.5) - spans.us(10)).toBe(500);
  });

  it('never goes back within a process while the calendar goes on', () => {
    const { now, spans } = clock(1_700_000_000_000.9);
    let last = 0;
    for (now.ms = 0; now.ms < 50; now.ms += 0.31) {
      spans.look(now.ms);
      const at = spans.us(now.ms);
      expect(at).toBeGreaterThan(last);
      last = at;
    }
  });

  it('looks every ten milliseconds once it has looked a hundred times', () => {
    const { now, spans } = clock(1_700_000_000_000);
    for (let look = 0; look <= 100; look++) spans.look(now.ms);
    now.shiftMs = -60_000;
    now.ms += 9;
    spans.look(now.ms);
    expect(spans.us(0)).toBeGreaterThan(1_699_999_999_000_000);
    now.ms += 1;
    spans.look(now.ms);
    expect(spans.us(0)).toBeLessThan(1_699_999_941_000_000);
  });

  it('follows a calendar that is set back', () => {
    const { now, spans } = clock(1_700_000_000_000);
    spans.look(now.ms);
    now.shiftMs = -60_000;
    spans.look(now.ms);
    expect(Math.abs(spans.us(0) - 1_699_999_940_000_000)).toBeLessThan(1001);
  });
});
