/** Puts the hosts of a list in order by weight, where they differ. */
import type { Host } from '@mesh/core';
import type { HostSource } from '../priority/host-source.ts';
import { EdfScheduler } from './edf-scheduler.ts';

/** Whether all hosts have the same weight. */
export function sameWeights(hosts: readonly Host[], weightOf: (host: Host) => number): boolean {
  const [first] = hosts;
  if (first === undefined) return true;
  const weight = weightOf(first);
  for (let i = 1; i < hosts.length; i++) if (weightOf(hosts[i] as Host) !== weight) return false;
  return true;
}

/**
 * Gives `source` a schedule that stands where its picks so far have brought it: an update does not begin anew with the
 * same hosts. `weightOf` is asked with every pick, for the host that was picked.
 */
export function scheduleSource(source: HostSource, weightOf: (host: Host) => number): void {
  const { hosts } = source;
  source.schedule = new EdfScheduler(hosts.length, (entry) => weightOf(hosts[entry] as Host), source.position);
}
