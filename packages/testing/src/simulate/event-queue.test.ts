import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventQueue } from './event-queue.ts';

it('EventQueue gives ids in the order of their times, whatever is pushed and popped in between', () => {
  const steps = fc.array(fc.option(fc.integer({ min: 0, max: 1000 }), { freq: 3 }), { maxLength: 3000 });
  fc.assert(
    fc.property(steps, (times) => {
      const queue = new EventQueue();
      const kept: number[] = [];
      for (const time of times) {
        if (time !== null) {
          queue.push(time, time);
          kept.push(time);
        } else if (kept.length > 0) {
          const first = Math.min(...kept);
          expect(queue.nextMs).toBe(first);
          expect(queue.pop()).toBe(first);
          kept.splice(kept.indexOf(first), 1);
        }
      }
      expect(queue.size).toBe(kept.length);
      expect(Array.from({ length: kept.length }, () => queue.pop())).toEqual(kept.sort((a, b) => a - b));
      expect(queue.nextMs).toBe(Number.POSITIVE_INFINITY);
    }),
    { numRuns: 50 },
  );
});
