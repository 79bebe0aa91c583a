/** One attached `/tap` client and the traces that wait for it. */
import type { TapSink } from '../api/tap.ts';

/** Traces that a client may have waiting. Over that they are dropped: traffic neither waits for it nor fills the memory. */
const MOST_BYTES = 16 * 1024 * 1024;

/** The answer to `POST /tap`, piece by piece. */
export class TapSession implements TapSink, AsyncIterableIterator<string> {
  private readonly queue: string[] = [];
  private queuedBytes = 0;
  /** Nothing goes out before there are so many; 0 sends each at once. */
  private readonly gather: number;
  private readonly onEnd: () => void;
  private waiting: ((step: IteratorResult<string>) => void) | undefined = undefined;
  private ended = false;

  constructor(gather: number, onEnd: () => void) {
    this.gather = gather;
    this.onEnd = onEnd;
  }

  take(trace: string): boolean {
    if (this.ended || this.queuedBytes + trace.length > MOST_BYTES) return false;
    this.queue.push(trace);
    this.queuedBytes += trace.length;
    if (this.gather === 0) this.give();
    else if (this.queue.length >= this.gather) this.end();
    return true;
  }

  /** No more traces; what there is still goes out. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.onEnd();
    this.give();
  }

  next(): Promise<IteratorResult<string>> {
    return new Promise((resolve) => {
      this.waiting = resolve;
      if (this.gather === 0 || this.ended) this.give();
    });
  }

  /** The client is gone. */
  return(): Promise<IteratorResult<string>> {
    this.queue.length = 0;
    this.queuedBytes = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private give(): void {
    const resolve = this.waiting;
    if (resolve === undefined || (this.queue.length === 0 && !this.ended)) return;
    this.waiting = undefined;
    const trace = this.queue.shift();
    if (trace === undefined) resolve({ done: true, value: undefined });
    else {
      this.queuedBytes -= trace.length;
      resolve({ done: false, value: trace });
    }
  }
}
