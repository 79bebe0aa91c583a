/** Counts responses by status: `upstream_rq_<code>`, `upstream_rq_<N>xx` and `upstream_rq_completed`. */
import type { Counter } from './metrics.ts';
import type { Scope } from './store.ts';

/**
 * Per-code counters of one scope. A counter appears with the first response of its code, as Envoy's do; after that
 * `charge` is array look-ups and additions.
 *
 * @example
 * const codes = new ResponseCodeStats(clusterScope);            // cluster.<name>.upstream_rq_200 …
 * const external = new ResponseCodeStats(clusterScope, 'external.');
 */
export class ResponseCodeStats {
  private readonly scope: Scope;
  private readonly prefix: string;
  private readonly byCode: (Counter | undefined)[] = [];
  private readonly byClass: (Counter | undefined)[] = [];
  private completed: Counter | undefined;

  /** `prefix` stands before `upstream_rq_`: '' (the default), 'external.', 'internal.', 'canary.' or 'retry.'. */
  constructor(scope: Scope, prefix = '') {
    this.scope = scope;
    this.prefix = `${prefix}upstream_rq_`;
  }

  /** Counts one final response. A status outside 100–599 has no class and counts as completed only. */
  charge(status: number): void {
    if (this.completed === undefined) this.completed = this.scope.counter(`${this.prefix}completed`);
    this.completed.value++;
    if (status < 100 || status > 599) return;
    const code = this.byCode[status - 100] ?? this.open(this.byCode, status - 100, String(status));
    code.value++;
    const firstDigit = (status / 100) | 0;
    const group = this.byClass[firstDigit] ?? this.open(this.byClass, firstDigit, `${firstDigit}xx`);
    group.value++;
  }

  private open(counters: (Counter | undefined)[], index: number, suffix: string): Counter {
    const counter = this.scope.dynamicCounter(this.prefix + suffix);
    counters[index] = counter;
    return counter;
  }
}
