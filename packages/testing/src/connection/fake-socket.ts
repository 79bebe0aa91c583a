/**
 * The two ends of a TCP connection without a kernel in between. The near end has what the engine uses of `net.Socket`;
 * the far end belongs to the test. Bytes go across at once; what a kernel would tell later is told in a microtask.
 */
import { EventEmitter } from 'node:events';
import type net from 'node:net';
import { toBytes } from '../bytes.ts';
import { turn } from '../clock.ts';

/** The addresses of both ends, as the near end sees them. */
export interface SocketAddresses {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

const FIN = Symbol('FIN');

/** The near end. Not a `net.Socket`, but it passes for one where the engine uses it. */
export class FakeSocket extends EventEmitter implements SocketAddresses {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly writableNeedDrain = false;
  destroyed = false;
  wasReset = false;
  /** Nobody reads here: what is sent stays with the kernel. */
  paused = false;
  /** Takes what arrives; without it bytes wait for `read`, as in a paused stream. */
  deliver: ((chunk: Buffer) => void) | undefined = undefined;
  /** What has reached the far end, and whether this end's FIN has. */
  readonly sent: Buffer[] = [];
  finSent = false;
  private stalled = false;
  private unsent: Buffer[] = [];
  private callbacks: (() => void)[] = [];
  private ending = false;
  private destroyNext = false;
  private inbox: (Buffer | typeof FIN)[] = [];
  private readonly readable: Buffer[] = [];
  private finRead = false;
  private pumping = false;

  constructor({ remoteAddress, remotePort, localAddress, localPort }: SocketAddresses) {
    super();
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    this.localAddress = localAddress;
    this.localPort = localPort;
  }

  /** The same object under the type that the engine asks for. */
  get asSocket(): net.Socket {
    return this as unknown as net.Socket;
  }

  // The far end

  /** Bytes from the far end that the near end has not read. */
  get unread(): number {
    return this.inbox.reduce((sum, item) => sum + (item === FIN ? 0 : item.length), 0);
  }

  arrive(chunk: Buffer): void {
    this.inbox.push(chunk);
    this.pump();
  }

  arriveFin(): void {
    this.inbox.push(FIN);
    this.pump();
  }

  arriveReset(): void {
    this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  }

  /** With `true` the far end stops reading: what is written stays here. */
  stall(stalled: boolean): void {
    this.stalled = stalled;
    this.push();
  }

  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    while (this.inbox.length > 0 && !this.paused && !this.destroyed)
      this.take(this.inbox.shift() as Buffer | typeof FIN);
    this.pumping = false;
  }

  private take(item: Buffer | typeof FIN): void {
    if (item === FIN) {
      this.finRead = true;
      this.emit('end');
      this.closeIfOver();
    } else if (this.deliver !== undefined) {
      this.deliver(item);
    } else {
      this.readable.push(item);
      this.emit('readable');
    }
  }

  private closeIfOver(): void {
    if (this.finRead && this.finSent) this.destroy();
  }

  // What the engine uses of a socket

  get writableLength(): number {
    return this.unsent.reduce((sum, { length }) => sum + length, 0);
  }

  setDefaultEncoding(): void {}
  cork(): void {}
  uncork(): void {}

  read(): Buffer | null {
    return this.readable.shift() ?? null;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    queueMicrotask(() => this.pump());
  }

  write(data: string | Uint8Array, done?: () => void): boolean {
    if (this.destroyed) return false;
    if (data.length > 0) this.unsent.push(typeof data === 'string' ? Buffer.from(data, 'latin1') : Buffer.from(data));
    if (done !== undefined) this.callbacks.push(done);
    this.push();
    return this.unsent.length === 0;
  }

  private push(): void {
    if (this.stalled || this.destroyed) return;
    this.sent.push(...this.unsent);
    this.unsent = [];
    for (const done of this.callbacks.splice(0)) queueMicrotask(done);
    if (this.ending && !this.finSent) {
      this.finSent = true;
      this.closeIfOver();
    }
    if (this.destroyNext) this.destroy();
  }

  end(): void {
    this.ending = true;
    this.push();
  }

  destroySoon(): void {
    this.destroyNext = true;
    this.end();
  }

  destroy(error?: Error): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.unsent = [];
    this.inbox = [];
    if (!this.wasReset) this.finSent = true;
    queueMicrotask(() => {
      if (error !== undefined) this.emit('error', error);
      this.emit('close', error !== undefined);
    });
  }

  resetAndDestroy(): void {
    this.wasReset = true;
    this.destroy();
  }
}

/** The end of a connection that the test holds. Its methods resolve when everything that follows at once has happened. */
export class FarEnd {
  /** @internal */
  readonly socket: FakeSocket;

  constructor(socket: FakeSocket) {
    this.socket = socket;
  }

  /** Sends each piece as a chunk of its own. */
  send(...pieces: readonly (string | Uint8Array)[]): Promise<void> {
    for (const piece of pieces) this.socket.arrive(Buffer.from(toBytes(piece)));
    return settled();
  }

  /** Sends FIN; reading goes on. */
  end(): Promise<void> {
    this.socket.arriveFin();
    return settled();
  }

  /** Sends RST. */
  reset(): Promise<void> {
    this.socket.arriveReset();
    return settled();
  }

  /** Stops reading: what is written to this end waits on the other side. */
  stall(): void {
    this.socket.stall(true);
  }

  /** Reads again, everything that has waited included. */
  drain(): Promise<void> {
    this.socket.stall(false);
    return settled();
  }

  /** Everything that has arrived. */
  get received(): Buffer {
    return Buffer.concat(this.socket.sent);
  }

  /** Everything that has arrived, as UTF-8. */
  get text(): string {
    return this.received.toString();
  }

  /** The other side has ended its direction. */
  get ended(): boolean {
    return this.socket.finSent;
  }

  /** Whether the other side still has the connection, and how it let it go. */
  get state(): 'open' | 'closed' | 'reset' {
    if (!this.socket.destroyed) return 'open';
    return this.socket.wasReset ? 'reset' : 'closed';
  }

  /** The other side does not read. */
  get paused(): boolean {
    return this.socket.paused;
  }

  /** Bytes sent that the other side has not read. */
  get unread(): number {
    return this.socket.unread;
  }
}

/** Long enough for everything that waits for nothing but its turn. */
async function settled(): Promise<void> {
  await turn();
  await turn();
}
