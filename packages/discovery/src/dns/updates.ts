/** What a cluster tells of its lookups: counters and log lines. */
import type { ClusterConfig, DiscoveryContext } from '@mesh/core';
import type { RefreshResult } from '../resolver/index.ts';

/** Counts and logs what becomes of lookups. */
export class Updates {
  readonly #context: DiscoveryContext<ClusterConfig, unknown>;
  readonly #stats: ReturnType<typeof updateStats>;
  readonly #failing = new Set<string>();

  constructor(context: DiscoveryContext<ClusterConfig, unknown>) {
    this.#context = context;
    this.#stats = updateStats(context);
  }

  onAttempt(): void {
    this.#stats.attempt.inc();
  }

  /** `kept`: addresses that the name has had and that stay in use. */
  onResult(name: string, result: RefreshResult, kept: number): void {
    if (result.kind === 'failure') this.#stats.failure.inc();
    else this.#stats.success.inc();
    if (result.kind === 'empty') this.#stats.empty.inc();
    this.#tell(name, result, kept);
  }

  /** An answer has changed nothing. */
  onNoChange(): void {
    this.#stats.noRebuild.inc();
  }

  /** The first failure in a row and the recovery are worth a line; what lies between is detail. */
  #tell(name: string, result: RefreshResult, kept: number): void {
    const failing = this.#failing.has(name);
    if (result.kind === 'answer') {
      this.#failing.delete(name);
      if (failing) this.#context.log('info', `DNS name ${name} resolves again`);
      return;
    }
    this.#failing.add(name);
    const problem = result.kind === 'empty' ? 'has no addresses' : `could not be resolved: ${result.reason}`;
    const rest = kept === 0 ? '' : `; keeping its last ${kept} addresses`;
    this.#context.log(failing ? 'debug' : 'warning', `DNS name ${name} ${problem}${rest}`);
  }
}

function updateStats({ stats }: DiscoveryContext<ClusterConfig, unknown>) {
  return {
    attempt: stats.counter('update_attempt'),
    success: stats.counter('update_success'),
    failure: stats.counter('update_failure'),
    empty: stats.counter('update_empty'),
    noRebuild: stats.counter('update_no_rebuild'),
  };
}
