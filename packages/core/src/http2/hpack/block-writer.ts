/** A growing buffer that header blocks are written to; the block is `bytes[0, length)`. */

/** What is kept between blocks; a larger buffer is given up with `reset`. */
const MOST_KEPT_BYTES = 64 * 1024;
const FIRST_BYTES = 1024;

export class BlockWriter {
  /** Another one after each `reserve` that needs more. */
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  length = 0;

  reset(): void {
    this.length = 0;
    if (this.bytes.length > MOST_KEPT_BYTES) this.bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  /** Makes room for `count` bytes behind `length`. */
  reserve(count: number): void {
    const wanted = this.length + count;
    if (wanted > this.bytes.length) this.grow(wanted);
  }

  private grow(wanted: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
