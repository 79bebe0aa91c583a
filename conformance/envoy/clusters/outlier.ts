/** What scenarios of outlier detection have in common. */
import type { Yaml } from '../scenario.ts';
import type { ClusterScenario, Step } from './scenario.ts';

/** Long enough that nothing comes back while a scenario runs. */
export const SLOW: Yaml = { interval: '60s', base_ejection_time: '60s', max_ejection_percent: 100 };
/** Rates, judged often, of few requests. */
export const RATES: Yaml = {
  ...SLOW,
  interval: '1.5s',
  consecutive_5xx: 0,
  consecutive_gateway_failure: 0,
  success_rate_request_volume: 1,
  failure_percentage_request_volume: 1,
};

/** A cluster of three hosts with `detection`. */
export function outlier(
  name: string,
  {
    why,
    detection,
    hosts = 'abc',
    steps,
    ...rest
  }: Partial<ClusterScenario> & {
    readonly why: string;
    readonly detection: Yaml;
    readonly steps: readonly Step[];
  },
): ClusterScenario {
  const cluster = { ...rest.cluster, outlier_detection: detection };
  return { name: `outlier-${name}`, why, hosts, steps, ...rest, cluster };
}
