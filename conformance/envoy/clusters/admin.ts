/** What a target's admin server says of one cluster. */

/** Statistics that are compared; those that are 0 are left out. */
const COMPARED = new RegExp(
  [
    String.raw`^outlier_detection\.`,
    String.raw`^circuit_breakers\.`,
    String.raw`^health_check\.(name\.\w+\.)?(healthy|degraded|passive_failure)$`,
    '^membership_(healthy|degraded|total)$',
    '^lb_healthy_panic$',
    '^upstream_(cx_overflow|cx_pool_overflow|cx_connect_fail|rq_pending_overflow|rq_active_overflow)$',
    '^upstream_rq_(total|retry|retry_overflow|retry_limit_exceeded|retry_success|pending_active|active|timeout)$',
    '^upstream_rq_(per_try_timeout|pending_total|pending_failure_eject|5xx)$',
  ].join('|'),
);

/** An admin server, asked by the name of a cluster. */
export class Admin {
  private readonly address: string;

  constructor(address: string) {
    this.address = address;
  }

  private async ask(path: string): Promise<string[]> {
    return (await (await fetch(`http://${this.address}${path}`)).text()).split('\n');
  }

  /** Lines of `/clusters`, without the name. */
  private async lines(cluster: string): Promise<string[]> {
    const all = await this.ask(`/clusters?filter=^${cluster}$`);
    return all.filter((line) => line.startsWith(`${cluster}::`)).map((line) => line.slice(cluster.length + 2));
  }

  /** Health flags by port. */
  async flags(cluster: string): Promise<ReadonlyMap<number, string>> {
    const found = (await this.lines(cluster)).map((line) => /:(\d+)::health_flags::(.*)$/.exec(line));
    return new Map(found.flatMap((match) => (match === null ? [] : [[Number(match[1]), match[2] as string]])));
  }

  /** Averages and thresholds of outlier detection, and every host's success rates, by port. */
  async rates(cluster: string): Promise<Readonly<Record<string, string>>> {
    const found = (await this.lines(cluster)).map((line) =>
      /^(?:outlier|127\.0\.0\.1:(\d+))::(\w*success_rate\w*)::(.*)$/.exec(line),
    );
    return Object.fromEntries(
      found.flatMap((match) => (match === null ? [] : [[`${match[1] ?? 'all'} ${match[2]}`, match[3] as string]])),
    );
  }

  async stats(cluster: string): Promise<Readonly<Record<string, number>>> {
    const prefix = `cluster.${cluster}.`;
    const found = (await this.ask(`/stats?filter=^cluster\\.${cluster}\\.`)).flatMap((line) => {
      const match = /^(.*): (\d+)$/.exec(line);
      if (match === null || !line.startsWith(prefix)) return [];
      return [[(match[1] as string).slice(prefix.length), Number(match[2])] as const];
    });
    return Object.fromEntries(found.filter(([name, value]) => value > 0 && COMPARED.test(name)).sort());
  }
}
