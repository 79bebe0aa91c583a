/** Where this proxy differs from Envoy on purpose, or does not do yet what a scenario asks for. */
import { readFileSync } from 'node:fs';
import type { Difference } from './compare.ts';

/** A difference that is meant. */
interface Meant {
  readonly scenario: string;
  /** A field as `compare` names it, or the beginning of one. */
  readonly field: string;
  readonly reason: string;
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as T;
}

const meant = read<readonly Meant[]>('differences.json');
const pending = read<Readonly<Record<string, string>>>('pending.json');

/** Why a scenario's configuration is still refused; `undefined` when it must be accepted. */
export function pendingReason(scenario: string): string | undefined {
  return pending[scenario];
}

/** The differences that are on no list, and entries of the list that no difference needs any more. */
export function surprises(scenario: string, found: readonly Difference[]): unknown[] {
  const listed = meant.filter((each) => each.scenario === scenario);
  const needed = new Set<Meant>();
  const left = found.filter(({ field }) => {
    const entry = listed.find((each) => field.startsWith(each.field));
    if (entry !== undefined) needed.add(entry);
    return entry === undefined;
  });
  return [...left, ...listed.filter((each) => !needed.has(each)).map((each) => ({ ...each, noLongerDiffers: true }))];
}
