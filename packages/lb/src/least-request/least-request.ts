/** The host with the fewest requests under way: of a few drawn ones, of all, or by weights that requests lower. */
import type { Host, HostSets, LoadBalancer, LoadBalancerContext, PickContext, RandomSource } from '@mesh/core';
import { sameWeights, scheduleSource } from '../edf/schedule-source.ts';
import type { LocalityLbConfig } from '../locality/config.ts';
import { HostSources } from '../priority/host-sources.ts';
import { newSeed } from '../priority/seed.ts';
import type { RuntimeDouble, SlowStartConfig } from '../slow-start/config.ts';
import { runtimeValue, SlowStart } from '../slow-start/slow-start.ts';

/** Settings of least request. Parsed configs fit. */
export interface LeastRequestSettings {
  /** Hosts that are drawn, with replacement. */
  readonly choiceCount: number;
  readonly selectionMethod: 'N_CHOICES' | 'FULL_SCAN';
  /** How strongly requests under way lower the weight of a host, where weights differ. Default 1. */
  readonly activeRequestBias?: RuntimeDouble | undefined;
  readonly slowStartConfig?: SlowStartConfig | undefined;
  readonly localityLbConfig?: LocalityLbConfig | undefined;
}

export class LeastRequest implements LoadBalancer {
  private readonly settings: LeastRequestSettings;
  private readonly context: LoadBalancerContext;
  private readonly random: RandomSource;
  private readonly choices: number;
  private readonly scansAll: boolean;
  private readonly slowStart: SlowStart | undefined;
  private readonly sources: HostSources;
  /** Read from the runtime with every update. */
  private bias = 1;

  constructor(settings: LeastRequestSettings, context: LoadBalancerContext) {
    this.settings = settings;
    this.context = context;
    this.random = context.random;
    this.choices = settings.choiceCount;
    this.scansAll = settings.selectionMethod === 'FULL_SCAN';
    this.slowStart = SlowStart.of(settings.slowStartConfig, context);
    const weight = (host: Host) => this.weightOf(host);
    this.sources = new HostSources(context, {
      locality: settings.localityLbConfig,
      seed: newSeed(context.random),
      prepare: (source) => {
        this.slowStart?.note(source.hosts);
        const equal = sameWeights(source.hosts, ownWeight) && (this.slowStart?.over ?? true);
        if (!equal) scheduleSource(source, weight);
      },
    });
  }

  update(sets: HostSets): void {
    const { activeRequestBias } = this.settings;
    const bias = activeRequestBias === undefined ? 1 : runtimeValue(activeRequestBias, this.context.runtime);
    this.bias = bias >= 0 ? bias : 1;
    this.sources.update(sets);
  }

  pick(context: PickContext): Host | undefined {
    const source = this.sources.choose(context);
    if (source === undefined) return undefined;
    if (source.schedule !== undefined) return source.next();
    return this.scansAll ? this.ofAll(source.hosts) : this.ofSome(source.hosts);
  }

  /** Without weights nobody can tell who will have the fewest requests. */
  peek(context: PickContext): Host | undefined {
    const source = this.sources.peek(context);
    return source?.schedule === undefined ? undefined : source.peek();
  }

  close(): void {
    this.sources.close();
  }

  private ofSome(hosts: readonly Host[]): Host | undefined {
    const { length } = hosts;
    let best: Host | undefined;
    for (let i = 0; i < this.choices; i++) {
      const drawn = hosts[Math.floor(this.random() * length)];
      if (best === undefined || (drawn !== undefined && drawn.stats.rqActive < best.stats.rqActive)) best = drawn;
    }
    return best;
  }

  /** Ties are settled by lot, each with the same chance. */
  private ofAll(hosts: readonly Host[]): Host | undefined {
    let best: Host | undefined = hosts[0];
    let tied = 1;
    for (let i = 1; i < hosts.length && best !== undefined; i++) {
      const host = hosts[i] as Host;
      const difference = host.stats.rqActive - best.stats.rqActive;
      if (difference > 0) continue;
      tied = difference < 0 ? 1 : tied + 1;
      if (difference < 0 || this.random() * tied < 1) best = host;
    }
    return best;
  }

  private weightOf(host: Host): number {
    const { slowStart, bias } = this;
    const busy = host.stats.rqActive + 1;
    const weight = bias === 1 ? host.weight / busy : bias === 0 ? host.weight : host.weight / busy ** bias;
    return slowStart === undefined || slowStart.over ? weight : weight * slowStart.factor(host);
  }
}

function ownWeight({ weight }: Host): number {
  return weight;
}
