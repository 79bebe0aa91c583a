import { describe, expect, it } from 'vitest';
import type { ObserverContext } from '../api/observer.ts';
import type { Tracer } from '../api/tracer.ts';
import { type ProviderEntry, Tracers } from './tracers.ts';

/** Tracers of a proxy with what they told it. */
function proxyOf() {
  const logs: string[] = [];
  const counted: string[] = [];
  const endings: Promise<void>[] = [];
  const context = {
    stats: { counter: (name: string) => ({ inc: () => void counted.push(name) }) },
    log: (_level: string, message: string) => void logs.push(message),
  } as unknown as ObserverContext;
  return { logs, counted, endings, tracers: new Tracers(context, (end) => void endings.push(end)) };
}

const definition = (create: () => Tracer): ProviderEntry['definition'] => ({ create });

describe('Tracers', () => {
  it('makes one for equal configs of one extension, and closes it with its last user', async () => {
    const closed: unknown[] = [];
    const make = (config: unknown): Tracer => ({ startSpan: () => undefined, close: () => void closed.push(config) });
    const zipkin = { create: make };
    const { tracers, endings } = proxyOf();
    const first = tracers.acquire({ name: 'a', definition: zipkin, config: { to: ['x'] } });
    expect(tracers.acquire({ name: 'b', definition: zipkin, config: { to: ['x'] } })).toBe(first);
    const other = tracers.acquire({ name: 'a', definition: zipkin, config: { to: ['y'] } });
    expect(other).not.toBe(first);
    expect(tracers.acquire({ name: 'a', definition: { create: make }, config: { to: ['x'] } })).not.toBe(first);
    tracers.release(first);
    expect(closed).toEqual([]);
    tracers.release(first);
    tracers.release(first);
    await Promise.all(endings);
    expect(closed).toEqual([{ to: ['x'] }]);
    expect(tracers.acquire({ name: 'a', definition: zipkin, config: { to: ['x'] } })).not.toBe(first);
  });

  it('refuses a config that its extension cannot use', () => {
    const broken = definition(() => {
      throw new Error('no such port');
    });
    const { tracers } = proxyOf();
    const acquire = () => tracers.acquire({ name: 'z', definition: broken, config: {} });
    expect(acquire).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message: 'z: no such port' }));
  });

  it('survives one that does not close', async () => {
    const close = () => Promise.reject(new Error('stuck'));
    const { tracers, endings, counted, logs } = proxyOf();
    const entry = { name: 'z', definition: definition(() => ({ startSpan: () => undefined, close })), config: {} };
    tracers.release(tracers.acquire(entry));
    await Promise.all(endings);
    expect(counted).toEqual(['tracing.failed']);
    expect(logs[0]).toContain('stuck');
  });
});
