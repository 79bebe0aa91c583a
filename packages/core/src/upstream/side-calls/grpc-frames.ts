/** gRPC's length-prefixed messages. */

/** Length of what stands before a message. */
const PREFIX_BYTES = 5;

/** A message behind its prefix, in bytes of its own. */
export function grpcFrame(message: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/** Why bytes are no messages that this side reads. */
export type FrameProblem = 'compressed' | 'too long' | 'no gRPC';

/** Takes a stream of bytes apart into messages; holds at most one message of `maxBytes`. */
export class GrpcFrames {
  private readonly maxBytes: number;
  private readonly prefix = Buffer.alloc(PREFIX_BYTES);
  private prefixFilled = 0;
  private message: Uint8Array = NO_MESSAGE;
  private filled = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Whether a message has begun that is not complete. */
  get partial(): boolean {
    return this.prefixFilled > 0;
  }

  /** Calls `visit` with each message that `chunk` completes, until it answers false. */
  add(chunk: Uint8Array, visit: (message: Uint8Array) => boolean): FrameProblem | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.prefixFilled < PREFIX_BYTES) {
        this.prefix[this.prefixFilled++] = chunk[at++] as number;
        if (this.prefixFilled < PREFIX_BYTES) continue;
        const problem = this.readPrefix();
        if (problem !== undefined) return problem;
      } else {
        const taken = Math.min(this.message.length - this.filled, chunk.length - at);
        this.message.set(chunk.subarray(at, at + taken), this.filled);
        this.filled += taken;
        at += taken;
      }
      if (this.filled === this.message.length && !visit(this.take())) return undefined;
    }
    return undefined;
  }

  private readPrefix(): FrameProblem | undefined {
    const flags = this.prefix[0] as number;
    const length = this.prefix.readUInt32BE(1);
    if (flags > 1) return 'no gRPC';
    if (flags === 1 && length > 0) return 'compressed';
    if (length > this.maxBytes) return 'too long';
    this.message = length === 0 ? NO_MESSAGE : new Uint8Array(length);
    return undefined;
  }

  private take(): Uint8Array {
    const { message } = this;
    this.message = NO_MESSAGE;
    this.filled = 0;
    this.prefixFilled = 0;
    return message;
  }
}

const NO_MESSAGE = new Uint8Array(0);
