/**
 * A Maglev table: every place of it belongs to a host, and a request goes to the owner of its hash modulo the size. Each
 * host has an order of places of its own; in turns they take the next one that is free. Hosts are sorted by their keys, so
 * that the order in which they are told means nothing. https://research.google/pubs/maglev-a-fast-and-reliable-software-network-load-balancer/
 */
import { type Gauge, xxHash64 } from '@mesh/core';
import type { HashTable } from '../hashing/hash-balancer.ts';
import { remainder } from '../hashing/hash-value.ts';
import { Rounds } from './rounds.ts';

/** One host, as it is put into the table. */
interface TableMember {
  /** One byte per character. */
  readonly key: string;
  /** Of the whole table; the shares of all members sum up to 1. */
  readonly share: number;
}

/** What a table tells about itself. */
interface TableGauges {
  readonly fewest: Gauge;
  readonly most: Gauge;
}

export class MaglevTable implements HashTable {
  /** Places of the host that has the fewest. */
  readonly fewest: number;
  /** Places of the host that has the most. */
  readonly most: number;
  private readonly gauges: TableGauges | undefined;
  private readonly owners: Uint32Array | Uint16Array;

  /** `size` is a prime number. */
  constructor(members: readonly TableMember[], size: number, gauges?: TableGauges) {
    this.gauges = gauges;
    // As in Envoy, one host has nothing to share.
    const places = members.length === 1 ? 1 : size;
    this.owners = members.length <= 0xffff ? new Uint16Array(places) : new Uint32Array(places);
    const counts = fill(this.owners, members);
    this.fewest = counts.reduce((least, count) => Math.min(least, count), places);
    this.most = counts.reduce((most, count) => Math.max(most, count), 0);
  }

  memberAt(high: number, low: number, attempt: number): number {
    const { owners } = this;
    if (attempt === 0) return owners[remainder(high, low, owners.length)] as number;
    // As in Envoy: a refused answer changes most bits, so that the next one is far away.
    return owners[remainder(~high >>> 0, (low ^ -attempt) >>> 0, owners.length)] as number;
  }

  publish(): void {
    this.gauges?.fewest.set(this.fewest);
    this.gauges?.most.set(this.most);
  }
}

/** Gives every place to a member; returns how many each has got. */
function fill(owners: Uint32Array | Uint16Array, members: readonly TableMember[]): Uint32Array {
  const size = owners.length;
  const turns = inTurns(members);
  const { place, skip } = ordersOf(turns, members, size);
  const rounds = new Rounds(
    Float64Array.from(turns, (member) => (members[member] as TableMember).share),
    size,
  );
  const counts = new Uint32Array(turns.length);
  const taken = new Uint8Array(size);
  let left = size;
  for (let round = 1; left > 0; round++) {
    const due = rounds.due(round);
    for (let i = 0; i < due.length && left > 0; i++, left--) {
      const turn = due[i] as number;
      const step = skip[turn] as number;
      let at = place[turn] as number;
      while (taken[at] === 1) {
        at += step;
        if (at >= size) at -= size;
      }
      taken[at] = 1;
      owners[at] = turns[turn] as number;
      at += step;
      place[turn] = at >= size ? at - size : at;
      counts[turn] = (counts[turn] as number) + 1;
      rounds.served(turn, round);
    }
  }
  return counts;
}

/** Indexes of the members in the order of their keys, byte by byte. */
function inTurns(members: readonly TableMember[]): Uint32Array {
  const keys = members.map(({ key }) => key);
  return Uint32Array.from(keys.keys()).sort((a, b) => {
    const [one, other] = [keys[a] as string, keys[b] as string];
    return one < other ? -1 : one > other ? 1 : a - b;
  });
}

/** Where each member begins, and how far it goes to its next place. */
function ordersOf(turns: Uint32Array, members: readonly TableMember[], size: number) {
  const place = new Uint32Array(turns.length);
  const skip = new Uint32Array(turns.length);
  for (let turn = 0; turn < turns.length; turn++) {
    const { key } = members[turns[turn] as number] as TableMember;
    place[turn] = Number(xxHash64(key) % BigInt(size));
    skip[turn] = size === 1 ? 1 : Number(xxHash64(key, 1n) % BigInt(size - 1)) + 1;
  }
  return { place, skip };
}
