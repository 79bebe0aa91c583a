/** One list of hosts that requests may land on, with the place that the policy has reached in it. */
import type { Host } from '@mesh/core';
import type { EdfScheduler } from '../edf/edf-scheduler.ts';

/** Positions count up to here and begin again; the integer stays a small one. */
const MOST = 0x3fff_ffff;

/** It stays the same object while its priority, kind and locality index exist, so that its place outlives updates. */
export class HostSource {
  hosts: readonly Host[] = [];
  /** Order of unequal hosts; `undefined` while all are equal. */
  schedule: EdfScheduler | undefined = undefined;
  /** Picks so far, from a random start. */
  position: number;
  /** How many picks were told ahead of time. */
  private peeked = 0;

  /** `seed` is a whole number below 2^30: many proxies must not all begin with the same host. */
  constructor(seed: number) {
    this.position = seed;
  }

  /** New hosts, before the policy has thought about them. */
  reset(hosts: readonly Host[]): void {
    this.hosts = hosts;
    this.schedule = undefined;
    this.peeked = 0;
  }

  /** The next host in turn: by schedule, or one after the other. */
  next(): Host | undefined {
    const { hosts, schedule, position } = this;
    this.position = (position + 1) & MOST;
    if (schedule !== undefined) return hosts[schedule.pick()];
    if (this.peeked > 0) this.peeked--;
    return hosts[position % hosts.length];
  }

  /** One further ahead with each call. */
  peek(): Host | undefined {
    const { hosts, schedule } = this;
    if (schedule !== undefined) return hosts[schedule.peek()];
    return hosts[(this.position + this.peeked++) % hosts.length];
  }
}
