/** A log file that never blocks the event loop: one write at a time, a bounded buffer, reopenable for rotation. */
import type { Clock } from '../api/clock.ts';
import { wireText } from '../regex/wire-text.ts';
import { systemClock } from './clock.ts';
import { type LogTarget, openTarget, openTargetLater } from './log-target.ts';

const MAX_BUFFERED = 1_048_576;
const FLUSH_SIZE = 65_536;
const SCRATCH_SIZE = 2 * FLUSH_SIZE;
/** Wait before a write is tried again on a full pipe, or on a disk or directory that refused. */
const RETRY_MS = 100;

/** Options of {@link openLogFile}. */
export interface LogFileOptions {
  /** Longest wait of a line that is not urgent (`--file-flush-interval-msec`). Default 10 000. */
  readonly flushIntervalMs?: number;
  readonly clock?: Clock;
  /** Default: nothing is counted but `dropped`. */
  readonly metrics?: LogFileMetrics | undefined;
}

/** What is counted of log files, `filesystem.` in Envoy; `dropped` counts lines. */
export interface LogFileMetrics {
  readonly write_buffered: { inc(): void };
  readonly write_completed: { inc(): void };
  readonly write_failed: { inc(): void };
  readonly flushed_by_timer: { inc(): void };
  readonly reopen_failed: { inc(): void };
  /** Bytes that wait, of all files. */
  readonly write_total_buffered: { readonly value: number; set(value: number): void };
  readonly dropped: { add(lines: number): void };
}

/** Where finished lines go. */
export interface LogSink {
  /** Takes a line with its line feed; a file writes it at once when `urgent`, else with the next 64 KiB or interval. */
  readonly write: (line: string, urgent: boolean) => void;
  /** Lines lost so far because the reader or the disk was too slow, or refused. */
  readonly dropped: number;
  /** Opens the path again, after a rotation has moved the old file away. The old file is kept if that fails. */
  reopen(): Promise<void>;
  /** Writes what is buffered and closes. It does not wait for a reader that does not read. */
  close(): Promise<void>;
}

/** A log file; what is not urgent may be given in wire form, one character per byte, which costs nothing. */
export interface LogFile extends LogSink {
  readonly writeWire: (line: string) => void;
}

/**
 * Opens `path` for appending.
 * @throws Error of the file system when it cannot be opened now.
 */
export function openLogFile(path: string, options: LogFileOptions = {}): LogFile {
  return new BufferedFile(path, options);
}

class BufferedFile implements LogFile {
  dropped = 0;
  private readonly path: string;
  private readonly flushIntervalMs: number;
  private readonly clock: Clock;
  private readonly metrics: LogFileMetrics | undefined;
  private target: LogTarget;
  /** In wire form. Joined only when it is written: that is cheaper than any copy per line. */
  private text = '';
  /** Bytes on their way to the disk; undefined when no write is under way. */
  private writing: Buffer | undefined = undefined;
  /** What is written is put here, over and over: there is one write at a time, and fresh memory costs more than the write. */
  private scratch: Buffer | undefined = undefined;
  private retired: LogTarget | undefined = undefined;
  private lostSinceNote = 0;
  private cancelFlush: (() => void) | undefined = undefined;
  /** A full pipe is given time; see {@link RETRY_MS}. */
  private waiting = false;
  private closed: (() => void) | undefined = undefined;

  constructor(path: string, { flushIntervalMs = 10_000, clock = systemClock, metrics }: LogFileOptions) {
    this.path = path;
    this.flushIntervalMs = flushIntervalMs;
    this.clock = clock;
    this.metrics = metrics;
    this.target = openTarget(path);
  }

  readonly write = (line: string, urgent: boolean): void => {
    this.writeWire(wireText(line));
    if (urgent) this.flush();
  };

