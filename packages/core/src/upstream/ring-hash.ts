/** Consistent hashing over a ring of the hosts (Envoy `RING_HASH`): equal hashes meet the same host while it is there. */
import type { RandomSource } from '../api/clock.ts';
import type { Host, HostSets } from '../api/cluster.ts';
import type { LoadBalancer, PickContext } from '../api/load-balancer.ts';
import { wireText } from '../regex/wire-text.ts';
import type { RingHashStats } from '../stats/index.ts';
import { Ring, type RingMember } from './ring.ts';
import type { RingHashSettings } from './settings.ts';

const HALF = 0x1_0000_0000;

export class RingHash implements LoadBalancer {
  private readonly settings: RingHashSettings;
  private readonly random: RandomSource;
  private readonly stats: RingHashStats;
  private hosts: readonly Host[] = [];
  private members: ReadonlyMap<Host, RingMember> = new Map();
  private ring: Ring | undefined = undefined;
  /** Where the last first choice was found: reselections go on from there. */
  private place = 0;

  constructor(settings: RingHashSettings, random: RandomSource, stats: RingHashStats) {
    this.settings = settings;
    this.random = random;
    this.stats = stats;
  }

  /** Discoveries repeat themselves: only a set that hashes differently makes a new ring. */
  update(sets: HostSets): void {
    const hosts = sets.priorities[0]?.healthy ?? [];
    const members = new Map(hosts.map((host) => [host, { key: this.keyOf(host), weight: host.weight }]));
    if (hosts.length > 0 && hasSame(this.members, members)) return;
    this.members = members;
    this.hosts = [...members.keys()];
    this.ring = hosts.length === 0 ? undefined : new Ring([...members.values()], this.settings);
    if (this.ring === undefined) return;
    this.stats.size.set(this.ring.size);
    this.stats.min_hashes_per_host.set(this.ring.fewest);
    this.stats.max_hashes_per_host.set(this.ring.most);
  }

  pick(context: PickContext, reselection: number): Host | undefined {
    const { ring } = this;
    if (ring === undefined || ring.places === 0) return undefined;
    if (reselection === 0) this.place = this.find(ring, context.hash?.());
    return this.hosts[ring.memberAt((this.place + reselection) % ring.places)];
  }

  private find(ring: Ring, hash: bigint | undefined): number {
    if (hash === undefined) return ring.find(Math.floor(this.random() * HALF), 0);
    return ring.find(Number(hash >> 32n), Number(hash & 0xffff_ffffn));
  }

  /** `envoy.lb: {hash_key: …}` of the endpoint, else its name or address. */
  private keyOf(host: Host): string {
    const own = host.metadata?.['envoy.lb'];
    const given = typeof own === 'object' && own !== null && 'hash_key' in own ? own.hash_key : undefined;
    const key = typeof given === 'string' ? given : '';
    if (key !== '') return wireText(key);
    return wireText(this.settings.useHostnameForHashing ? host.hostname : host.address);
  }
}

/** Whether the same hosts have the same keys and weights, whatever their order. */
function hasSame(before: ReadonlyMap<Host, RingMember>, now: ReadonlyMap<Host, RingMember>): boolean {
  if (before.size !== now.size) return false;
  for (const [host, { key, weight }] of now) {
    const old = before.get(host);
    if (old === undefined || old.key !== key || old.weight !== weight) return false;
  }
  return true;
}
