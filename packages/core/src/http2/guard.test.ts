import { describe, expect, it } from 'vitest';
import { http2CodecStats, StatsStore } from '../stats/index.ts';
import { FloodGuard } from './guard.ts';
import { DEFAULT_HTTP2_OPTIONS } from './options.ts';

const guard = (maxOutboundFrames: number) =>
  new FloodGuard({ ...DEFAULT_HTTP2_OPTIONS, maxOutboundFrames }, http2CodecStats(new StatsStore().scope('http2.')));

describe('FloodGuard outbound frames', () => {
  it('says when more wait than may', () => {
    const one = guard(10);
    for (let i = 0; i < 10; i++) one.queued(false);
    one.written(1000, 1000);
    expect(one.outboundFlood()).toBeUndefined();
    one.queued(false);
    expect(one.outboundFlood()).toBe('http2.outbound_flood');
  });

  it('forgets those that the socket has taken, although it is never empty', () => {
    const one = guard(10);
    let total = 0;
    for (let frame = 0; frame < 1000; frame++) {
      one.queued(false);
      total += 100;
      // Two frames always wait.
      one.written(200, total);
      expect(one.outboundFlood()).toBeUndefined();
    }
  });

  it('does not forget those of a peer that takes next to nothing', () => {
    const one = guard(10);
    let total = 0;
    let taken = 0;
    let frames = 0;
    while (one.outboundFlood() === undefined && frames < 1000) {
      one.queued(true);
      frames++;
      total += 100;
      taken += 1;
      one.written(total - taken, total);
    }
    expect(frames).toBeLessThanOrEqual(12);
  });

  it('starts again when everything has gone', () => {
    const one = guard(10);
    for (let i = 0; i < 10; i++) one.queued(false);
    one.written(0, 1000);
    for (let i = 0; i < 10; i++) one.queued(false);
    expect(one.outboundFlood()).toBeUndefined();
  });
});
