/**
 * Where the kernel puts what upstream sockets read. Small reads share one buffer for all sockets; a socket that
 * streams has a slab of its own, whose bytes can be written on without a copy, because nobody else reads into it.
 * On Windows reads are asynchronous and each socket needs its own buffer.
 */
import type net from 'node:net';

const READ_BYTES = 64 * 1024;
/** A stalled stream pins one slab and has another one ready: smaller ones keep a hundred slow readers cheap. */
const SLAB_BYTES = 32 * 1024;
const SHARED = process.platform !== 'win32';
/** A read this large says that the socket streams; one this small says that it does not. */
const BULK_BYTES = 32 * 1024;
const CALM_BYTES = 4 * 1024;
/** Slabs kept for reuse; more than this many streams at once allocate. */
const MAX_FREE = 64;
/** Views of the shared buffer by length: most reads are small, and a view costs more than the read's bookkeeping. */
const MAX_KEPT_VIEW = 2048;

let shared: Buffer | undefined;
const views: (Buffer | undefined)[] = new Array(MAX_KEPT_VIEW).fill(undefined);

/** A read buffer of one socket. */
class Slab {
  readonly bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** The socket whose unfinished write still points into the slab. */
  pinnedBy: net.Socket | undefined = undefined;

  get free(): boolean {
    return this.pinnedBy === undefined || this.pinnedBy.destroyed || this.pinnedBy.writableLength === 0;
  }
}

const idle: Slab[] = [];

/** The first slab that no write points into any more, or a new one. */
function takeSlab(): Slab {
  for (let i = idle.length - 1; i >= 0; i--) {
    const slab = idle[i] as Slab;
    if (!slab.free) continue;
    idle.splice(i, 1);
    slab.pinnedBy = undefined;
    return slab;
  }
  return new Slab();
}

/** The slab whose bytes the read that is being worked on delivered. */
let active: Slab | undefined;

/** True when `chunk` lies in the slab of the current read, so that it may be written without a copy. */
export function inActiveSlab(chunk: Uint8Array): boolean {
  return active !== undefined && chunk.buffer === active.bytes.buffer;
}

/** `socket` was given a piece of the current slab: unless it went out at once, the slab must not be read into. */
export function pinActiveSlab(socket: net.Socket): void {
  if (active !== undefined && socket.writableLength > 0) active.pinnedBy = socket;
}

/** The read side of one upstream socket. */
export class ReadBuffers {
  private slab: Slab | undefined = undefined;
  private bulk = false;

  /** For `net.connect({ onread: { buffer } })`: asked before the first read and after each one. */
  readonly next = (): Buffer | undefined => {
    if (!this.bulk) return this.slab === undefined ? this.first() : this.calm();
    if (this.slab?.free === true) return undefined;
    if (this.slab !== undefined) keep(this.slab);
    this.slab = takeSlab();
    return this.slab.bytes;
  };

  private started = false;

  private first(): Buffer | undefined {
    if (this.started) return undefined;
    this.started = true;
    if (!SHARED) return Buffer.allocUnsafeSlow(READ_BYTES);
    shared ??= Buffer.allocUnsafeSlow(READ_BYTES);
    return shared;
  }

  /** Back to the shared buffer. */
  private calm(): Buffer {
    keep(this.slab as Slab);
    this.slab = undefined;
    return shared as Buffer;
  }

  /** Hands the first `length` bytes of `buffer` to `deliver`; they are valid until it returns. */
  deliver(buffer: Buffer, length: number, deliver: (chunk: Buffer) => void): void {
    if (SHARED) this.bulk = length >= BULK_BYTES || (this.bulk && length > CALM_BYTES);
    const outer = active;
    active = this.slab;
    try {
      deliver(buffer === shared ? sharedView(length) : (buffer.subarray(0, length) as Buffer));
    } finally {
      active = outer;
    }
  }

  /** The socket is gone. */
  release(): void {
    if (this.slab !== undefined) keep(this.slab);
    this.slab = undefined;
  }
}

function keep(slab: Slab): void {
  if (idle.length < MAX_FREE) idle.push(slab);
}

function sharedView(length: number): Buffer {
  const buffer = shared as Buffer;
  if (length >= MAX_KEPT_VIEW) return buffer.subarray(0, length) as Buffer;
  return (views[length] ??= buffer.subarray(0, length) as Buffer);
}
