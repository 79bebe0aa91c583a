/**
 * Envoy's tap matcher. What a request is like becomes known bit by bit; each rule holds or not with what is known so
 * far, and may still change its mind or not. As in Envoy a rule about trailers that never come does not hold, so that
 * its negation does.
 */
import { HeaderCondition, type Headers } from '@mesh/core';
import type { TapBodySettings, TapHeadersSettings, TapMatchSettings } from '@mesh/core/proto';
import { BodyPatterns, BodySearch } from './body-search.ts';

/** What can become known. */
export type Moment =
  | 'start'
  | 'requestHeaders'
  | 'requestBody'
  | 'requestTrailers'
  | 'responseHeaders'
  | 'responseBody'
  | 'responseTrailers';

/** One request's standing, by the index of the rule. */
class Standing {
  readonly holds: boolean[] = [];
  readonly open: boolean[] = [];
  readonly searches: (BodySearch | undefined)[] = [];
}

/** A rule. `see` is not called again once the rule is settled. */
abstract class Rule {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }

  see(moment: Moment, part: unknown, standing: Standing): void {
    if (standing.open[this.index] === true) this.judge(moment, part, standing);
  }

  protected abstract judge(moment: Moment, part: unknown, standing: Standing): void;
}

class AnyRule extends Rule {
  protected judge(_moment: Moment, _part: unknown, { holds, open }: Standing): void {
    holds[this.index] = true;
    open[this.index] = false;
  }
}

class HeadersRule extends Rule {
  private readonly moment: Moment;
  private readonly conditions: readonly HeaderCondition[];

  constructor(index: number, moment: Moment, { headers }: TapHeadersSettings) {
    super(index);
    this.moment = moment;
    this.conditions = headers.map((settings) => new HeaderCondition(settings));
  }

  protected judge(moment: Moment, part: unknown, { holds, open }: Standing): void {
    if (moment !== this.moment) return;
    holds[this.index] = this.conditions.every((condition) => condition.matches(part as Headers));
    open[this.index] = false;
  }
}

class BodyRule extends Rule {
  private readonly moment: Moment;
  private readonly patterns: BodyPatterns;

  constructor(index: number, moment: Moment, settings: TapBodySettings) {
    super(index);
    this.moment = moment;
    this.patterns = new BodyPatterns(settings);
  }

  protected judge(moment: Moment, part: unknown, { holds, open, searches }: Standing): void {
    if (moment !== this.moment) return;
    const search = searches[this.index] ?? new BodySearch(this.patterns);
    searches[this.index] = search;
    search.add(part as Uint8Array);
    holds[this.index] = search.found;
    open[this.index] = !search.settled;
  }
}

class SetRule extends Rule {
  private readonly all: boolean;
  private readonly rules: readonly Rule[];

  constructor(index: number, all: boolean, rules: readonly Rule[]) {
    super(index);
    this.all = all;
    this.rules = rules;
  }

  protected judge(moment: Moment, part: unknown, standing: Standing): void {
    const { holds, open } = standing;
    for (const rule of this.rules) rule.see(moment, part, standing);
    const held = ({ index }: Rule): boolean => holds[index] === true;
    holds[this.index] = this.all ? this.rules.every(held) : this.rules.some(held);
    open[this.index] = this.rules.some(({ index }) => open[index] === true);
  }
}

class NotRule extends Rule {
  private readonly rule: Rule;

  constructor(index: number, rule: Rule) {
    super(index);
    this.rule = rule;
  }

  protected judge(moment: Moment, part: unknown, standing: Standing): void {
    this.rule.see(moment, part, standing);
    standing.holds[this.index] = standing.holds[this.rule.index] !== true;
    standing.open[this.index] = standing.open[this.rule.index] === true;
  }
}

/** A compiled `MatchPredicate`. */
export class TapMatcher {
  private readonly root: Rule;
  private rules = 0;

  /** @throws SyntaxError for a bad regular expression. */
  constructor(settings: TapMatchSettings) {
    this.root = this.compile(settings);
  }

  /** What one request comes to. */
  newMatch(): TapMatch {
    return new TapMatch(this.root, this.rules);
  }

  private compile(settings: TapMatchSettings): Rule {
    const index = this.rules++;
    const { andMatch, orMatch, notMatch } = settings;
    if (andMatch !== undefined)
      return new SetRule(
        index,
        true,
        andMatch.rules.map((rule) => this.compile(rule)),
      );
    if (orMatch !== undefined)
      return new SetRule(
        index,
        false,
        orMatch.rules.map((rule) => this.compile(rule)),
      );
    if (notMatch !== undefined) return new NotRule(index, this.compile(notMatch));
    for (const [key, moment] of HEADER_RULES) {
      const found = settings[key];
      if (found !== undefined) return new HeadersRule(index, moment, found);
    }
    for (const [key, moment] of BODY_RULES) {
      const found = settings[key];
      if (found !== undefined) return new BodyRule(index, moment, found);
    }
    return new AnyRule(index);
  }
}

const HEADER_RULES = [
  ['httpRequestHeadersMatch', 'requestHeaders'],
  ['httpRequestTrailersMatch', 'requestTrailers'],
  ['httpResponseHeadersMatch', 'responseHeaders'],
  ['httpResponseTrailersMatch', 'responseTrailers'],
] as const;

const BODY_RULES = [
  ['httpRequestGenericBodyMatch', 'requestBody'],
  ['httpResponseGenericBodyMatch', 'responseBody'],
] as const;

/** Whether one request matches, as far as is known. */
export class TapMatch {
  private readonly root: Rule;
  private readonly standing = new Standing();

  constructor(root: Rule, rules: number) {
    this.root = root;
    for (let index = 0; index < rules; index++) this.standing.open.push(true);
    this.see('start', undefined);
  }

  get holds(): boolean {
    return this.standing.holds[this.root.index] === true;
  }

  /** What is still to come may make a difference. */
  get open(): boolean {
    return this.standing.open[this.root.index] === true;
  }

  /** `part` is what the moment brings: headers, trailers, or a piece of a body. */
  see(moment: Moment, part: unknown): void {
    this.root.see(moment, part, this.standing);
  }
}
