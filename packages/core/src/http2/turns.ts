/** Streams that wait for the connection's window, in the order in which they get a frame each: none starves another. */
import type { Http2Stream } from './stream.ts';

export class Turns<S extends Http2Stream> {
  private streams: S[] = [];
  private at = 0;

  /** There may be a next one. */
  get waiting(): boolean {
    return this.at < this.streams.length;
  }

  add(stream: S): void {
    if (stream.ready) return;
    stream.ready = true;
    this.streams.push(stream);
  }

  /** The next stream, off the list; closed ones are left out. */
  next(): S | undefined {
    while (this.at < this.streams.length) {
      const stream = this.streams[this.at++] as S;
      stream.ready = false;
      if (this.at > 64 && this.at * 2 > this.streams.length) this.cut();
      if (!stream.closed) return stream;
    }
    this.cut();
    return undefined;
  }

  /** Forgets those that had their turn. */
  private cut(): void {
    if (this.at === 0) return;
    this.streams.splice(0, this.at);
    this.at = 0;
  }
}
