/** Random ids, cut from a text of hexadecimal digits that is refilled rarely. */
import type { RandomSource } from '@mesh/core';

/** Ids of 16 digits per refill. */
const POOL = 256;
const WIDTH = 16;
const DIGITS = Buffer.from('0123456789abcdef');
const ZERO = '0000000000000000';

/** One source of ids per tracer. */
export class Ids {
  private readonly random: RandomSource;
  private readonly epochSeconds: (() => number) | undefined;
  private readonly long: boolean;
  private readonly written = Buffer.allocUnsafeSlow(POOL * WIDTH);
  private pool = '';
  private at = 0;

  /** `long`: trace ids of 128 bits. `epochSeconds`: they begin with the time (Envoy `timestamp_trace_ids`). */
  constructor(random: RandomSource, long = false, epochSeconds?: () => number) {
    this.random = random;
    this.long = long;
    this.epochSeconds = epochSeconds;
  }

  /** A span id; never zero, which would mean that there is none. */
  span(): string {
    if (this.at === this.pool.length) this.refill();
    const from = this.at;
    this.at += WIDTH;
    const id = this.pool.substring(from, this.at);
    return id === ZERO ? '0000000000000001' : id;
  }

  /** The id of a new trace whose first span is `span`; it ends with that one's, unless it is short and begins with the time. */
  trace(span: string): string {
    const { epochSeconds, long } = this;
    if (epochSeconds === undefined) return long ? this.span() + span : span;
    const time = (epochSeconds() >>> 0).toString(16).padStart(8, '0');
    const half = time + this.span().substring(8);
    return long ? half + span : half;
  }

  private refill(): void {
    const { random, written } = this;
    for (let at = 0; at < written.length; ) {
      let word = random() * 0x1_0000_0000;
      for (const end = at + 8; at < end; word *= 16) written[at++] = DIGITS[(word >>> 28) & 15] as number;
    }
    // In one piece, because cutting needs it so.
    this.pool = written.toString('latin1');
    this.at = 0;
  }
}
