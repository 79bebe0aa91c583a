/** Envoy's `ValueMatcher` and what uses it: conditions on dynamic metadata and filter state. */

import { isIP } from 'node:net';
import type { LogSubject } from '../api/access-log.ts';
import type { HttpStream } from '../api/http-stream.ts';
import { addressSet } from '../net/address-set.ts';
import { compileStringMatcher } from '../regex/text-match.ts';
import type { FilterStateMatcherSettings, MetadataMatcherSettings, ValueMatcherSettings } from './settings.ts';
import { wireText } from './text.ts';

/** A compiled condition on a value in the JSON model; `undefined` stands for no value. */
export type ValueTest = (value: unknown) => boolean;

/** Compiles a `ValueMatcher`. @throws SyntaxError for a bad regular expression. */
function compileValueMatcher(settings: ValueMatcherSettings): ValueTest {
  const { doubleMatch, stringMatch, boolMatch, presentMatch, listMatch, orMatch } = settings;
  if (settings.nullMatch !== undefined) return (value) => value === null;
  if (doubleMatch !== undefined) return numberTest(doubleMatch);
  if (stringMatch !== undefined) {
    const test = compileStringMatcher(stringMatch);
    return (value) => typeof value === 'string' && test(wireText(value));
  }
  if (boolMatch !== undefined) return (value) => value === boolMatch;
  // `present_match: false` matches nothing, as in Envoy: absence is said by `invert`.
  if (presentMatch !== undefined) return (value) => presentMatch && value !== undefined;
  if (listMatch !== undefined) {
    const test = compileValueMatcher(listMatch.oneOf);
    return (value) => Array.isArray(value) && value.some(test);
  }
  const tests = (orMatch?.valueMatchers ?? []).map(compileValueMatcher);
  return (value) => tests.some((test) => test(value));
}

function numberTest({ range, exact }: NonNullable<ValueMatcherSettings['doubleMatch']>): ValueTest {
  if (range === undefined) return (value) => value === exact;
  return (value) => typeof value === 'number' && value >= range.start && value < range.end;
}

/** A compiled condition on the stream's dynamic metadata. */
export class MetadataCondition {
  private readonly namespace: string;
  private readonly path: readonly string[];
  private readonly test: ValueTest;
  private readonly invert: boolean;

  /** @throws SyntaxError for a bad regular expression. */
  constructor(settings: MetadataMatcherSettings) {
    this.namespace = settings.filter;
    this.path = settings.path.map(({ key }) => key);
    this.test = compileValueMatcher(settings.value);
    this.invert = settings.invert;
  }

  matches(stream: LogSubject): boolean {
    return this.test(this.actual(stream)) !== this.invert;
  }

  /** The value that the condition is about; `undefined` when there is none. */
  actual(stream: LogSubject): unknown {
    let value: unknown = stream.info.metadata.get(this.namespace);
    for (const key of this.path) value = member(value, key);
    return value;
  }
}

function member(value: unknown, key: string): unknown {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key);
  return isMap ? (value as Record<string, unknown>)[key] : undefined;
}

/** A compiled condition on one object of the stream's filter state. */
export class FilterStateCondition {
  private readonly key: string;
  private readonly test: (text: string) => boolean;

  /** @throws SyntaxError for a bad regular expression. */
  constructor(settings: FilterStateMatcherSettings) {
    this.key = settings.key;
    const { stringMatch, addressMatch } = settings;
    this.test = stringMatch === undefined ? addressTest(addressMatch) : compileStringMatcher(stringMatch);
  }

  matches(stream: HttpStream): boolean {
    const value = this.actual(stream);
    return value !== undefined && this.test(wireText(String(value)));
  }

  /** The object that the condition is about; `undefined` when there is none. */
  actual(stream: HttpStream): unknown {
    return stream.info.filterState.get(this.key);
  }
}

function addressTest(settings: FilterStateMatcherSettings['addressMatch']): (text: string) => boolean {
  const inRanges = addressSet(settings?.ranges ?? []);
  const invert = settings?.invertMatch ?? false;
  return (text) => isIP(text) !== 0 && inRanges(text) !== invert;
}
