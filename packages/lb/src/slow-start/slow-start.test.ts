import { describe, expect, it } from 'vitest';
import { host, setsOf, TestContext, type TestHost, tally } from '../fixture.ts';
import { roundRobin } from '../round-robin/index.ts';
import { slowStartConfig } from './config.ts';
import { SlowStart } from './slow-start.ts';

function slowStart(context: TestContext, given: object): SlowStart {
  const made = SlowStart.of(slowStartConfig.parse({ slowStartWindow: '60s', ...given }), context);
  if (made === undefined) throw new Error('no slow start');
  return made;
}

describe('SlowStart', () => {
  it.each<[afterMs: number, given: object, factor: number]>([
    [0, {}, 0.1],
    [3_000, {}, 0.1],
    [15_000, {}, 0.25],
    [30_000, {}, 0.5],
    [59_999, {}, 59_999 / 60_000],
    [60_000, {}, 1],
    [30_000, { aggression: { defaultValue: 2 } }, Math.sqrt(0.5)],
    [30_000, { aggression: { defaultValue: 0.5 } }, 0.25],
    [30_000, { aggression: { defaultValue: -1 } }, 0.5],
    [1_000, { minWeightPercent: { value: 40 } }, 0.4],
    [0, { minWeightPercent: { value: 0 } }, 1 / 60_000],
  ])('has a host at %i ms and %j have %d of its weight', (afterMs, given, factor) => {
    const context = new TestContext();
    const start = slowStart(context, given);
    context.clock.advance(afterMs);
    expect(start.factor(host('a', { addedMs: 0 }))).toBeCloseTo(factor, 12);
  });

  it('reads its aggression from the runtime with every pick', () => {
    const context = new TestContext();
    const start = slowStart(context, { aggression: { defaultValue: 1, runtimeKey: 'speed' } });
    context.clock.advance(30_000);
    expect(start.factor(host('a'))).toBe(0.5);
    context.keys.speed = '2';
    expect(start.factor(host('a'))).toBeCloseTo(Math.SQRT1_2, 12);
    context.keys.speed = 'fast';
    expect(start.factor(host('a'))).toBe(0.5);
  });

  it('counts from the last recovery', () => {
    const context = new TestContext();
    const start = slowStart(context, {});
    context.clock.advance(100_000);
    expect(start.factor(host('a', { recoveredMs: 85_000 }))).toBe(0.25);
    expect(start.factor(host('a'))).toBe(1);
  });

  it('is over when the last host that came is through its window', () => {
    const context = new TestContext();
    const start = slowStart(context, {});
    context.clock.advance(50_000);
    start.note([host('a', { addedMs: 40_000 }), host('b', { addedMs: 45_000, health: 'unhealthy' })]);
    context.clock.advance(50_000);
    expect(start.over).toBe(false);
    context.clock.advance(1);
    expect(start.over).toBe(true);
  });

  it('is nothing without a window', () => {
    expect(SlowStart.of(undefined, new TestContext())).toBeUndefined();
    expect(SlowStart.of(slowStartConfig.parse({}), new TestContext())).toBeUndefined();
  });
});

describe('round robin with slow start', () => {
  it('gives a new host a share that grows', () => {
    const context = new TestContext();
    const { config } = roundRobin({ slowStartConfig: { slowStartWindow: '60s' } });
    const balancer = roundRobin.create(config, context);
    const old: TestHost[] = [host('a'), host('b')];
    balancer.update(setsOf(old));
    context.clock.advance(100_000);
    balancer.update(setsOf([...old, host('new', { addedMs: 100_000 })]));
    const shareAfter = (ms: number) => {
      context.clock.advance(ms);
      // The deadline that it has comes of an earlier weight.
      tally(balancer, 50);
      return (tally(balancer, 4000).new ?? 0) / 4000;
    };
    expect(shareAfter(0)).toBeCloseTo(0.1 / 2.1, 2);
    expect(shareAfter(30_000)).toBeCloseTo(0.5 / 2.5, 2);
    expect(shareAfter(30_000)).toBeCloseTo(1 / 3, 2);
  });

  it('is plain round robin once everybody is through and hosts are told again', () => {
    const context = new TestContext({ random: () => 0 });
    const { config } = roundRobin({ slowStartConfig: { slowStartWindow: '60s' } });
    const balancer = roundRobin.create(config, context);
    context.clock.advance(60_001);
    balancer.update(setsOf([host('a'), host('b')]));
    expect(tally(balancer, 100)).toEqual({ a: 50, b: 50 });
  });
});
