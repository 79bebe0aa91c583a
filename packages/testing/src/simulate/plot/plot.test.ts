import { describe, expect, it } from 'vitest';
import { Recorder } from '../record.ts';
import type { Scenario } from '../scenario.ts';
import { plotSvg } from './plot.ts';
import { label, roundUp } from './scale.ts';

const scenario = (events: Scenario['events'] = []): Scenario => {
  return { name: 'a < b & "c"', durationMs: 10_000, events } as unknown as Scenario;
};

function record(hosts: number): Recorder {
  const made = new Recorder(10_000, 10);
  for (let host = 0; host < hosts; host++) {
    made.addHost(`10.0.0.${host}:80`, host % 2 === 0 ? 'zone-a' : 'zone-b', 0).requests.fill(10 + host);
  }
  made.arrivals.fill(100);
  made.succeeded.fill(100);
  for (let bucket = 0; bucket < 5; bucket++) made.addLatency(bucket, 20);
  return made;
}

/** Every tag is closed, and no text breaks out of its mark. */
function wellFormed(svg: string): boolean {
  const open: string[] = [];
  for (const [, close, name, self] of svg.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
    if (close === '/') {
      if (open.pop() !== name) return false;
    } else if (self !== '/') open.push(name as string);
  }
  return open.length === 0;
}

describe('plotSvg', () => {
  it('draws few hosts as lines with their names, and escapes names', () => {
    const svg = plotSvg(scenario([{ atMs: 5000, name: 'half <way>', run: () => {} }]), record(3));
    expect(wellFormed(svg)).toBe(true);
    expect(svg).toContain('10.0.0.2:80 (zone-a)');
    expect(svg).toContain('a &#60; b &#38; &#34;c&#34;');
    expect(svg).toContain('half &#60;way&#62;');
    expect(svg.match(/NaN|undefined|Infinity/)).toBeNull();
  });

  it('draws many hosts as a map with rows of several, by zone', () => {
    const svg = plotSvg(scenario(), record(500));
    expect(wellFormed(svg)).toBe(true);
    expect(svg).toContain('500 hosts, 5 to a row');
    expect(svg).toContain('>zone-a<');
    expect(svg).toContain('>zone-b<');
    expect(svg.length).toBeLessThan(200_000);
  });

  it('draws a record of nothing', () => {
    const svg = plotSvg(scenario(), new Recorder(10_000, 10));
    expect(wellFormed(svg)).toBe(true);
    expect(svg.match(/NaN|Infinity/)).toBeNull();
  });
});

it.each([
  [0, 1],
  [0.3, 0.5],
  [1, 1],
  [2.2, 2.5],
  [999, 1000],
  [1001, 2000],
])('roundUp of %d is %d', (value, rounded) => expect(roundUp(value)).toBeCloseTo(rounded));

it.each([
  [0, '0'],
  [12.5, '12.5'],
  [1500, '1.5 k'],
  [2e6, '2 M'],
])('label of %d is %s', (value, text) => expect(label(value)).toBe(text));
