/** Looks for blocks of bytes in what a host sends: each must be found, in order, not necessarily side by side. */

/** Fed piece by piece; it keeps no more than the end of the last piece. */
export class PayloadSearch {
  private readonly blocks: readonly Uint8Array[];
  private next = 0;
  /** The end of what came before, where the block that is being looked for may have begun. */
  private tail: Buffer = Buffer.alloc(0);

  constructor(blocks: readonly Uint8Array[]) {
    this.blocks = blocks;
    this.skipEmpty();
  }

  get found(): boolean {
    return this.next >= this.blocks.length;
  }

  /** Looks on in `chunk`; true once everything is found. */
  add(chunk: Uint8Array): boolean {
    if (this.found) return true;
    let rest: Buffer = this.tail.length === 0 ? bufferOf(chunk) : Buffer.concat([this.tail, chunk]);
    while (!this.found) {
      const block = this.blocks[this.next] as Uint8Array;
      const at = rest.indexOf(block);
      if (at < 0) {
        this.tail = Buffer.from(rest.subarray(Math.max(0, rest.length - block.length + 1)));
        return false;
      }
      rest = rest.subarray(at + block.length);
      this.next++;
      this.skipEmpty();
    }
    return true;
  }

  private skipEmpty(): void {
    while (this.blocks[this.next]?.length === 0) this.next++;
  }
}

function bufferOf(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
