/** One stream's state on either side: windows, what waits to be sent, and which directions are over. */
import type { Headers } from '../api/headers.ts';
import type { Http2Session } from './session.ts';

const EMPTY = new Uint8Array(0);

export abstract class Http2Stream {
  id = 0;
  readonly session: Http2Session;
  /** Over in both directions, or reset: nothing more comes or goes. */
  closed = false;
  // Receiving
  remoteEnded = false;
  /** Bytes that the peer has not been given credit for. */
  uncredited = 0;
  pauses = 0;
  /** Bytes of the body that are still to come by Content-Length; -1 when it tells nothing. */
  bodyLeft = -1;
  /** It got something since the last `onBatchEnd`. */
  touched = false;
  // Sending
  /** END_STREAM has been sent. */
  localEnded = false;
  /** The writer has given everything. */
  endGiven = false;
  sendWindow = 0;
  /** The writer was told to wait. */
  stalled = false;
  /** Waits for its turn at the connection's window. */
  ready = false;
  queuedBytes = 0;
  private queue: Uint8Array[] | undefined = undefined;
  private queueAt = 0;
  /** What of the first chunk has been sent. */
  private sentOfFirst = 0;
  private trailers: Headers | undefined = undefined;

  constructor(session: Http2Session) {
    this.session = session;
  }

  /** What came of a body. */
  abstract deliverData(piece: Buffer, end: boolean, owned: boolean): void;
  /** The peer may be sent more after it was told to wait. */
  abstract deliverWritable(): void;
  /** The read is worked off; true when that began a request. */
  abstract deliverBatchEnd(): boolean;

  /** Takes `bytes` off what Content-Length has announced; false when they do not fit it. */
  countBody(bytes: number, end: boolean): boolean {
    if (this.bodyLeft < 0) return true;
    this.bodyLeft -= bytes;
    return this.bodyLeft >= 0 && (!end || this.bodyLeft === 0);
  }

  get waiting(): boolean {
    return this.queue !== undefined;
  }

  /** Sends a part of the body as far as the windows allow; the rest waits. */
  protected sendData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    const { session } = this;
    if (end) {
      this.endGiven = true;
      // No flush follows the last part, and it may have to wait for a window while the head does not.
      session.markDirty();
    }
    const { length } = chunk;
    if (length === 0) {
      // Needs no window; behind what waits, the last of that will carry the end.
      if (end && this.queue === undefined) session.writeData(this, chunk, 0, 0, true, owned);
    } else if (this.queue === undefined) {
      const allowed = Math.min(length, this.sendWindow, session.sendWindow);
      if (allowed === length) {
        session.writeData(this, chunk, 0, length, end, owned);
        return;
      }
      if (allowed > 0) session.writeData(this, chunk, 0, allowed, false, owned);
      this.enqueue(kept(chunk, Math.max(0, allowed), owned));
    } else this.enqueue(kept(chunk, 0, owned));
  }

  private enqueue(chunk: Uint8Array): void {
    this.queue ??= [];
    this.queue.push(chunk);
    this.queuedBytes += chunk.length;
    this.session.queued(this, chunk.length);
  }

  protected sendTrailers(trailers: Headers): void {
    this.endGiven = true;
    this.session.markDirty();
    if (this.queue !== undefined) this.trailers = trailers;
    else this.session.writeTrailers(this, trailers);
  }

  /** Sends one frame of what waits. Called when the connection's window is open. */
  sendQueued(limitBytes: number): void {
    const { queue, session } = this;
    if (queue === undefined) return;
    const chunk = queue[this.queueAt] as Uint8Array;
    const start = this.sentOfFirst;
    const size = Math.min(chunk.length - start, limitBytes, this.sendWindow, session.sendWindow);
    if (size <= 0) return;
    const whole = start + size === chunk.length;
    const last = whole && this.queueAt + 1 === queue.length;
    this.queuedBytes -= size;
    session.dequeued(size);
    if (whole) {
      queue[this.queueAt++] = EMPTY;
      this.sentOfFirst = 0;
    } else this.sentOfFirst = start + size;
    if (last) this.clearQueue();
    const { trailers } = this;
    session.writeData(this, chunk, start, start + size, last && this.endGiven && trailers === undefined, true);
    if (last && trailers !== undefined && !this.closed) session.writeTrailers(this, trailers);
  }

  private clearQueue(): void {
    this.queue = undefined;
    this.queueAt = 0;
  }

  /** Forgets what waits. */
  dropQueue(): void {
    if (this.queuedBytes > 0) this.session.dequeued(this.queuedBytes);
    this.queuedBytes = 0;
    this.clearQueue();
    this.trailers = undefined;
  }

  flush(): boolean {
    const { session } = this;
    session.markDirty();
    if (this.closed || (this.queuedBytes <= session.options.bufferLimitBytes && !session.backedUp)) return true;
    // Told twice, it still waits once.
    if (!this.stalled) {
      this.stalled = true;
      session.stalls++;
    }
    return false;
  }

  protected pauseReading(): void {
    if (this.closed) return;
    if (this.pauses++ === 0) this.session.hold(this);
  }

  protected resumeReading(): void {
    if (this.closed || this.pauses === 0) return;
    if (--this.pauses === 0) this.session.release(this);
  }
}

/** `chunk[start..)`, to be used after the call that brought it. */
function kept(chunk: Uint8Array, start: number, owned: boolean): Uint8Array {
  return owned ? chunk.subarray(start) : Uint8Array.prototype.slice.call(chunk, start);
}
