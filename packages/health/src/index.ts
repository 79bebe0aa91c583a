/** Who judges the hosts of clusters: active health checks and outlier detection. */

export { activeHealthChecks } from './active/index.ts';
export { outlierDetection } from './outlier/index.ts';
