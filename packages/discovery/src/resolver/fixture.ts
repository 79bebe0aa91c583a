/** Real time for tests over real sockets, and numbers to look at. */
import type { Clock, Counter, StatsScope } from '@mesh/core';

export const systemTestClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  schedule(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** A scope whose counters and gauges are numbers by full name. */
export function numbers(): { readonly scope: StatsScope; readonly values: Record<string, number> } {
  const values: Record<string, number> = {};
  const metric = (name: string): Counter => {
    values[name] ??= 0;
    const add = (amount: number): void => {
      values[name] = (values[name] ?? 0) + amount;
    };
    return { name, value: 0, inc: () => add(1), add, dec: () => add(-1) } as Counter;
  };
  const scopeOf = (prefix: string): StatsScope =>
    ({
      counter: (name: string) => metric(prefix + name),
      gauge: (name: string) => metric(prefix + name),
      scope: (name: string) => scopeOf(prefix + name),
    }) as unknown as StatsScope;
  return { scope: scopeOf(''), values };
}
