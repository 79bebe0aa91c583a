/** A log file that never blocks the event loop: one write at a time, a bounded buffer, reopenable for rotation. */
import fs from 'node:fs';
import type { Clock } from '../api/clock.ts';
import { systemClock } from './clock.ts';

const MAX_BUFFERED = 1_048_576;
const FLUSH_SIZE = 65_536;
/** Wait before a write is tried again on a full pipe, or on a disk or directory that refused. */
const RETRY_MS = 100;

/** Options of {@link openLogFile}. */
export interface LogFileOptions {
  /** Longest wait of a line that is not urgent (`--file-flush-interval-msec`). Default 10 000. */
  readonly flushIntervalMs?: number;
  readonly clock?: Clock;
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

/**
 * Opens `path` for appending.
 * @throws Error of the file system when it cannot be opened now.
 */
export function openLogFile(path: string, options: LogFileOptions = {}): LogSink {
  return new BufferedFile(path, options);
}

/**
 * Non-blocking matters only for named pipes: opening one without a reader, or writing to one that nobody empties,
 * would hold a worker thread for ever, and with it the end of the process.
 */
const FLAGS = fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_NONBLOCK;

class BufferedFile implements LogSink {
  dropped = 0;
  readonly #path: string;
  readonly #flushIntervalMs: number;
  readonly #clock: Clock;
  #fd: number;
  #lines: string[] = [];
  #buffered = 0;
  /** Bytes on their way to the disk; undefined when no write is under way. */
  #writing: Buffer | undefined;
  #retiredFd: number | undefined;
  #lostSinceNote = 0;
  #cancelFlush: (() => void) | undefined;
  /** A full pipe is given time; see {@link RETRY_MS}. */
  #waiting = false;
  #closed: (() => void) | undefined;

  constructor(path: string, { flushIntervalMs = 10_000, clock = systemClock }: LogFileOptions) {
    this.#path = path;
    this.#flushIntervalMs = flushIntervalMs;
    this.#clock = clock;
    this.#fd = fs.openSync(path, FLAGS, 0o644);
  }

  readonly write = (line: string, urgent: boolean): void => {
    if (this.#closed !== undefined) return;
    if (this.#buffered + line.length > MAX_BUFFERED) {
      this.dropped++;
      this.#lostSinceNote++;
      return;
    }
    this.#lines.push(line);
    this.#buffered += line.length;
    if (urgent || this.#buffered >= FLUSH_SIZE) this.#flush();
    else this.#flushLater(this.#flushIntervalMs);
  };

  async reopen(): Promise<void> {
    const handle = await new Promise<number>((resolve, reject) => {
      fs.open(this.#path, FLAGS, 0o644, (error, fd) => (error === null ? resolve(fd) : reject(error)));
    });
    if (this.#closed !== undefined) return fs.closeSync(handle);
    const old = this.#fd;
    this.#fd = handle;
    // Bytes on their way still belong to the old file.
    if (this.#writing === undefined) fs.closeSync(old);
    else if (this.#retiredFd === undefined) this.#retiredFd = old;
    else fs.closeSync(old);
  }

  close(): Promise<void> {
    if (this.#closed !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#closed = resolve;
      this.#cancelFlush?.();
      if (this.#writing === undefined || this.#waiting) this.#finish();
    });
  }

  #finish(): void {
    let bytes = this.#buffered > 0 ? Buffer.from(this.#take()) : Buffer.alloc(0);
    try {
      while (bytes.length > 0) bytes = bytes.subarray(fs.writeSync(this.#fd, bytes));
    } catch {
      this.dropped += countLines(bytes);
    }
    if (this.#retiredFd !== undefined) fs.closeSync(this.#retiredFd);
    fs.closeSync(this.#fd);
    this.#closed?.();
  }

  #flushLater(delayMs: number): void {
    this.#cancelFlush ??= this.#clock.schedule(() => {
      this.#cancelFlush = undefined;
      this.#flush();
    }, delayMs);
  }

  #flush(): void {
    if (this.#writing !== undefined || this.#buffered === 0) return;
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    this.#writeOut(Buffer.from(this.#take()));
  }

  #take(): string {
    if (this.#lostSinceNote > 0)
      this.#lines.push(`(${this.#lostSinceNote} lines were dropped here: the log was too slow)\n`);
    const text = this.#lines.join('');
    this.#lines = [];
    this.#buffered = 0;
    this.#lostSinceNote = 0;
    return text;
  }

  #writeOut(bytes: Buffer): void {
    this.#writing = bytes;
    fs.write(this.#retiredFd ?? this.#fd, bytes, 0, bytes.length, null, (error, written) =>
      this.#onWritten(error, written),
    );
  }

  #onWritten(error: NodeJS.ErrnoException | null, written: number): void {
    const bytes = this.#writing as Buffer;
    const rest = error === null ? bytes.subarray(written) : bytes;
    const full = error?.code === 'EAGAIN';
    if (rest.length > 0 && this.#closed === undefined && (error === null || full)) {
      if (full) this.#retryLater(rest);
      else this.#writeOut(rest);
      return;
    }
    if (rest.length > 0) this.dropped += countLines(rest);
    this.#writing = undefined;
    if (this.#closed !== undefined) {
      this.#finish();
      return;
    }
    if (this.#retiredFd !== undefined) fs.closeSync(this.#retiredFd);
    this.#retiredFd = undefined;
    if (this.#buffered > 0) this.#flushLater(error === null ? 0 : RETRY_MS);
  }

  #retryLater(bytes: Buffer): void {
    this.#writing = bytes;
    this.#waiting = true;
    this.#clock.schedule(() => {
      if (this.#closed !== undefined) return;
      this.#waiting = false;
      this.#writeOut(bytes);
    }, RETRY_MS);
  }
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (const byte of bytes) if (byte === 10) lines++;
  return lines;
}
