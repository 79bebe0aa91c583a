/** The selectors of a config: by which keys hosts are divided, and what is done when a request meets no subset. */
import type { SelectorConfig } from './config.ts';
import { type Criteria, narrowed } from './criteria.ts';

export interface Selector {
  /** Sorted, each once. */
  readonly keys: readonly string[];
  readonly singleHost: boolean;
}

/** What a selector says for requests that ask for its keys. */
export interface SelectorFallback {
  readonly policy: SelectorConfig['fallbackPolicy'];
  readonly keys: ReadonlySet<string>;
}

const UNDEFINED: SelectorFallback = { policy: 'NOT_DEFINED', keys: new Set() };

export class Selectors {
  readonly all: readonly Selector[];
  private readonly fallbacks = new Map<string, SelectorFallback>();

  /** With `longestFirst` as many keys as possible are asked for (`allow_redundant_keys`); else the order is as given. */
  constructor(configs: readonly SelectorConfig[], longestFirst: boolean) {
    const sorted = configs.map((config) => ({ config, keys: [...new Set(config.keys)].sort() }));
    if (longestFirst) sorted.sort((one, other) => other.keys.length - one.keys.length);
    this.all = sorted.map(({ config, keys }) => {
      this.note(keys, { policy: config.fallbackPolicy, keys: new Set(config.fallbackKeysSubset) });
      return { keys, singleHost: config.singleHostPerSubset };
    });
  }

  /** As in Envoy: keys that an earlier selector begins with have no fallback of their own any more. */
  private note(keys: readonly string[], fallback: SelectorFallback): void {
    for (let count = 1; count <= keys.length; count++) {
      const name = JSON.stringify(keys.slice(0, count));
      if (!this.fallbacks.has(name)) this.fallbacks.set(name, count === keys.length ? fallback : UNDEFINED);
    }
  }

  /** What to do with a request that asks for exactly these keys. */
  fallbackOf(criteria: Criteria): SelectorFallback {
    return this.fallbacks.get(JSON.stringify(Object.keys(criteria).sort())) ?? UNDEFINED;
  }

  /** The criteria that the first selector knows of which a request has all keys; everything when there is none. */
  withoutRedundant(criteria: Criteria): Criteria {
    const selector = this.all.find(({ keys }) => keys.every((key) => Object.hasOwn(criteria, key)));
    return selector === undefined ? criteria : narrowed(criteria, new Set(selector.keys));
  }
}
