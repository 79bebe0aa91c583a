import { describe, expect, it } from 'vitest';
import { TimerWheel } from '../runtime/timer-wheel.ts';
import { StillClock } from './fixture.ts';
import { KeepAlive } from './keepalive.ts';

const options = { intervalMs: 1000, timeoutMs: 500, intervalJitterPercent: 40, connectionIdleIntervalMs: 0 };

describe('KeepAlive', () => {
  it.each([
    [0, 1000],
    [0.5, 1200],
  ])('onDue pings after the interval and its jitter, which %d decides', (chance, dueMs) => {
    const clock = new StillClock();
    const wheel = new TimerWheel(clock, () => {});
    let pings = 0;
    const user = { sendPing: () => void pings++, onPingTimeout: () => {} };
    const keepAlive = new KeepAlive(options, wheel, () => chance, user);
    clock.advance(dueMs - 50);
    expect(pings).toBe(0);
    clock.advance(100);
    expect(pings).toBe(1);
    keepAlive.disarm();
    wheel.close();
  });
});
