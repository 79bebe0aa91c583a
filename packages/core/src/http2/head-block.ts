/** A header block that comes in several frames. */
const EMPTY = Buffer.alloc(0);

export class HeadBlock {
  stream = 0;
  endStream = false;
  private parts: Buffer = EMPTY;
  private length = 0;
  private begun = false;

  get open(): boolean {
    return this.begun;
  }

  begin(stream: number, endStream: boolean): void {
    this.stream = stream;
    this.endStream = endStream;
    this.length = 0;
    this.begun = true;
  }

  /** False when the block grows beyond `limit`. */
  add(bytes: Buffer, start: number, end: number, limit: number): boolean {
    const length = this.length + end - start;
    if (length > limit) return false;
    if (length > this.parts.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(limit, Math.max(length, this.parts.length * 2)));
      this.parts.copy(larger, 0, 0, this.length);
      this.parts = larger;
    }
    bytes.copy(this.parts, this.length, start, end);
    this.length = length;
    return true;
  }

  /** The whole block. */
  take(): Buffer {
    const block = this.parts.subarray(0, this.length) as Buffer;
    this.parts = EMPTY;
    this.begun = false;
    return block;
  }
}