  readonly writeWire = (line: string): void => {
    if (this.closed !== undefined) return;
    const { metrics } = this;
    if (this.text.length + line.length > MAX_BUFFERED) {
      this.lose(1);
      this.lostSinceNote++;
      return;
    }
    this.text += line;
    if (metrics !== undefined) {
      metrics.write_buffered.inc();
      metrics.write_total_buffered.set(metrics.write_total_buffered.value + line.length);
    }
    if (this.text.length >= FLUSH_SIZE) this.flush();
    else if (this.cancelFlush === undefined) this.flushLater(this.flushIntervalMs);
  };

  async reopen(): Promise<void> {
    let target: LogTarget;
    try {
      target = await openTargetLater(this.path);
    } catch (error) {
      this.metrics?.reopen_failed.inc();
      throw error;
    }
    if (this.closed !== undefined) return target.close();
    const old = this.target;
    this.target = target;
    // Bytes on their way still belong to the old file.
    if (this.writing === undefined) old.close();
    else if (this.retired === undefined) this.retired = old;
    else old.close();
  }

  close(): Promise<void> {
    if (this.closed !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.closed = resolve;
      this.cancelFlush?.();
      if (this.writing === undefined || this.waiting) this.finish();
    });
  }

  private finish(): void {
    // What waits for a full pipe is older than what is buffered.
    let bytes = Buffer.concat([this.writing ?? Buffer.alloc(0), this.take()]);
    try {
      while (bytes.length > 0) bytes = bytes.subarray(this.target.writeNow(bytes));
    } catch {
      this.lose(countLines(bytes));
    }
    this.retired?.close();
    this.target.close();
    this.closed?.();
  }

  private lose(lines: number): void {
    this.dropped += lines;
    this.metrics?.dropped.add(lines);
  }

  private flushLater(delayMs: number): void {
    this.cancelFlush = this.clock.schedule(() => {
      this.metrics?.flushed_by_timer.inc();
      this.flush();
    }, delayMs);
  }

  private flush(): void {
    this.cancelFlush?.();
    this.cancelFlush = undefined;
    if (this.writing !== undefined || this.text === '') return;
    this.writeOut(this.take());
  }

  private take(): Buffer {
    const { metrics, lostSinceNote } = this;
    if (metrics !== undefined) metrics.write_total_buffered.set(metrics.write_total_buffered.value - this.text.length);
    if (lostSinceNote > 0) this.text += `(${lostSinceNote} lines were dropped here: the log was too slow)\n`;
    const { text } = this;
    this.text = '';
    this.lostSinceNote = 0;
    if (this.writing !== undefined || text.length > SCRATCH_SIZE) return Buffer.from(text, 'latin1');
    this.scratch ??= Buffer.allocUnsafeSlow(SCRATCH_SIZE);
    return this.scratch.subarray(0, this.scratch.write(text, 'latin1'));
  }

  private writeOut(bytes: Buffer): void {
    this.writing = bytes;
    const target = this.retired ?? this.target;
    target.write(bytes, (error, written) => this.onWritten(bytes, error, written));
  }

  private onWritten(bytes: Buffer, error: NodeJS.ErrnoException | null, written: number): void {
    const rest = error === null ? bytes.subarray(written) : bytes;
    const full = error?.code === 'EAGAIN';
    if (rest.length > 0 && (error === null || full)) {
      if (this.closed !== undefined) {
        this.writing = rest;
        this.finish();
      } else if (full) this.retryLater(rest);
      else this.writeOut(rest);
      return;
    }
    if (rest.length > 0) {
      this.lose(countLines(rest));
      this.metrics?.write_failed.inc();
    } else this.metrics?.write_completed.inc();
    this.writing = undefined;
    if (this.closed !== undefined) {
      this.finish();
      return;
    }
    this.retired?.close();
    this.retired = undefined;
    if (this.text === '') return;
    this.cancelFlush?.();
    this.flushLater(error === null ? 0 : RETRY_MS);
  }

  private retryLater(bytes: Buffer): void {
    this.writing = bytes;
    this.waiting = true;
    this.clock.schedule(() => {
      if (this.closed !== undefined) return;
      this.waiting = false;
      this.writeOut(bytes);
    }, RETRY_MS);
  }
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (const byte of bytes) if (byte === 10) lines++;
  return lines;
}
