/** `envoy.load_balancing_policies.random`: any host, whatever its weight. */
import {
  defineLoadBalancer,
  type Host,
  type HostSets,
  type LoadBalancer,
  type LoadBalancerContext,
  type PickContext,
  type RandomSource,
} from '@mesh/core';
import { message } from '@mesh/core/proto';
import { type LocalityLbConfig, localityLbConfig } from '../locality/config.ts';
import { HostSources } from '../priority/host-sources.ts';
import { newSeed } from '../priority/seed.ts';

const config = message(
  { locality_lb_config: localityLbConfig },
  { name: 'envoy.extensions.load_balancing_policies.random.v3.Random' },
);

class Random implements LoadBalancer {
  private readonly sources: HostSources;
  private readonly random: RandomSource;
  /** What peeks have drawn; the picks that follow draw it again. */
  private readonly stash: number[] = [];

  constructor(locality: LocalityLbConfig | undefined, context: LoadBalancerContext) {
    this.random = context.random;
    this.sources = new HostSources(context, { locality, seed: newSeed(context.random), prepare: () => undefined });
  }

  update(sets: HostSets): void {
    this.stash.length = 0;
    this.sources.update(sets);
  }

  pick(context: PickContext): Host | undefined {
    const hosts = this.sources.choose(context)?.hosts;
    const drawn = this.stash.length > 0 ? (this.stash.shift() as number) : this.random();
    return hosts?.[Math.floor(drawn * hosts.length)];
  }

  peek(context: PickContext): Host | undefined {
    const hosts = this.sources.peek(context)?.hosts;
    if (hosts === undefined) return undefined;
    const drawn = this.random();
    this.stash.push(drawn);
    return hosts[Math.floor(drawn * hosts.length)];
  }

  close(): void {
    this.sources.close();
  }
}

/**
 * Any host, with the same chance for all: without active checks this spreads better than round robin when hosts fail.
 *
 * @example cluster('api', { …, loadBalancing: random() })
 */
export const random = defineLoadBalancer({
  name: 'envoy.load_balancing_policies.random',
  typeUrl: 'type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random',
  config,
  create: (settings, context) => new Random(settings?.localityLbConfig, context),
});
