/** Divides a snapshot into subsets, in one walk over its hosts. */
import type { Host, HostSets } from '@mesh/core';
import { type Criteria, criteriaOf, matches, pathsOf } from './criteria.ts';
import type { Selector } from './selectors.ts';
import { type LocalityRules, SubSnapshot } from './sub-snapshot.ts';

/** What a subset consists of. */
export type Part =
  /** It has one host, whatever its health. */
  | { readonly single: true; readonly host: Host; readonly priority: number }
  | { readonly single: false; readonly snapshot: SubSnapshot };

export interface DivisionRules {
  readonly selectors: readonly Selector[];
  readonly listAsAny: boolean;
  readonly localities: LocalityRules;
  /** A part of all hosts is wanted. */
  readonly any: boolean;
  /** Hosts of the default subset; `undefined` when it is not wanted. */
  readonly byDefault: Criteria | undefined;
}

/** The names of subsets that metadata stand for, by selector. */
type Names = readonly (readonly string[])[];

export class Divider {
  private readonly rules: DivisionRules;
  /** Metadata seldom change: most hosts have been looked at before. */
  private readonly known = new WeakMap<object, Names>();

  constructor(rules: DivisionRules) {
    this.rules = rules;
  }

  divide(sets: HostSets): Division {
    const { any, byDefault, localities } = this.rules;
    const division = new Division(sets, this.rules);
    if (any) division.any = new SubSnapshot(sets, localities);
    if (byDefault !== undefined) division.byDefault = new SubSnapshot(sets, localities);
    for (const { priority, hosts, excluded, localities: places } of sets.priorities) {
      const left = excluded.length === 0 ? undefined : new Set(excluded);
      for (const host of hosts) {
        for (const snapshot of division.partsOf(host, priority, this.namesOf(host))) {
          snapshot.add(host, priority, left?.has(host) === true);
        }
      }
      if (places.length < 2) continue;
      for (const [index, place] of places.entries()) {
        for (const host of place.hosts) {
          for (const snapshot of division.partsOf(host, priority, this.namesOf(host))) {
            snapshot.addTo(index, host, priority, left?.has(host) === true);
          }
        }
      }
    }
    return division;
  }

  private namesOf(host: Host): Names {
    const own = criteriaOf(host);
    if (own === undefined) return [];
    const known = this.known.get(own);
    if (known !== undefined) return known;
    const names = this.rules.selectors.map(({ keys }) => pathsOf(own, keys, this.rules.listAsAny));
    this.known.set(own, names);
    return names;
  }
}

/** The subsets of one snapshot. */
export class Division {
  /** By name. */
  readonly parts = new Map<string, Part>();
  any: SubSnapshot | undefined = undefined;
  byDefault: SubSnapshot | undefined = undefined;
  /** Hosts that a subset of one host has left out. */
  duplicates = 0;
  private readonly sets: HostSets;
  private readonly rules: DivisionRules;

  constructor(sets: HostSets, rules: DivisionRules) {
    this.sets = sets;
    this.rules = rules;
  }

  /** The parts that a host is in; those that are not there yet are made. */
  partsOf(host: Host, priority: number, names: Names): readonly SubSnapshot[] {
    const { listAsAny, byDefault } = this.rules;
    const found: SubSnapshot[] = [];
    if (this.any !== undefined) found.push(this.any);
    if (this.byDefault !== undefined && byDefault !== undefined && matches(host, byDefault, listAsAny)) {
      found.push(this.byDefault);
    }
    for (let selector = 0; selector < names.length; selector++) {
      for (const name of names[selector] as readonly string[]) {
        const snapshot = this.partOf(name, selector, host, priority);
        if (snapshot !== undefined && !found.includes(snapshot)) found.push(snapshot);
      }
    }
    return found;
  }

  private partOf(name: string, selector: number, host: Host, priority: number): SubSnapshot | undefined {
    const part = this.parts.get(name);
    if (part === undefined) {
      const single = this.rules.selectors[selector]?.singleHost === true;
      const snapshot = single ? undefined : new SubSnapshot(this.sets, this.rules.localities);
      this.parts.set(name, snapshot === undefined ? { single: true, host, priority } : { single: false, snapshot });
      return snapshot;
    }
    if (!part.single) return part.snapshot;
    if (part.host !== host && part.priority === priority) this.duplicates++;
    return undefined;
  }
}
