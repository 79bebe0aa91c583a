/** STRICT_DNS: every address of every name is a host, for as long as the name has it. */
import { type ClusterConfig, type Discovery, type DiscoveryContext, type Endpoint, MeshError } from '@mesh/core';
import type { DnsLookup } from './lookup.ts';
import { Refresher, type RefreshPolicy, type RefreshResult } from './refresher.ts';
import { readTargets, type Target } from './targets.ts';

/** The state of one name; all endpoints with that name share it, so it is asked for once. */
interface NameState {
  readonly refresher: Refresher;
  ips: readonly string[];
  failing: boolean;
}

/** The discovery of one cluster. */
export class StrictDns implements Discovery {
  readonly #context: DiscoveryContext<ClusterConfig>;
  readonly #targets: readonly Target[];
  readonly #names = new Map<string, NameState>();
  readonly #unanswered = new Set<string>();
  readonly #stats: ReturnType<typeof updateStats>;
  #started: (() => void) | undefined;
  #published = '';
  #closed = false;

  /** @throws MeshError `CONFIG_INVALID` when a name can never be looked up. */
  constructor(context: DiscoveryContext<ClusterConfig>, lookup: DnsLookup) {
    const { targets, problems } = readTargets(context.config);
    if (problems.length > 0) {
      throw new MeshError(
        'CONFIG_INVALID',
        problems.map((text) => `cluster ${context.clusterName}: ${text}`).join('\n'),
      );
    }
    this.#context = context;
    this.#targets = targets;
    this.#stats = updateStats(context);
    for (const { name } of targets) {
      if (name === undefined || this.#names.has(name)) continue;
      this.#names.set(name, { refresher: this.#refresher(name, lookup), ips: [], failing: false });
    }
  }

  /** Resolves when every name has been answered, or has failed, once. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#started = resolve;
      for (const name of this.#names.keys()) this.#unanswered.add(name);
      this.#publishChange();
      for (const { refresher } of this.#names.values()) refresher.start();
      this.#checkStarted();
    });
  }

  close(): void {
    this.#closed = true;
    for (const { refresher } of this.#names.values()) refresher.close();
    this.#unanswered.clear();
    this.#checkStarted();
  }

  #refresher(name: string, lookup: DnsLookup): Refresher {
    const { clock, random, config } = this.#context;
    return new Refresher({
      name,
      policy: policyOf(config),
      lookup,
      clock,
      random,
      onAttempt: () => this.#stats.attempt.inc(),
      onResult: (result) => this.#onResult(name, result),
    });
  }

  #onResult(name: string, result: RefreshResult): void {
    const state = this.#names.get(name) as NameState;
    this.#count(result);
    this.#tell(name, state, result);
    state.failing = result.kind !== 'answer';
    // On a failure or an empty answer the hosts of the last good one stay: old hosts are better than none, and a name
    // that is gone by mistake must not take its service with it. (Envoy removes them when the name does not exist.)
    if (result.kind === 'answer') state.ips = result.ips;
    if (result.kind !== 'failure' && !this.#publishChange()) this.#stats.noRebuild.inc();
    this.#unanswered.delete(name);
    this.#checkStarted();
  }

  #count(result: RefreshResult): void {
    if (result.kind === 'failure') this.#stats.failure.inc();
    else this.#stats.success.inc();
    if (result.kind === 'empty') this.#stats.empty.inc();
  }

  /** The first failure in a row and the recovery are worth a line; what lies between is detail. */
  #tell(name: string, state: NameState, result: RefreshResult): void {
    if (result.kind === 'answer') {
      if (state.failing) this.#context.log('info', `DNS name ${name} resolves again`);
      return;
    }
    const problem = result.kind === 'empty' ? 'has no addresses' : `could not be resolved: ${result.reason}`;
    const kept = state.ips.length === 0 ? '' : `; keeping its last ${state.ips.length} addresses`;
    this.#context.log(state.failing ? 'debug' : 'warning', `DNS name ${name} ${problem}${kept}`);
  }

  #checkStarted(): void {
    if (this.#unanswered.size === 0) this.#started?.();
  }

  /** Publishes the host set if it is another than before; the order in which a server lists addresses says nothing. */
  #publishChange(): boolean {
    const endpoints = this.#endpoints();
    const key = [...endpoints.keys()].sort().join(' ');
    if (this.#closed || key === this.#published) return false;
    this.#published = key;
    this.#context.publish([...endpoints.values()]);
    return true;
  }

  #endpoints(): Map<string, Endpoint> {
    const endpoints = new Map<string, Endpoint>();
    for (const { name, ips, endpoint } of this.#targets) {
      const current = name === undefined ? ips : (this.#names.get(name) as NameState).ips;
      for (const ip of current) {
        const key = `${ip} ${endpoint.port}`;
        if (!endpoints.has(key)) endpoints.set(key, { ip, ...endpoint });
      }
    }
    return endpoints;
  }
}

function policyOf(config: ClusterConfig): RefreshPolicy {
  const failure = config.dnsFailureRefreshRate;
  // Without a failure rate Envoy goes on at the normal rate; with one the ceiling is ten times its base.
  const failureBaseMs = failure?.baseIntervalMs ?? config.dnsRefreshRateMs;
  const failureMaxMs = failure === undefined ? failureBaseMs : (failure.maxIntervalMs ?? 10 * failureBaseMs);
  return {
    family: config.dnsLookupFamily,
    refreshMs: config.dnsRefreshRateMs,
    jitterMs: config.dnsJitterMs,
    failureBaseMs,
    failureMaxMs,
    respectTtl: config.respectDnsTtl,
  };
}

function updateStats({ stats }: DiscoveryContext<ClusterConfig>) {
  return {
    attempt: stats.counter('update_attempt'),
    success: stats.counter('update_success'),
    failure: stats.counter('update_failure'),
    empty: stats.counter('update_empty'),
    noRebuild: stats.counter('update_no_rebuild'),
  };
}
