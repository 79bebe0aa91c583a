/** Envoy's virtual clusters: classes of the requests of a virtual host that have upstream statistics of their own. */
import type { RequestHeaders } from '../api/headers.ts';
import type { VirtualClusterTraffic } from '../api/route.ts';
import { type Counter, type Histogram, ResponseCodeStats, type Scope } from '../stats/index.ts';
import { HeaderCondition } from './header-match.ts';
import type { VirtualClusterSettings } from './settings.ts';

/**
 * Upstream statistics of a part of the requests: of a virtual cluster, below `vhost.<virtual host>.vcluster.<name>.`, or of
 * a route with `stat_prefix`, below `vhost.<virtual host>.route.<stat_prefix>.`.
 */
export class RouteTraffic implements VirtualClusterTraffic {
  readonly name: string;
  readonly upstream_rq_total: Counter;
  readonly upstream_rq_retry: Counter;
  readonly upstream_rq_retry_limit_exceeded: Counter;
  readonly upstream_rq_retry_overflow: Counter;
  readonly upstream_rq_retry_success: Counter;
  readonly upstream_rq_timeout: Counter;
  private readonly codes: ResponseCodeStats;
  private readonly scope: Scope;
  /** Made when it is first needed, as Envoy does. */
  private time: Histogram | undefined = undefined;

  constructor(name: string, scope: Scope) {
    this.name = name;
    this.upstream_rq_total = scope.counter('upstream_rq_total');
    this.upstream_rq_retry = scope.counter('upstream_rq_retry');
    this.upstream_rq_retry_limit_exceeded = scope.counter('upstream_rq_retry_limit_exceeded');
    this.upstream_rq_retry_overflow = scope.counter('upstream_rq_retry_overflow');
    this.upstream_rq_retry_success = scope.counter('upstream_rq_retry_success');
    this.upstream_rq_timeout = scope.counter('upstream_rq_timeout');
    this.codes = new ResponseCodeStats(scope);
    this.scope = scope;
  }

  chargeStatus(status: number): void {
    this.codes.charge(status);
  }

  chargeTime(durationMs: number): void {
    this.time ??= this.scope.histogram('upstream_rq_time');
    this.time.record(durationMs);
  }
}

/** One configured virtual cluster. */
class VirtualCluster extends RouteTraffic {
  private readonly conditions: readonly HeaderCondition[];

  constructor(name: string, conditions: readonly HeaderCondition[], scope: Scope) {
    super(name, scope);
    this.conditions = conditions;
  }

  matches(headers: RequestHeaders): boolean {
    for (const condition of this.conditions) if (!condition.matches(headers)) return false;
    return true;
  }
}

/** The virtual clusters of one virtual host. */
export class VirtualClusters {
  private readonly clusters: readonly VirtualCluster[];
  private readonly other: RouteTraffic;

  /** `scope` is the root. @throws SyntaxError for a bad regular expression. */
  constructor(virtualHost: string, settings: readonly VirtualClusterSettings[], scope: Scope) {
    const below = scope.scope(`vhost.${virtualHost}.vcluster.`);
    this.clusters = settings.map(({ name, headers }) => {
      const conditions = headers.map((each) => new HeaderCondition(each));
      return new VirtualCluster(name, conditions, below.scope(`${name}.`));
    });
    this.other = new RouteTraffic('other', below.scope('other.'));
  }

  /** The first that fits, else `other`. */
  find(headers: RequestHeaders): VirtualClusterTraffic {
    for (const cluster of this.clusters) if (cluster.matches(headers)) return cluster;
    return this.other;
  }
}
