/**
 * Tells when files may have changed. Directories are watched, not files: a file that is replaced by a rename, or that is
 * a symbolic link into a directory that is swapped (Kubernetes), is another file afterwards. Systems that send no events
 * (network file systems, a directory that was itself replaced) are looked at every few seconds.
 */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { TimerHandle, Timers } from '../../api/clock.ts';

/** How long after an event the files are looked at: several events belong to one change. */
const SETTLE_MS = 100;
const POLL_MS = 10_000;

/** Watches until it is closed. */
export class FileWatch {
  private readonly files: readonly string[];
  private readonly timers: Timers;
  private readonly onChange: () => boolean;
  private readonly watchers: FSWatcher[] = [];
  private seen: string;
  private settle: TimerHandle | undefined = undefined;
  private poll: TimerHandle | undefined = undefined;
  private closed = false;

  /**
   * @param onChange answers false when what it found cannot be used yet; it is asked again at the next look
   */
  constructor(files: readonly string[], directories: readonly string[], timers: Timers, onChange: () => boolean) {
    this.files = files;
    this.timers = timers;
    this.onChange = onChange;
    this.seen = this.signature();
    if (files.length === 0) return;
    for (const directory of new Set([...files.map((file) => dirname(file)), ...directories])) this.watch(directory);
    this.pollLater();
  }

  private watch(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, () => this.changed());
      // The directory is gone, or there are no more watches to be had: looking regularly has to do.
      watcher.on('error', () => watcher.close());
      this.watchers.push(watcher);
    } catch {
      // See above.
    }
  }

  private changed(): void {
    if (this.closed || this.settle !== undefined) return;
    this.settle = this.timers.after(SETTLE_MS, () => {
      this.settle = undefined;
      this.look();
    });
  }

  private pollLater(): void {
    this.poll = this.timers.after(POLL_MS, () => {
      this.look();
      if (!this.closed) this.pollLater();
    });
  }

  private look(): void {
    if (this.closed) return;
    const found = this.signature();
    if (found === this.seen) return;
    if (this.onChange()) this.seen = found;
  }

  private signature(): string {
    return this.files.map(fileSignature).join();
  }

  /** Gives back every watch and timer. */
  close(): void {
    this.closed = true;
    this.settle?.cancel();
    this.poll?.cancel();
    for (const watcher of this.watchers) watcher.close();
  }
}

function fileSignature(file: string): string {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = statSync(file);
    return `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`;
  } catch {
    return 'missing';
  }
}
