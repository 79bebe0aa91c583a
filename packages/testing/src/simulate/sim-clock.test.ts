import { expect, it } from 'vitest';
import { SimClock } from './sim-clock.ts';

it('SimClock runs callbacks by time, equal times in the order in which they were asked for', () => {
  const clock = new SimClock();
  const ran: string[] = [];
  clock.schedule(() => ran.push(`b at ${clock.nowMs()}`), 20);
  clock.schedule(() => ran.push(`a at ${clock.nowMs()}`), 10);
  clock.schedule(() => ran.push(`c at ${clock.nowMs()}`), 20);
  const cancel = clock.schedule(() => ran.push('never'), 15);
  cancel();
  expect(clock.nextMs).toBe(10);
  while (clock.nextMs < Number.POSITIVE_INFINITY) clock.runNext();
  expect(ran).toEqual(['a at 10', 'b at 20', 'c at 20']);
});
