/**
 * A ketama ring: every host stands at many places of a circle of 64-bit numbers, and a request goes to the first host at
 * or behind its hash. Invariant: `high`, `low` and `owner` describe the places in ascending order.
 */
import { type Gauge, murmurHash2Into, Word64, xxHash64Into } from '@mesh/core';
import type { HashTable } from '../hashing/hash-balancer.ts';

/** Envoy `RingHash`. */
export interface RingSettings {
  /** Default 1024. */
  readonly minimumRingSize: number;
  /** Default and limit 8 388 608. */
  readonly maximumRingSize: number;
  readonly hashFunction: 'XX_HASH' | 'MURMUR_HASH_2';
}

/** One host, as it is put on the ring. */
interface RingMember {
  /** One byte per character. */
  readonly key: string;
  /** Of the whole ring; the shares of all members sum up to 1. */
  readonly share: number;
}

/** What a ring tells about itself. */
interface RingGauges {
  readonly size: Gauge;
  readonly fewest: Gauge;
  readonly most: Gauge;
}

const HASH_FUNCTIONS = { XX_HASH: xxHash64Into, MURMUR_HASH_2: murmurHash2Into };

export class Ring implements HashTable {
  /** The number of places that was aimed at; fractions of hosts may make it one more or less. */
  readonly size: number;
  /** Places of the host that has the fewest. */
  readonly fewest: number;
  /** Places of the host that has the most. */
  readonly most: number;
  private readonly gauges: RingGauges | undefined;
  private readonly high: Uint32Array;
  private readonly low: Uint32Array;
  private readonly owner: Uint32Array;

  constructor(members: readonly RingMember[], settings: RingSettings, gauges?: RingGauges) {
    this.gauges = gauges;
    const shares = members.map(({ share }) => share);
    const least = shares.reduce((min, share) => Math.min(min, share), 1);
    // As in Envoy: the lightest host gets a whole number of places.
    const scale = Math.min(Math.ceil(least * settings.minimumRingSize) / least, settings.maximumRingSize);
    const counts = placesOf(shares, scale);
    const places = counts.reduce((sum, count) => sum + count, 0);
    this.size = Math.ceil(scale);
    this.fewest = counts.reduce((min, count) => Math.min(min, count), this.size);
    this.most = counts.reduce((max, count) => Math.max(max, count), 0);
    this.high = new Uint32Array(places);
    this.low = new Uint32Array(places);
    this.owner = new Uint32Array(places);
    this.fill(members, counts, HASH_FUNCTIONS[settings.hashFunction]);
    sortPlaces(this.high, this.low, this.owner);
  }

  private fill(
    members: readonly RingMember[],
    counts: readonly number[],
    hashInto: (text: string, result: Word64) => void,
  ): void {
    const word = new Word64();
    let place = 0;
    for (let member = 0; member < members.length; member++) {
      const prefix = `${(members[member] as RingMember).key}_`;
      for (let i = 0; i < (counts[member] as number); i++, place++) {
        hashInto(prefix + i, word);
        this.high[place] = word.high;
        this.low[place] = word.low;
        this.owner[place] = member;
      }
    }
  }

  /** The first place at or behind a hash, whose halves are given unsigned; behind the last one comes the first. */
  private find(high: number, low: number): number {
    let from = 0;
    let to = this.owner.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const there = this.high[middle] as number;
      if (there < high || (there === high && (this.low[middle] as number) < low)) from = middle + 1;
      else to = middle;
    }
    return from === this.owner.length ? 0 : from;
  }

  memberAt(high: number, low: number, attempt: number): number {
    const places = this.owner.length;
    return places === 0 ? -1 : (this.owner[(this.find(high, low) + attempt) % places] as number);
  }

  publish(): void {
    this.gauges?.size.set(this.size);
    this.gauges?.fewest.set(this.fewest);
    this.gauges?.most.set(this.most);
  }
}

/** Shares are seldom whole numbers of places: running sums keep the whole ring at its size. */
function placesOf(shares: readonly number[], scale: number): number[] {
  let current = 0;
  let target = 0;
  return shares.map((share) => {
    target += scale * share;
    let count = 0;
    for (; current < target; current++) count++;
    return count;
  });
}

const DIGITS = 256;

type Places = readonly [high: Uint32Array, low: Uint32Array, owner: Uint32Array];

/**
 * Radix sort by the upper halves, a byte at a time from the lowest: linear also for millions of places. Equal hashes keep
 * their order.
 */
function sortPlaces(high: Uint32Array, low: Uint32Array, owner: Uint32Array): void {
  let from: Places = [high, low, owner];
  let to: Places = [new Uint32Array(high.length), new Uint32Array(high.length), new Uint32Array(high.length)];
  // An even number of passes: the last one leaves the result where it began.
  for (let shift = 0; shift < 32; shift += 8) {
    movePlaces(from, to, startsOf(from[0], shift), shift);
    [from, to] = [to, from];
  }
  sortLowerHalves(from);
}

/** Few upper halves are equal: each place is moved before those that have the same one and a larger lower half. */
function sortLowerHalves([high, low, owner]: Places): void {
  for (let i = 1; i < high.length; i++) {
    const key = low[i] as number;
    if (high[i] !== high[i - 1] || key >= (low[i - 1] as number)) continue;
    const member = owner[i] as number;
    let at = i;
    for (; at > 0 && high[at - 1] === high[i] && (low[at - 1] as number) > key; at--) {
      low[at] = low[at - 1] as number;
      owner[at] = owner[at - 1] as number;
    }
    low[at] = key;
    owner[at] = member;
  }
}

/** Where the places of each digit begin. */
function startsOf(keys: Uint32Array, shift: number): Uint32Array {
  const starts = new Uint32Array(DIGITS);
  for (let i = 0; i < keys.length; i++) (starts[((keys[i] as number) >>> shift) & 0xff] as number)++;
  let sum = 0;
  for (let digit = 0; digit < DIGITS; digit++) {
    const count = starts[digit] as number;
    starts[digit] = sum;
    sum += count;
  }
  return starts;
}

function movePlaces([high, low, owner]: Places, to: Places, next: Uint32Array, shift: number): void {
  const [toHigh, toLow, toOwner] = to;
  for (let i = 0; i < high.length; i++) {
    const digit = ((high[i] as number) >>> shift) & 0xff;
    const place = next[digit] as number;
    next[digit] = place + 1;
    toHigh[place] = high[i] as number;
    toLow[place] = low[i] as number;
    toOwner[place] = owner[i] as number;
  }
}
