import { createLogger } from '@mesh/core';
import { afterEach, describe, expect, it } from 'vitest';
import { TestIo } from './fixture.ts';
import { Ending, onReopen } from './signals.ts';
import { UncaughtErrors } from './uncaught.ts';

const lines: string[] = [];
const logger = createLogger({ format: '%l %v', write: (line) => lines.push(line) });
const settled = () => new Promise((resolve) => setImmediate(resolve));

let ending: Ending | undefined;
afterEach(() => {
  ending?.stop();
  ending = undefined;
  lines.length = 0;
});

function watch() {
  const io = new TestIo();
  ending = new Ending(io, logger);
  const seen: string[] = [];
  void ending.asked.then(() => seen.push('asked'));
  void ending.quitting.then(() => seen.push('quitting'));
  return { io, ending, seen };
}

describe('Ending', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('is asked for by %s, without haste', async (signal) => {
    const { io, seen } = watch();
    io.signal(signal);
    await settled();
    expect(seen).toEqual(['asked']);
    expect(io.exitCode).toBeUndefined();
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('is forced by a second signal, %s', (signal, code) => {
    const { io } = watch();
    io.signal('SIGTERM');
    io.signal(signal);
    expect(io.exitCode).toBe(code);
  });

  it('is at once when the admin server says so, also during a drain', async () => {
    const { io, ending, seen } = watch();
    io.signal('SIGTERM');
    ending.quit();
    await settled();
    expect(seen).toEqual(['asked', 'quitting']);
    expect(io.exitCode).toBeUndefined();
  });

  it('does not come with SIGHUP', async () => {
    const { io, seen } = watch();
    expect(io.signal('SIGHUP')).toBe(true);
    await settled();
    expect(seen).toEqual([]);
    expect(lines).toEqual(['warning caught and eating SIGHUP\n']);
  });

  it('listens no more after stop', () => {
    const { io, ending } = watch();
    ending.stop();
    expect(io.signal('SIGTERM')).toBe(false);
  });
});

const withReopen = (reopen: () => Promise<void>): Parameters<typeof onReopen>[1] => ({
  log: (level, component, message) => logger.log(level, component, message),
  reopen,
});

describe('onReopen', () => {
  it('reopens on SIGUSR1 and tells when that fails', async () => {
    const io = new TestIo();
    const { stop } = onReopen(
      io,
      withReopen(async () => {}),
    );
    io.signal('SIGUSR1');
    await settled();
    onReopen(
      io,
      withReopen(() => Promise.reject(new Error('ENOENT'))),
    );
    io.signal('SIGUSR1');
    await settled();
    expect(lines).toEqual(['info log files reopened\n', 'error log files could not be reopened: ENOENT\n']);
    stop();
  });
});

describe('UncaughtErrors', () => {
  it('end a start', async () => {
    const io = new TestIo();
    const errors = new UncaughtErrors(io, logger);
    const error = new Error('broken');
    io.escape(error, 'exception');
    await expect(errors.whileStarting).rejects.toBe(error);
    errors.stop();
    expect(io.escape(error, 'exception')).toBe(false);
  });

  it('are logged with their stack, counted and survived while serving', async () => {
    const io = new TestIo();
    const errors = new UncaughtErrors(io, logger);
    const counts = new Map<string, number>();
    const counter = (name: string) => ({ inc: () => counts.set(name, (counts.get(name) ?? 0) + 1) });
    errors.serving({ stats: { scope: () => ({ counter }) } } as never);
    io.escape(new Error('broken'), 'exception');
    io.escape('just text', 'rejection');
    await settled();
    expect(Object.fromEntries(counts)).toEqual({ uncaught_exceptions: 1, unhandled_rejections: 1 });
    expect(lines[0]).toMatch(/^critical uncaught exception: Error: broken\\n {4}at /);
    expect(lines[1]).toBe('critical unhandled rejection: just text\n');
    expect(io.exitCode).toBeUndefined();
    errors.stop();
  });
});
