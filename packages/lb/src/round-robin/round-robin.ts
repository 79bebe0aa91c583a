/** Hosts in turn; by weight where weights differ or hosts are starting slowly. */
import type { Host, HostSets, LoadBalancer, LoadBalancerContext, PickContext } from '@mesh/core';
import { sameWeights, scheduleSource } from '../edf/schedule-source.ts';
import type { LocalityLbConfig } from '../locality/config.ts';
import { HostSources } from '../priority/host-sources.ts';
import { newSeed } from '../priority/seed.ts';
import type { SlowStartConfig } from '../slow-start/config.ts';
import { SlowStart } from '../slow-start/slow-start.ts';

/** Settings of round robin. Parsed configs fit. */
export interface RoundRobinSettings {
  readonly localityLbConfig?: LocalityLbConfig | undefined;
  readonly slowStartConfig?: SlowStartConfig | undefined;
}

export class RoundRobin implements LoadBalancer {
  private readonly sources: HostSources;
  private readonly slowStart: SlowStart | undefined;
  private readonly baseWeight: (host: Host) => number;

  /** `baseWeight` is the weight of a host before slow start. Default its own. */
  constructor(settings: RoundRobinSettings, context: LoadBalancerContext, baseWeight = ownWeight) {
    this.slowStart = SlowStart.of(settings.slowStartConfig, context);
    this.baseWeight = baseWeight;
    const weight = this.weightFunction();
    this.sources = new HostSources(context, {
      locality: settings.localityLbConfig,
      seed: newSeed(context.random),
      prepare: (source) => {
        this.slowStart?.note(source.hosts);
        const equal = sameWeights(source.hosts, baseWeight) && (this.slowStart?.over ?? true);
        if (!equal) scheduleSource(source, weight);
      },
    });
  }

  private weightFunction(): (host: Host) => number {
    const { slowStart, baseWeight } = this;
    if (slowStart === undefined) return baseWeight;
    return (host) => (slowStart.over ? baseWeight(host) : baseWeight(host) * slowStart.factor(host));
  }

  update(sets: HostSets): void {
    this.sources.update(sets);
  }

  /** The weights that `baseWeight` tells have changed. */
  reweigh(): void {
    this.sources.prepareAgain();
  }

  pick(context: PickContext): Host | undefined {
    return this.sources.choose(context)?.next();
  }

  peek(context: PickContext): Host | undefined {
    return this.sources.peek(context)?.peek();
  }

  close(): void {
    this.sources.close();
  }
}

function ownWeight({ weight }: Host): number {
  return weight;
}
