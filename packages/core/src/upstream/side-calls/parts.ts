/** What side calls are made with. */
import type { RandomSource, Timers } from '../../api/clock.ts';
import type { Runtime } from '../../api/runtime.ts';
import type { Clusters, UpstreamCluster } from '../../api/upstream.ts';
import { errorText } from '../../errors.ts';
import { NO_RUNTIME } from '../../runtime/layered-runtime.ts';

/** What the proxy gives. */
export interface SideCallEquipment {
  /** Default none: maintenance keys are not looked at. */
  readonly runtime?: Runtime;
  /** Default `Math.random`. */
  readonly random?: RandomSource;
  /** Address of this proxy, for `x-forwarded-for`. Default 127.0.0.1. */
  readonly localIp?: string;
  /** Hears of users that threw. Default nobody. */
  readonly log?: (level: 'error', message: string) => void;
}

/** Beyond it the share of a random number makes no difference. */
const MAX_RANDOM = 2 ** 32;

export class SideCallParts {
  readonly clusters: Clusters;
  readonly timers: Timers;
  readonly localIp: string;
  private readonly runtime: Runtime;
  private readonly random: RandomSource;
  private readonly log: ((level: 'error', message: string) => void) | undefined;

  constructor(clusters: Clusters, timers: Timers, equipment: SideCallEquipment) {
    this.clusters = clusters;
    this.timers = timers;
    this.localIp = equipment.localIp ?? '127.0.0.1';
    this.runtime = equipment.runtime ?? NO_RUNTIME;
    this.random = equipment.random ?? Math.random;
    this.log = equipment.log;
  }

  /** Why a cluster does not want a request at all, as the router asks; `undefined` when it does. */
  refuses(cluster: UpstreamCluster): string | undefined {
    const { maintenance, dropShare = 0 } = cluster;
    if (this.runtime.get(maintenance.runtimeKey) !== undefined) {
      if (this.runtime.enabled(maintenance, Math.floor(this.random() * MAX_RANDOM))) {
        cluster.traffic.upstream_rq_maintenance_mode.inc();
        return 'maintenance mode';
      }
    }
    return dropShare > 0 && this.random() < dropShare ? 'drop overload' : undefined;
  }

  /** Calls a user of side calls: what it throws must not reach the engine. */
  tell(what: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.log?.('error', `${what} threw: ${errorText(error)}`);
    }
  }
}
