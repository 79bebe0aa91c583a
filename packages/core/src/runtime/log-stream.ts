/** Standard error as a log: what its reader does not take in time is dropped and counted, never waited for. */
import type { LogSink } from './log-file.ts';

const MAX_BUFFERED = 1_048_576;

/** The part of a stream that is needed here. */
export interface LogStream {
  readonly writableLength: number;
  write(text: string): boolean;
  on(event: 'error', listener: () => void): unknown;
}

const sinks = new WeakMap<LogStream, LogSink>();

/**
 * The sink of a stream; all loggers of a process share that of standard error. A reader that is gone (EPIPE) costs the
 * lines, not the process.
 */
export function streamSink(stream: LogStream): LogSink {
  const sink = sinks.get(stream) ?? new StreamSink(stream);
  sinks.set(stream, sink);
  return sink;
}

class StreamSink implements LogSink {
  dropped = 0;
  readonly #stream: LogStream;
  #lostSinceNote = 0;
  #broken = false;

  constructor(stream: LogStream) {
    this.#stream = stream;
    stream.on('error', () => {
      this.#broken = true;
    });
  }

  readonly write = (line: string): void => {
    if (this.#broken || this.#stream.writableLength + line.length > MAX_BUFFERED) {
      this.dropped++;
      this.#lostSinceNote++;
      return;
    }
    if (this.#lostSinceNote > 0) {
      this.#stream.write(`(${this.#lostSinceNote} lines were dropped here: the reader was too slow)\n`);
      this.#lostSinceNote = 0;
    }
    this.#stream.write(line);
  };

  async reopen(): Promise<void> {}

  /** Standard error belongs to the process and stays open. */
  async close(): Promise<void> {}
}
