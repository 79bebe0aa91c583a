/**
 * LOGICAL_DNS: all addresses of a name are one host. New connections go to the first address of the last answer, or to
 * the next ones when it does not accept them; connections to former addresses go on for as long as both ends like.
 */
import { type ClusterConfig, type Discovery, type DiscoveryContext, MeshError } from '@mesh/core';
import type { DnsSettings } from '../dns/settings.ts';
import { readTargets, type Target } from '../dns/targets.ts';
import { Updates } from '../dns/updates.ts';
import { type DnsRecord, Refresher, type RefreshResult } from '../resolver/index.ts';

/** The discovery of one cluster. */
export class LogicalDns implements Discovery {
  readonly #context: DiscoveryContext<ClusterConfig, unknown>;
  readonly #target: Target;
  readonly #refresher: Refresher | undefined;
  readonly #updates: Updates;
  #started: (() => void) | undefined;
  #published = '';
  #addresses = 0;

  /** @throws MeshError `CONFIG_INVALID` when there is not exactly one endpoint, or its name can never be looked up. */
  constructor(context: DiscoveryContext<ClusterConfig, unknown>, settings: DnsSettings) {
    this.#context = context;
    this.#target = onlyTarget(context.config);
    this.#updates = new Updates(context);
    const { name, srv } = this.#target;
    if (name !== undefined) this.#refresher = this.#makeRefresher(name, srv, settings);
  }

  /** Resolves after the first answer, good or bad; at once when the cluster does not `wait_for_warm_on_init`. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.#started = resolve;
      if (this.#refresher === undefined) this.#publishChange(this.#target.records);
      else this.#refresher.start();
      if (this.#refresher === undefined || !this.#context.config.waitForWarmOnInit) resolve();
    });
  }

  close(): void {
    this.#refresher?.close();
    this.#started?.();
  }

  #makeRefresher(name: string, srv: boolean, { lookup, policy }: DnsSettings): Refresher {
    const { clock, random } = this.#context;
    return new Refresher({
      name,
      srv,
      // As in Envoy: one host cannot become none, so nothing is as good as no answer.
      policy: { ...policy, emptyFails: true },
      lookup,
      clock,
      random,
      onAttempt: () => this.#updates.onAttempt(),
      onResult: (result) => this.#onResult(name, result),
    });
  }

  #onResult(name: string, result: RefreshResult): void {
    const outcome = result.kind === 'empty' ? ({ kind: 'failure', reason: 'it has no addresses' } as const) : result;
    this.#updates.onResult(name, outcome, this.#addresses);
    if (result.kind === 'answer' && !this.#publishChange(result.records)) this.#updates.onNoChange();
    this.#started?.();
  }

  /** The order counts here: the first address is the one that is used. */
  #publishChange(records: readonly DnsRecord[]): boolean {
    const { endpoint, name } = this.#target;
    const addresses = records.map(({ address, port = endpoint.port }) => ({ ip: address, port }));
    const [first, ...others] = addresses;
    const key = addresses.map(({ ip, port }) => `${ip} ${port}`).join('\n');
    if (first === undefined || key === this.#published) return false;
    this.#published = key;
    this.#addresses = addresses.length;
    const additionalAddresses = name === undefined ? endpoint.additionalAddresses : others;
    this.#context.publish([
      // Zone-aware routing knows the first priority only, and one host has no use for another.
      { ...endpoint, ...first, additionalAddresses, priority: 0, key: `logical ${this.#context.clusterName}` },
    ]);
    return true;
  }
}

function onlyTarget(config: ClusterConfig): Target {
  const groups = config.loadAssignment?.endpoints ?? [];
  const [target] = readTargets(config);
  if (target !== undefined && groups.length === 1 && groups[0]?.lbEndpoints.length === 1) return target;
  const message = 'LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint';
  throw new MeshError('CONFIG_INVALID', `cluster ${config.name}: ${message}`);
}
