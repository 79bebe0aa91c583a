/** Looks for texts in a body that comes in pieces. */
import type { TapBodySettings } from '@mesh/core/proto';

/** The texts, and how far into the body they are looked for. */
export class BodyPatterns {
  readonly patterns: readonly Buffer[];
  /** Bytes from the beginning of the body. */
  readonly limit: number;

  constructor({ bytesLimit, patterns }: TapBodySettings) {
    this.patterns = patterns.map(({ stringMatch, binaryMatch }) => Buffer.from(stringMatch ?? binaryMatch ?? []));
    this.limit = bytesLimit === 0 ? Number.POSITIVE_INFINITY : bytesLimit;
  }
}

/** The search through one body. */
export class BodySearch {
  private readonly limit: number;
  private missing: readonly Buffer[];
  /** The end of what has come, in which a pattern may have begun. */
  private tail: Buffer = Buffer.alloc(0);
  private seen = 0;

  constructor({ patterns, limit }: BodyPatterns) {
    this.missing = patterns;
    this.limit = limit;
  }

  get found(): boolean {
    return this.missing.length === 0;
  }

  /** Nothing that may still come makes a difference. */
  get settled(): boolean {
    return this.found || this.seen >= this.limit;
  }

  add(chunk: Uint8Array): void {
    if (this.settled) return;
    const part = chunk.subarray(0, this.limit - this.seen);
    this.seen += part.length;
    const text = Buffer.concat([this.tail, part]);
    this.missing = this.missing.filter((pattern) => !text.includes(pattern));
    const longest = this.missing.reduce((most, { length }) => Math.max(most, length), 1);
    // A copy: the whole piece is not to be kept for its end.
    this.tail = Buffer.from(text.subarray(Math.max(0, text.length - longest + 1)));
  }
}
