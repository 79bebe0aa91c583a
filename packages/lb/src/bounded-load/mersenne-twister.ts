/** MT19937 (`std::mt19937`): the same seed gives the same numbers as in Envoy. */

const SIZE = 624;
const SHIFT = 397;

export class MersenneTwister {
  private readonly state = new Int32Array(SIZE);
  private next = SIZE;

  /** Begins anew; of the seed 32 bits count. */
  seed(seed: number): void {
    const { state } = this;
    state[0] = seed | 0;
    for (let i = 1; i < SIZE; i++) {
      const before = state[i - 1] as number;
      state[i] = Math.imul(0x6c07_8965, before ^ (before >>> 30)) + i;
    }
    this.next = SIZE;
  }

  /** 32 random bits, unsigned. */
  uint32(): number {
    if (this.next === SIZE) this.twist();
    let y = this.state[this.next++] as number;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** A number from 0 to `bound` - 1, each as likely. */
  below(bound: number): number {
    const width = Math.floor(0x1_0000_0000 / bound);
    let x = bound;
    while (x >= bound) x = Math.floor(this.uint32() / width);
    return x;
  }

  private twist(): void {
    const { state } = this;
    for (let i = 0; i < SIZE; i++) {
      const bits = ((state[i] as number) & 0x8000_0000) | ((state[(i + 1) % SIZE] as number) & 0x7fff_ffff);
      const mixed = (bits >>> 1) ^ (bits & 1 ? 0x9908_b0df : 0);
      state[i] = (state[(i + SHIFT) % SIZE] as number) ^ mixed;
    }
    this.next = 0;
  }
}
