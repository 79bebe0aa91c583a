import { describe, expect, it } from 'vitest';
import { Recorder, sum } from './record.ts';

describe('Recorder', () => {
  it('latencyMs is within 6 % of the true quantile', () => {
    const record = new Recorder(1000, 10);
    for (let latency = 1; latency <= 1000; latency++) record.addLatency(latency % 10, latency);
    for (const quantile of [0.1, 0.5, 0.9, 0.99]) {
      const error = record.latencyMs(quantile) / (1000 * quantile);
      expect(error).toBeGreaterThan(0.94);
      expect(error).toBeLessThan(1.06);
    }
  });

  it('latencyMs is NaN for columns without answers, and holds what is beyond its classes', () => {
    const record = new Recorder(1000, 10);
    record.addLatency(3, 0);
    record.addLatency(4, 1e9);
    expect(record.latencyMs(0.5, 0, 3)).toBeNaN();
    expect(record.latencyMs(0.5, 3, 4)).toBeCloseTo(0.1);
    expect(record.latencyMs(0.5, 4, 5)).toBeCloseTo(100_000);
  });

  it('at puts the last moment into the last column', () => {
    const record = new Recorder(1000, 10);
    expect([record.at(0), record.at(99.9), record.at(100), record.at(1000)]).toEqual([0, 0, 1, 9]);
  });

  it('sum adds a range of columns', () => {
    expect(sum(Uint32Array.of(1, 2, 3, 4), 1, 3)).toBe(5);
  });
});
