/**
 * Envoy's URI templates: `/videos/*\/{id}/{format=**}.m3u8`. A `*` is one path segment, a `**` the rest of the path
 * (at most one, and no `*` behind it), so that a path can be matched in one walk from left to right without going back.
 */
import { wireText } from './text.ts';

/** Most variables of one template. */
const MAX_VARIABLES = 5;
const MAX_NAME = 16;

const LITERAL = /^[a-zA-Z0-9\-._~%!$&'()+,;:@=*]+$/;
const NAME = /^[a-zA-Z][a-zA-Z0-9_]*$/;

/** One step of a match. */
type Step =
  | { readonly kind: 'text'; text: string }
  /** `one` ends so many characters before the next slash or the end, `rest` so many before the end. */
  | { readonly kind: 'one'; tail: number }
  | { readonly kind: 'rest'; tail: number }
  | { readonly kind: 'open'; readonly variable: number }
  | { readonly kind: 'close'; readonly variable: number };

/** A compiled template. */
export class UriTemplate {
  /** Names of the variables in the order of their values. */
  readonly variables: readonly string[];
  /** The text that every matching path begins with. */
  readonly literalPrefix: string;
  private readonly steps: readonly Step[];

  /** @throws TypeError in Envoy's words for a template that is not valid. */
  constructor(template: string) {
    const parser = new TemplateParser(template);
    this.variables = parser.variables;
    this.steps = parser.steps;
    let prefix = '';
    for (const step of this.steps) {
      if (step.kind === 'one' || step.kind === 'rest') break;
      if (step.kind === 'text') prefix += step.text;
    }
    this.literalPrefix = prefix;
  }

  /** Whether the first `end` characters of `target` fit. */
  matches(target: string, end: number): boolean {
    return this.walk(target, end, undefined);
  }

  /** The values of the variables, as they are written in the path; `undefined` when it does not fit. */
  capture(target: string, end: number): readonly string[] | undefined {
    const values: string[] = [];
    return this.walk(target, end, values) ? values : undefined;
  }

  private walk(target: string, end: number, values: string[] | undefined): boolean {
    let at = 0;
    let opened = 0;
    for (const step of this.steps) {
      if (step.kind === 'text') {
        if (at + step.text.length > end || !target.startsWith(step.text, at)) return false;
        at += step.text.length;
      } else if (step.kind === 'open') {
        opened = at;
      } else if (step.kind === 'close') {
        if (values !== undefined) values[step.variable] = target.slice(opened, at);
      } else {
        const rest = step.kind === 'rest';
        const stop = (rest ? end : nextSlash(target, at, end)) - step.tail;
        if (stop < at || (stop === at && !rest) || !allowed(target, at, stop, rest)) return false;
        at = stop;
      }
    }
    return at === end;
  }
}

/** Whether a text may stand in a template outside its variables (and, with `slashes`, in a rewrite). */
export function isTemplateLiteral(text: string, slashes = false): boolean {
  return LITERAL.test(slashes ? text.replaceAll('/', '') || '-' : text);
}

function nextSlash(target: string, from: number, end: number): number {
  const slash = target.indexOf('/', from);
  return slash < 0 || slash > end ? end : slash;
}

function allowed(target: string, from: number, end: number, slashes: boolean): boolean {
  for (let i = from; i < end; i++) {
    const code = target.charCodeAt(i);
    if (ALLOWED[code] !== 1 && !(slashes && code === 47)) return false;
  }
  return true;
}

const ALLOWED = Uint8Array.from({ length: 128 }, (_, code) => (LITERAL.test(String.fromCharCode(code)) ? 1 : 0));

class TemplateParser {
  readonly steps: Step[] = [];
  readonly variables: string[] = [];
  private rest: string;
  private seenRest = false;

  constructor(template: string) {
    this.rest = wireText(template);
    if (!/^\/[!-~]*$/.test(this.rest)) throw new TypeError(`Invalid pattern: "${template}"`);
    // Each turn takes a slash and the segment behind it.
    do {
      this.text('/');
      this.rest = this.rest.slice(1);
      if (this.rest === '') break;
      this.segment();
    } while (this.rest !== '');
    this.checkVariables();
    this.setTails();
  }

  private segment(): void {
    if (this.rest.startsWith('*')) this.operatorSegment();
    else if (this.rest.startsWith('{') || /^[^/]*\{[^/]*\}/.test(this.rest)) this.mixedSegment();
    else this.literal('Invalid literal');
  }

  /** A wildcard, and at the end of the template a suffix. */
  private operatorSegment(): void {
    this.operator();
    if (this.rest === '' || this.rest.startsWith('/')) return;
    this.literal('Invalid literal');
    if (this.rest !== '') throw new TypeError('Prefix match not supported.');
  }

  /** A variable, perhaps with literals around it. */
  private mixedSegment(): void {
    const open = this.rest.indexOf('{');
    const close = this.rest.indexOf('}');
    if (close < 0) throw new TypeError(`Unmatched variable bracket in mixed pattern: "${this.rest}"`);
    const prefix = this.rest.slice(0, open);
    if (open > 0) this.checkedText(prefix, 'Invalid literal');
    const after = this.rest.slice(close + 1);
    this.variable(this.rest.slice(open + 1, close));
    this.rest = after;
    if (after !== '' && !after.startsWith('/')) this.literal('Invalid suffix literal');
  }

  /** Text up to the next slash. */
  private literal(problem: string): void {
    const slash = this.rest.indexOf('/');
    const text = slash < 0 ? this.rest : this.rest.slice(0, slash);
    this.checkedText(text, problem);
    this.rest = this.rest.slice(text.length);
  }

  private checkedText(text: string, problem: string): void {
    if (!LITERAL.test(text)) throw new TypeError(`${problem}: "${text}"`);
    // Envoy 1.40 takes it, and then as a repetition of the character before it.
    if (text.includes('*')) throw new TypeError(`a "*" inside of a literal is not supported: "${text}"`);
    this.text(text);
  }

  private operator(): void {
    const kind = this.rest.startsWith('**') ? 'rest' : 'one';
    this.rest = this.rest.slice(kind === 'rest' ? 2 : 1);
    this.wildcard(kind, 'Glob after text glob.');
  }

  private wildcard(kind: 'one' | 'rest', problem: string): void {
    if (this.seenRest) throw new TypeError(problem);
    this.seenRest = kind === 'rest';
    this.steps.push({ kind, tail: 0 });
  }

  private variable(inside: string): void {
    const equals = inside.indexOf('=');
    const name = equals < 0 ? inside : inside.slice(0, equals);
    if (!NAME.test(name)) throw new TypeError(`Invalid variable name: "${name}"`);
    const variable = this.variables.push(name) - 1;
    this.steps.push({ kind: 'open', variable });
    if (equals < 0) this.wildcard('one', 'Implicit variable path glob after text glob.');
    else this.variablePattern(inside.slice(equals + 1));
    this.steps.push({ kind: 'close', variable });
  }

  private variablePattern(pattern: string): void {
    if (pattern === '') throw new TypeError('Empty variable match');
    this.rest = pattern;
    for (;;) {
      if (this.rest.startsWith('*')) this.operator();
      else this.literal('Invalid literal');
      if (this.rest === '') return;
      if (!this.rest.startsWith('/') || this.rest === '/')
        throw new TypeError(`Invalid variable match: "${this.rest}"`);
      this.text('/');
      this.rest = this.rest.slice(1);
    }
  }

  private text(text: string): void {
    const last = this.steps.at(-1);
    if (last?.kind === 'text') last.text += text;
    else this.steps.push({ kind: 'text', text });
  }

  private checkVariables(): void {
    const { variables } = this;
    if (variables.length > MAX_VARIABLES) throw new TypeError(`Exceeded variable count limit (${MAX_VARIABLES})`);
    for (const [index, name] of variables.entries()) {
      if (name.length > MAX_NAME) {
        const bounds = `should be at least 1 and no more than ${MAX_NAME}`;
        throw new TypeError(`Invalid variable name length (length of "${name}" ${bounds})`);
      }
      if (variables.indexOf(name) < index) throw new TypeError(`Repeated variable name: "${name}"`);
    }
  }

  /** What stands behind a wildcard up to where it ends is literal: its length says how much to leave. */
  private setTails(): void {
    for (const [index, step] of this.steps.entries()) {
      if (step.kind !== 'one' && step.kind !== 'rest') continue;
      const behind = this.steps.slice(index + 1).map((each) => (each.kind === 'text' ? each.text : wildcardText(each)));
      const text = behind.join('');
      step.tail = step.kind === 'rest' ? text.length : text.replace(/\/.*$/s, '').length;
    }
  }
}

/** A wildcard is only reached behind a slash, where nobody looks any more. */
function wildcardText(step: Step): string {
  return step.kind === 'one' || step.kind === 'rest' ? '/' : '';
}
