/**
 * The connection's window for what the peer sends. Credit is given back as bytes arrive, so that one paused stream does not
 * stop the others; but what paused streams hold beyond one window is not, so that a connection never holds more than two.
 */
import { DEFAULT_WINDOW_BYTES } from './frames.ts';
import type { Http2Stream } from './stream.ts';

export class ReceiveWindow {
  readonly bytes: number;
  /** Bytes for which there has been no credit yet, and how many of them paused streams hold. */
  private uncredited = 0;
  private held = 0;

  constructor(bytes: number) {
    this.bytes = Math.max(DEFAULT_WINDOW_BYTES, bytes);
  }

  /** What is left to announce once the default was granted. */
  get extraBytes(): number {
    return this.bytes - DEFAULT_WINDOW_BYTES;
  }

  /** False when the peer has sent more than it may. */
  receive(bytes: number): boolean {
    this.uncredited += bytes;
    return this.uncredited <= this.bytes;
  }

  /** `stream` got `bytes`, which it has not been given credit for. */
  assign(stream: Http2Stream, bytes: number): void {
    stream.uncredited += bytes;
    if (stream.pauses > 0) this.held += bytes;
  }

  hold(stream: Http2Stream): void {
    this.held += stream.uncredited;
  }

  release(stream: Http2Stream): void {
    this.held -= stream.uncredited;
  }

  /** The credit that is due now, and is counted as given; 0 while it is not worth a frame. */
  takeCredit(): number {
    const due = this.uncredited - Math.max(0, this.held - this.bytes);
    if (due * 2 < this.bytes) return 0;
    this.uncredited -= due;
    return due;
  }
}
