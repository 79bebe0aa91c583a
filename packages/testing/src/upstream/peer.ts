/** One connection of a test upstream, in the hands of a behaviour. */
import type net from 'node:net';
import { toBytes } from '../bytes.ts';
import { Signal } from '../signal.ts';

export class UpstreamPeer {
  readonly socket: net.Socket;
  /** A request is being read or answered. */
  busy = false;
  /** Requests that have been dealt with on this connection. */
  served = 0;
  closed = false;
  /** The proxy sent FIN. */
  peerEnded = false;
  /** Bytes that the kernel has taken from this side. */
  bytesAccepted = 0;
  private readonly queue: Buffer[] = [];
  private readonly signal = new Signal();
  private readonly changed: () => void;

  /** @internal */
  constructor(socket: net.Socket, changed: () => void) {
    this.socket = socket;
    this.changed = changed;
    socket.on('data', (chunk: Buffer) => {
      this.queue.push(chunk);
      this.notify();
    });
    socket.on('end', () => {
      this.peerEnded = true;
      this.notify();
    });
    // The close that follows says all that tests ask for.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.notify();
    });
  }

  /** The next bytes; `undefined` when none will come. @internal */
  async read(): Promise<Buffer | undefined> {
    while (this.queue.length === 0) {
      if (this.peerEnded || this.closed) return undefined;
      await this.next();
    }
    return this.queue.shift();
  }

  /** Writes bytes; resolves when the kernel has taken them, or when the connection is gone. Text is sent as UTF-8. */
  write(data: string | Uint8Array): Promise<void> {
    const bytes = toBytes(data);
    return new Promise((resolve) => {
      if (this.closed) {
        resolve();
        return;
      }
      this.socket.write(bytes, (error) => {
        if (error === null || error === undefined) this.bytesAccepted += bytes.length;
        resolve();
      });
    });
  }

  /** Stops reading: what the proxy sends piles up. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Sends FIN; reading goes on. */
  end(): void {
    this.socket.end();
  }

  /** Ends the connection with RST. */
  reset(): void {
    if (!this.closed) this.socket.resetAndDestroy();
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.socket.destroy();
  }

  /** Resolves when the connection is gone. */
  async untilClosed(): Promise<void> {
    await this.signal.until(() => this.closed, 'the connection to the upstream to close');
  }

  /** Waits without limit: a connection may be idle as long as its test lasts. */
  private next(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  private wake: () => void = () => {};

  private notify(): void {
    this.wake();
    this.signal.notify();
    this.changed();
  }
}
