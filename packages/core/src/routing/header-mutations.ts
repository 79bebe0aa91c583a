/** Header removals and additions of one configuration level, sorted at config time into the order of their effects. */
import type { Headers } from '../api/headers.ts';
import { checkField } from '../headers/validate.ts';
import type { HeaderAdditionSettings } from './settings.ts';
import { wireText } from './text.ts';

type AppendAction = NonNullable<HeaderAdditionSettings['appendAction']>;

interface Addition {
  readonly name: string;
  readonly value: string;
  readonly action: AppendAction;
}

/** What one level does to a head: removals, then overwrites, then additions. */
export class HeaderMutations {
  readonly #removals: readonly string[];
  readonly #additions: readonly Addition[];
  readonly #conditional: boolean;

  /** @throws TypeError for a name or value that is no legal field, and for pseudo headers and `host`. */
  constructor(additions: readonly HeaderAdditionSettings[], removals: readonly string[]) {
    this.#removals = removals.map((name) => checkedName(name));
    this.#additions = overwritesFirst(additions.flatMap(compileAddition));
    this.#conditional = this.#additions.some(({ action }) => isConditional(action));
  }

  /** True when nothing is configured at this level. */
  get isEmpty(): boolean {
    return this.#removals.length === 0 && this.#additions.length === 0;
  }

  apply(headers: Headers): void {
    for (const name of this.#removals) headers.remove(name);
    // Whether a header exists is asked before this level adds any.
    const additions = this.#conditional ? this.#additions.filter((each) => applies(each, headers)) : this.#additions;
    for (const { name, value, action } of additions) {
      if (isOverwrite(action)) headers.set(name, value);
      else headers.append(name, value);
    }
  }
}

function compileAddition(settings: HeaderAdditionSettings): Addition[] {
  const value = wireText(settings.header.value);
  const name = checkedName(settings.header.key, value);
  if (value === '' && !settings.keepEmptyValue) return [];
  return [{ name, value, action: appendActionOf(settings) }];
}

function checkedName(written: string, value = ''): string {
  const name = written.toLowerCase();
  if (name.startsWith(':') || name === 'host') throw new TypeError(':-prefixed or host headers may not be modified');
  checkField(name, value);
  return name;
}

function appendActionOf(settings: HeaderAdditionSettings): AppendAction {
  if (settings.appendAction !== undefined) return settings.appendAction;
  return settings.append === false ? 'OVERWRITE_IF_EXISTS_OR_ADD' : 'APPEND_IF_EXISTS_OR_ADD';
}

function overwritesFirst(additions: readonly Addition[]): readonly Addition[] {
  return [
    ...additions.filter(({ action }) => isOverwrite(action)),
    ...additions.filter(({ action }) => !isOverwrite(action)),
  ];
}

function isOverwrite(action: AppendAction): boolean {
  return action === 'OVERWRITE_IF_EXISTS' || action === 'OVERWRITE_IF_EXISTS_OR_ADD';
}

function isConditional(action: AppendAction): boolean {
  return action === 'OVERWRITE_IF_EXISTS' || action === 'ADD_IF_ABSENT';
}

function applies({ name, action }: Addition, headers: Headers): boolean {
  return !isConditional(action) || headers.has(name) === (action === 'OVERWRITE_IF_EXISTS');
}
