/** All cluster scenarios, by topic. */
import { breakers } from './breakers.ts';
import { healthChecks } from './health.ts';
import { outliers } from './outliers.ts';
import type { ClusterScenario } from './scenario.ts';

export const clusterTopics: Readonly<Record<string, readonly ClusterScenario[]>> = {
  'outlier-detection': outliers,
  'circuit-breakers': breakers,
  'health-checks': healthChecks,
};

export const clusterScenarios: readonly ClusterScenario[] = Object.values(clusterTopics).flat();
