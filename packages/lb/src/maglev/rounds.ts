/**
 * Who takes a place in which round: the largest share in every one, half of it in every second one. A calendar, so that many
 * small shares beside a large one cost nothing in the rounds that they sit out.
 */
export class Rounds {
  private readonly shares: Float64Array;
  private readonly largest: number;
  /** What `round * share` must have come to for the next place of each. */
  private readonly targets: Float64Array;
  /** By round, the first and last of those who are due, and behind each the next; -1 is none. */
  private readonly first: Int32Array;
  private readonly last: Int32Array;
  private readonly behind: Int32Array;

  /** There is a place for somebody in each round, so that `size` places are gone after as many rounds. */
  constructor(shares: Float64Array, size: number) {
    this.shares = shares;
    this.largest = shares.reduce((most, share) => Math.max(most, share), 0);
    this.targets = new Float64Array(shares.length);
    this.first = new Int32Array(size + 1).fill(-1);
    this.last = new Int32Array(size + 1).fill(-1);
    this.behind = new Int32Array(shares.length).fill(-1);
    for (let turn = 0; turn < shares.length; turn++) this.enter(turn, 1);
  }

  /** Those who take a place, in their order. */
  due(round: number): readonly number[] {
    const turns: number[] = [];
    let sorted = true;
    for (let turn = this.first[round] as number; turn >= 0; turn = this.behind[turn] as number) {
      if (turns.length > 0 && turn < (turns[turns.length - 1] as number)) sorted = false;
      turns.push(turn);
    }
    return sorted ? turns : turns.sort((one, other) => one - other);
  }

  /** It has taken a place; the next one comes when its share has added up to it. */
  served(turn: number, round: number): void {
    const share = this.shares[turn] as number;
    const target = (this.targets[turn] as number) + this.largest;
    this.targets[turn] = target;
    let next = Math.max(round + 1, Math.ceil(target / share));
    // The product decides, as in Envoy; the quotient may be off by a rounding.
    while (next > round + 1 && (next - 1) * share >= target) next--;
    while (next * share < target) next++;
    this.enter(turn, next);
  }

  private enter(turn: number, round: number): void {
    if (round >= this.first.length) return;
    const last = this.last[round] as number;
    if (last < 0) this.first[round] = turn;
    else this.behind[last] = turn;
    this.last[round] = turn;
    this.behind[turn] = -1;
  }
}
