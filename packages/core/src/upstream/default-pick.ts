/** Round robin, so that core works without `@mesh/lb`: a walk over equal hosts, smooth weighted otherwise. */
import type { RandomSource } from '../api/clock.ts';
import type { Host } from '../api/cluster.ts';
import type { LoadBalancer } from '../api/load-balancer.ts';
import type { UpstreamHost } from './host.ts';

export class RoundRobin implements LoadBalancer {
  private readonly random: RandomSource;
  private hosts: readonly UpstreamHost[] = [];
  private next = 0;
  private weighted = false;
  private total = 0;

  /** The start is random, so that many proxies do not all begin with the same host. */
  constructor(random: RandomSource) {
    this.random = random;
  }

  update(hosts: readonly Host[]): void {
    this.hosts = hosts as readonly UpstreamHost[];
    const first = this.hosts[0]?.weight ?? 1;
    this.weighted = this.hosts.some((host) => host.weight !== first);
    this.total = this.hosts.reduce((sum, host) => sum + host.weight, 0);
    this.next = Math.floor(this.random() * hosts.length);
  }

  pick(): Host | undefined {
    if (this.weighted) return this.pickWeighted();
    const hosts = this.hosts;
    if (this.next >= hosts.length) this.next = 0;
    return hosts[this.next++];
  }

  /** nginx's smooth weighted round robin: the same order each cycle, heavy hosts spread out. */
  private pickWeighted(): Host | undefined {
    let best: UpstreamHost | undefined;
    for (let i = 0; i < this.hosts.length; i++) {
      const host = this.hosts[i] as UpstreamHost;
      host.currentWeight += host.weight;
      if (best === undefined || host.currentWeight > best.currentWeight) best = host;
    }
    if (best !== undefined) best.currentWeight -= this.total;
    return best;
  }
}
