/** STRICT_DNS: every address of every name is a host, for as long as the name has it. */
import type { ClusterConfig, Discovery, DiscoveryContext, Endpoint } from '@mesh/core';
import type { DnsSettings } from '../dns/settings.ts';
import { endpointsOf, readTargets, type Target } from '../dns/targets.ts';
import { Updates } from '../dns/updates.ts';
import { type DnsRecord, Refresher, type RefreshResult } from '../resolver/index.ts';

/** The state of one name; all endpoints with that name share it, so it is asked for once. */
interface NameState {
  readonly refresher: Refresher;
  records: readonly DnsRecord[];
}

/** The discovery of one cluster. */
export class StrictDns implements Discovery {
  readonly #context: DiscoveryContext<ClusterConfig, unknown>;
  readonly #targets: readonly Target[];
  readonly #names = new Map<string, NameState>();
  readonly #unanswered = new Set<string>();
  readonly #updates: Updates;
  #started: (() => void) | undefined;
  #published = '';
  #closed = false;

  /** @throws MeshError `CONFIG_INVALID` when a name can never be looked up. */
  constructor(context: DiscoveryContext<ClusterConfig, unknown>, settings: DnsSettings) {
    this.#context = context;
    this.#targets = readTargets(context.config);
    this.#updates = new Updates(context);
    for (const target of this.#targets) {
      const name = nameOf(target);
      if (name === undefined || this.#names.has(name)) continue;
      this.#names.set(name, { refresher: this.#refresher(name, target, settings), records: [] });
    }
  }

  /**
   * Resolves when every name has been answered, or has failed, once; at once when the cluster does not
   * `wait_for_warm_on_init`.
   */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#started = resolve;
      for (const name of this.#names.keys()) this.#unanswered.add(name);
      this.#publishChange();
      for (const { refresher } of this.#names.values()) refresher.start();
      if (!this.#context.config.waitForWarmOnInit) resolve();
      this.#checkStarted();
    });
  }

  close(): void {
    this.#closed = true;
    for (const { refresher } of this.#names.values()) refresher.close();
    this.#unanswered.clear();
    this.#checkStarted();
  }

  #refresher(name: string, { srv }: Target, { lookup, policy }: DnsSettings): Refresher {
    const { clock, random } = this.#context;
    return new Refresher({
      name: srv ? name.slice(SERVICE.length) : name,
      srv,
      policy,
      lookup,
      clock,
      random,
      onAttempt: () => this.#updates.onAttempt(),
      onResult: (result) => this.#onResult(name, result),
    });
  }

  #onResult(name: string, result: RefreshResult): void {
    const state = this.#names.get(name) as NameState;
    this.#updates.onResult(name, result, state.records.length);
    // On a failure or an empty answer the hosts of the last good one stay: old hosts are better than none, and a name
    // that is gone by mistake must not take its service with it. (Envoy removes them when the name does not exist.)
    if (result.kind === 'answer') state.records = result.records;
    if (result.kind !== 'failure' && !this.#publishChange()) this.#updates.onNoChange();
    this.#unanswered.delete(name);
    this.#checkStarted();
  }

  #checkStarted(): void {
    if (this.#unanswered.size === 0) this.#started?.();
  }

  /** Publishes the host set if it is another than before; the order in which a server lists addresses says nothing. */
  #publishChange(): boolean {
    const endpoints = this.#endpoints();
    const key = [...endpoints.keys()].sort().join('\n');
    if (this.#closed || key === this.#published) return false;
    this.#published = key;
    this.#context.publish([...endpoints.values()]);
    return true;
  }

  /** By what tells one set of hosts from another. Of an address that is there twice, the first in the config counts. */
  #endpoints(): Map<string, Endpoint> {
    const endpoints = new Map<string, Endpoint>();
    const seen = new Set<string>();
    for (const [index, target] of this.#targets.entries()) {
      const name = nameOf(target);
      const records = name === undefined ? target.records : (this.#names.get(name) as NameState).records;
      for (const endpoint of endpointsOf(target, records)) {
        const { ip, port, weight, priority } = endpoint;
        const address = `${ip} ${port}`;
        if (seen.has(address)) continue;
        seen.add(address);
        endpoints.set(`${address} ${index} ${weight} ${priority}`, endpoint);
      }
    }
    return endpoints;
  }
}

const SERVICE = 'SRV ';

/** The question behind a target: the same name may be asked for as a host and as a service. */
function nameOf({ name, srv }: Target): string | undefined {
  return name !== undefined && srv ? SERVICE + name : name;
}
