/**
 * Consistent hashing: equal hashes meet the same host while it is there. The hash also chooses the priority. As in Envoy,
 * degraded hosts get nothing by themselves, and retries do not leave priorities out.
 */
import {
  type Counter,
  type Host,
  type HostSets,
  type LoadBalancer,
  type LoadBalancerContext,
  type PickContext,
  type PriorityHosts,
  PriorityLoad,
  panicThreshold,
} from '@mesh/core';
import { BoundedLoad } from '../bounded-load/bounded-load.ts';
import type { HashingSettings } from './config.ts';
import { HashValue } from './hash-value.ts';
import { type Member, membersOf, sameMembers } from './weighted-hosts.ts';

/** Says which member a hash belongs to. */
export interface HashTable {
  /** The index of a member; -1 when it has none. `attempt` is 0, or counts how often an answer was refused. */
  memberAt(high: number, low: number, attempt: number): number;
  /** Tells its gauges what it looks like. */
  publish(): void;
}

/** One priority's hosts and their table. */
interface Division {
  readonly members: readonly Member[];
  readonly hosts: readonly Host[];
  /** `undefined` without hosts. */
  readonly table: HashTable | undefined;
  readonly bounds: BoundedLoad | undefined;
}

const NOBODY: Division = { members: [], hosts: [], table: undefined, bounds: undefined };

export class HashBalancer implements LoadBalancer {
  private readonly context: LoadBalancerContext;
  private readonly settings: HashingSettings;
  private readonly build: (members: readonly Member[]) => HashTable;
  private readonly panicked: Counter;
  private readonly load = new PriorityLoad();
  private divisions: readonly Division[] = [];
  private readonly value = new HashValue();
  /** Where the first choice was made: reselections go on from there. */
  private division: Division = NOBODY;

  constructor(
    context: LoadBalancerContext,
    settings: HashingSettings,
    build: (members: readonly Member[]) => HashTable,
  ) {
    this.context = context;
    this.settings = settings;
    this.build = build;
    this.panicked = context.stats.counter('lb_healthy_panic');
  }

  update(sets: HostSets): void {
    const { runtime, healthyPanicThreshold } = this.context;
    this.load.update(sets, panicThreshold(runtime, healthyPanicThreshold));
    this.divisions = sets.priorities.map((set, index) => this.divide(set, index));
    this.division = NOBODY;
    for (const { table } of this.divisions) table?.publish();
  }

  /** Discoveries repeat themselves: only a set that hashes differently makes a new table. */
  private divide(set: PriorityHosts, index: number): Division {
    const members = membersOf(set, this.load.panic[index] === true, this.settings);
    const before = this.divisions[index];
    if (members.length === 0) return NOBODY;
    if (before !== undefined && sameMembers(before.members, members)) return before;
    const { hashBalanceFactor } = this.settings;
    const bounds =
      hashBalanceFactor === 0 ? undefined : new BoundedLoad(members, hashBalanceFactor, this.context.stats);
    return { members, hosts: members.map(({ host }) => host), table: this.build(members), bounds };
  }

  pick(context: PickContext, reselection: number): Host | undefined {
    const { value } = this;
    if (reselection === 0) this.choose(context);
    const { table, bounds, hosts } = this.division;
    if (table === undefined) return undefined;
    const index = table.memberAt(value.high, value.low, reselection);
    return bounds === undefined ? hosts[index] : bounds.hostFor(index, value.low);
  }

  private choose(context: PickContext): void {
    const { value, load, settings } = this;
    const hash = context.hash?.(settings.requestHash);
    if (hash === undefined) value.draw(this.context.random);
    else value.set(hash);
    const choice = load.choose(value.percent);
    const priority = choice < 0 ? ~choice : choice;
    if (load.panic[priority] === true) this.panicked.inc();
    this.division = this.divisions[priority] ?? NOBODY;
  }
}
