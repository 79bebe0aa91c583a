/**
 * Consistent hashing with bounded loads (`hash_balance_factor`): a host that has more than its share is passed over, for
 * one in an order that the hash decides. https://arxiv.org/abs/1608.01350, https://arxiv.org/abs/1908.08762
 */
import type { Gauge, Host, StatsScope } from '@mesh/core';
import { MersenneTwister } from './mersenne-twister.ts';

interface Share {
  readonly host: Host;
  /** Of the whole load; all shares sum up to 1. */
  readonly share: number;
}

// Choosing is synchronous: one generator serves everybody.
const random = new MersenneTwister();

export class BoundedLoad {
  private readonly shares: readonly Share[];
  private readonly factor: number;
  /** Requests of the whole cluster that are under way. */
  private readonly active: Gauge;
  /** Positions 0 to n - 1, in this order between choices. */
  private readonly order: Uint32Array;
  /** What each step of a choice was exchanged with. */
  private readonly exchanged: Uint32Array;

  /** `factor` is percent of the average load, 100 and more; `stats` the cluster's scope. */
  constructor(shares: readonly Share[], factor: number, stats: StatsScope) {
    this.shares = shares;
    this.factor = factor;
    this.active = stats.gauge('upstream_rq_active');
    this.order = Uint32Array.from(shares.keys());
    this.exchanged = new Uint32Array(shares.length);
  }

  /** The host at `index`, or one that has room for the request; the least overloaded when none has. */
  hostFor(index: number, seed: number): Host | undefined {
    const first = this.shares[index];
    if (first === undefined) return undefined;
    const total = Math.floor(((this.active.value + 1) * this.factor + 99) / 100);
    const overload = overloadOf(first, total);
    if (overload <= 1) return first.host;
    return this.another(first, overload, total, seed);
  }

  private another(first: Share, overload: number, total: number, seed: number): Host {
    const { shares, order, exchanged } = this;
    const count = shares.length;
    let best = first;
    let least = overload;
    let step = 0;
    random.seed(seed);
    while (step < count && least > 1) {
      const other = step + random.below(count - step);
      swap(order, step, other);
      exchanged[step] = other;
      const share = shares[order[step] as number] as Share;
      step++;
      if (share === first) continue;
      const load = overloadOf(share, total);
      if (load >= least) continue;
      best = share;
      least = load;
    }
    // Undone rather than filled anew: most choices take a few steps among many hosts.
    while (step-- > 0) swap(order, step, exchanged[step] as number);
    return best.host;
  }
}

/** Above 1 the host has more than its part of `total` places. */
function overloadOf({ host, share }: Share, total: number): number {
  return host.stats.rqActive / Math.max(Math.ceil(total * share), 1);
}

function swap(list: Uint32Array, a: number, b: number): void {
  const kept = list[a] as number;
  list[a] = list[b] as number;
  list[b] = kept;
}
