/**
 * The scenario of zone-spill.ts with outlier detection, which sees a dead host within five requests, and with as many
 * retries as this traffic needs until it does.
 *
 *   pnpm simulate examples/simulations/zone-spill-tuned.ts --svg zone-spill-tuned.svg
 */
import { zoneSpill } from './zone-spill.ts';

export default zoneSpill('The same with outlier detection and a retry budget', {
  outlierDetection: { consecutive5xx: 3, intervalMs: 1000, baseEjectionTimeMs: 5000, maxEjectionPercent: 100 },
  circuitBreakers: {
    thresholds: [{ maxRequests: 100_000, retryBudget: { budgetPercent: { value: 50 }, minRetryConcurrency: 10 } }],
  },
});
