/** `http.<stat_prefix>.user_agent.<name>.`: connections whose first request came from one of two kinds of apps, as Envoy counts them. */
import { type Scope, type UserAgentStats, userAgentStats } from '../stats/index.ts';

/** The counters of a connection manager; each kind appears with its first connection. */
export class UserAgents {
  private readonly scope: Scope;
  private ios: UserAgentStats | undefined = undefined;
  private android: UserAgentStats | undefined = undefined;

  /** `scope` is `http.<stat_prefix>.` */
  constructor(scope: Scope) {
    this.scope = scope;
  }

  /** The first request of a connection says `userAgent`: counts it. */
  first(userAgent: string): UserAgentStats | undefined {
    const stats = this.of(userAgent);
    if (stats === undefined) return undefined;
    stats.downstream_cx_total.inc();
    // As in Envoy only the first request of a connection counts.
    stats.downstream_rq_total.inc();
    return stats;
  }

  private of(userAgent: string): UserAgentStats | undefined {
    if (userAgent.includes('iOS')) {
      this.ios ??= userAgentStats(this.scope.scope('user_agent.ios'));
      return this.ios;
    }
    if (!userAgent.includes('android')) return undefined;
    this.android ??= userAgentStats(this.scope.scope('user_agent.android'));
    return this.android;
  }
}
