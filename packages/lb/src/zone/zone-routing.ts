/**
 * Zone-aware routing: requests stay in the proxy's own locality as far as that is fair to its hosts, and the rest goes where
 * there is room. It knows the first priority only.
 */
import {
  isInPanic,
  type LoadBalancerContext,
  type LocalCluster,
  type PriorityHosts,
  panicThreshold,
  type RuntimeFraction,
} from '@mesh/core';
import type { ZoneAwareLbConfig } from '../locality/config.ts';
import type { LbStats } from '../priority/lb-stats.ts';
import { keptShare, type LocalityBasis, residualCapacity, zoneShares } from './zone-shares.ts';

const ENABLED_KEY = 'upstream.zone_routing.enabled';
const MIN_CLUSTER_SIZE_KEY = 'upstream.zone_routing.min_cluster_size';
const FORCE_MIN_SIZE_KEY = 'upstream.zone_routing.force_local_zone.min_size';

/** Places do not matter for this request. */
export const ANYWHERE = -1;
/** The request must fail (`fail_traffic_on_panic`). */
export const NOWHERE = -2;

export class ZoneRouting {
  /** False while places do not matter at all. */
  active = false;
  private readonly context: LoadBalancerContext;
  private readonly local: LocalCluster;
  private readonly stats: LbStats;
  private readonly enabled: RuntimeFraction;
  private readonly minClusterSize: number;
  private readonly failOnPanic: boolean;
  /** Healthy hosts from which on the own locality takes everything; 0 is never. */
  private readonly forceMinSize: number;
  private readonly basis: LocalityBasis;
  private direct = false;
  private localPanics = false;
  private kept = 0;
  private residual: readonly number[] = [];

  constructor(
    context: LoadBalancerContext,
    local: LocalCluster,
    config: ZoneAwareLbConfig | undefined,
    stats: LbStats,
  ) {
    this.context = context;
    this.local = local;
    this.stats = stats;
    const numerator = Math.round(config?.routingEnabled.value ?? 100);
    this.enabled = { numerator, denominator: 100, runtimeKey: ENABLED_KEY };
    this.minClusterSize = config?.minClusterSize ?? 6;
    this.failOnPanic = config?.failTrafficOnPanic ?? false;
    const configured = config?.forceLocalZone?.minSize ?? (config?.forceLocalityDirectRouting ? 1 : 0);
    this.forceMinSize = context.runtime.integer(FORCE_MIN_SIZE_KEY, 0) || configured;
    this.basis = config?.localityBasis ?? 'HEALTHY_HOSTS_NUM';
  }

  /** Thinks anew: hosts of the first priority, or of the local cluster, have changed. */
  recalculate(upstream: PriorityHosts): void {
    this.stats.recalculateZoneStructures.inc();
    const [local] = this.local.sets().priorities;
    this.active = local !== undefined && this.applies(local, upstream);
    if (local === undefined || !this.active) return;
    const { runtime, healthyPanicThreshold } = this.context;
    this.localPanics = isInPanic(local, panicThreshold(runtime, healthyPanicThreshold));
    const shares = zoneShares(local, upstream, this.basis);
    const own = shares.upstream[0] as number;
    const fits = own > 0 && own >= (shares.local[0] as number);
    this.direct = upstream.hasLocal && (fits || this.forced(upstream));
    this.kept = upstream.hasLocal ? keptShare(shares) : 0;
    this.residual = residualCapacity(shares, upstream.hasLocal);
  }

  private forced({ localities }: PriorityHosts): boolean {
    return this.forceMinSize > 0 && (localities[0]?.healthy.length ?? 0) >= this.forceMinSize;
  }

  private applies(local: PriorityHosts, upstream: PriorityHosts): boolean {
    if (upstream.localities.length < 2) return false;
    if (local.localities.length < 2 && this.forceMinSize === 0) return false;
    if (!local.hasLocal) {
      this.stats.localClusterNotOk.inc();
      return false;
    }
    if (upstream.healthy.length >= this.context.runtime.integer(MIN_CLUSTER_SIZE_KEY, this.minClusterSize)) return true;
    this.stats.zoneClusterTooSmall.inc();
    return false;
  }

  /** The index of the upstream locality for a request, or {@link ANYWHERE}, or {@link NOWHERE}. Only while active. */
  choose(): number {
    const { context, stats } = this;
    if (!context.runtime.enabled(this.enabled, Math.floor(context.random() * 100))) return ANYWHERE;
    if (this.localPanics) {
      stats.localClusterNotOk.inc();
      return this.failOnPanic ? NOWHERE : ANYWHERE;
    }
    if (this.direct) {
      stats.zoneAllDirectly.inc();
      return 0;
    }
    if (context.random() * 10_000 < this.kept) {
      stats.zoneSampled.inc();
      return 0;
    }
    stats.zoneCrossZone.inc();
    return this.elsewhere();
  }

  private elsewhere(): number {
    const { residual } = this;
    const capacity = residual[residual.length - 1] as number;
    if (capacity === 0) {
      // Rounding has left no room anywhere.
      this.stats.zoneNoCapacityLeft.inc();
      return Math.floor(this.context.random() * residual.length);
    }
    const drawn = this.context.random() * capacity;
    let index = 0;
    while (drawn >= (residual[index] as number)) index++;
    return index;
  }
}
