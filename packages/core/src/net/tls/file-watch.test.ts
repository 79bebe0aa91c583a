import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TimerHandle, Timers } from '../../api/clock.ts';
import { FileWatch } from './file-watch.ts';

/** Timers that are due when the test says so. */
class ManualTimers {
  readonly waiting = new Set<{ delayMs: number; callback: () => void }>();
  after(delayMs: number, callback: () => void): TimerHandle {
    const entry = { delayMs, callback };
    this.waiting.add(entry);
    return { cancel: () => void this.waiting.delete(entry) };
  }
  fire(delayMs: number): void {
    for (const entry of [...this.waiting]) {
      if (entry.delayMs !== delayMs) continue;
      this.waiting.delete(entry);
      entry.callback();
    }
  }
}

const POLL_MS = 10_000;

describe('FileWatch', () => {
  it('looks regularly where no events come, and asks again after a refusal', () => {
    const directory = mkdtempSync(join(tmpdir(), 'mesh-watch-'));
    const timers = new ManualTimers();
    const answers = [false, true];
    let asked = 0;
    // The directory is not there yet: there is nothing to watch.
    const folder = join(directory, 'later');
    const watch = new FileWatch([join(folder, 'a')], [], timers as unknown as Timers, () => {
      asked++;
      return answers.shift() ?? true;
    });
    timers.fire(POLL_MS);
    expect(asked).toBe(0);
    mkdirSync(folder);
    writeFileSync(join(folder, 'a'), 'x');
    timers.fire(POLL_MS);
    timers.fire(POLL_MS);
    timers.fire(POLL_MS);
    expect(asked).toBe(2);
    watch.close();
    expect(timers.waiting.size).toBe(0);
    rmSync(directory, { recursive: true });
  });

  it('watches nothing without files', () => {
    const timers = new ManualTimers();
    new FileWatch([], ['/nowhere'], timers as unknown as Timers, () => true).close();
    expect(timers.waiting.size).toBe(0);
  });
});
