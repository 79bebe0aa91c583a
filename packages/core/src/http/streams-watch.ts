/**
 * The one timer entry that the streams of an HTTP/2 connection share. It is moved only to an earlier time; when it comes
 * due every stream is looked at, which are few, and seldom. A response that is whole but that the client does not read
 * (`stream_flush_timeout`) is watched here too: its stream is over, and yet holds memory.
 */
import type { Http2ResponseWriter } from '../http2/handlers.ts';
import { TimerEntry } from '../runtime/timer-wheel.ts';
import type { HttpManager } from './manager.ts';
import type { Stream } from './stream.ts';
import type { DeadlineWatch, Watched } from './stream-watch.ts';

const NEVER = Number.POSITIVE_INFINITY;

export class StreamsWatch extends TimerEntry implements DeadlineWatch {
  private readonly manager: HttpManager;
  private readonly streams = new Map<Http2ResponseWriter, Stream>();
  private armedMs = NEVER;
  /** Bytes that a finished response had left when it was last looked at. */
  private readonly unread = new Map<Http2ResponseWriter, number>();

  constructor(manager: HttpManager) {
    super();
    this.manager = manager;
  }

  add(writer: Http2ResponseWriter, stream: Stream): void {
    this.streams.set(writer, stream);
  }

  /** The codec is done with the stream. */
  remove(writer: Http2ResponseWriter): void {
    this.streams.delete(writer);
    if (this.unread.size > 0) this.unread.delete(writer);
  }

  watch(watched: Watched): void {
    if (watched.dueMs < this.armedMs) this.armFor(watched.dueMs);
  }

  /** The last part of the response is about to be written; {@link remove} follows, unless the client does not read it. */
  leave(watched: Watched): void {
    const stream = watched as Stream;
    const own = stream.flushTimeoutMs;
    const timeoutMs = own >= 0 ? own : this.manager.settings.streamFlushTimeoutMs;
    stream.dueMs = timeoutMs > 0 ? this.manager.wheel.nowMs() + timeoutMs : NEVER;
    if (stream.dueMs < this.armedMs) this.armFor(stream.dueMs);
  }

  stop(): void {
    this.streams.clear();
    this.unread.clear();
    this.disarm();
  }

  private armFor(dueMs: number): void {
    this.armedMs = dueMs;
    this.manager.wheel.armAt(this, dueMs);
  }

  onDue(): void {
    this.armedMs = NEVER;
    const now = this.manager.wheel.nowMs();
    let next = NEVER;
    for (const [writer, stream] of this.streams) {
      if (now >= stream.dueMs) {
        if (stream.over) this.checkUnread(writer, stream);
        else stream.onDeadline();
      }
      if (this.streams.get(writer) === stream && stream.dueMs < next) next = stream.dueMs;
    }
    if (next < this.armedMs) this.armFor(next);
  }

  /** A client that reads on, however slowly, gets its time anew; one that does not is given up at the second look. */
  private checkUnread(writer: Http2ResponseWriter, stream: Stream): void {
    const queued = writer.queuedBytes;
    if (queued === 0) {
      stream.dueMs = NEVER;
      return;
    }
    const before = this.unread.get(writer);
    if (before === undefined || queued < before) {
      this.unread.set(writer, queued);
      this.leave(stream);
      return;
    }
    stream.dueMs = NEVER;
    this.manager.http2.tx_flush_timeout.value++;
    writer.reset();
  }
}
