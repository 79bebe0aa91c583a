/**
 * Round robin, so that core works without `@mesh/lb`: a walk over equal hosts, smooth weighted otherwise. Of the
 * priorities it knows only the order, of places nothing.
 */
import type { RandomSource } from '../api/clock.ts';
import type { Host, HostSets } from '../api/cluster.ts';
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

  update(sets: HostSets): void {
    this.hosts = usable(sets) as readonly UpstreamHost[];
    const first = this.hosts[0]?.weight ?? 1;
    this.weighted = this.hosts.some((host) => host.weight !== first);
    this.total = this.hosts.reduce((sum, host) => sum + host.weight, 0);
    this.next = Math.floor(this.random() * this.hosts.length);
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

/** The healthy hosts of the first priority that has any, else the degraded ones, else all: old hosts are better than none. */
function usable({ priorities }: HostSets): readonly Host[] {
  for (const { healthy } of priorities) if (healthy.length > 0) return healthy;
  for (const { degraded } of priorities) if (degraded.length > 0) return degraded;
  for (const { hosts } of priorities) if (hosts.length > 0) return hosts;
  return [];
}
