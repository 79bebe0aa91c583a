/** Statistics: metrics, the store that names them, and the three formats. */
export * from './groups.ts';
export { Histogram } from './histogram.ts';
export { jsonPieces } from './json.ts';
export { Counter } from './metrics.ts';
export {
  PROMETHEUS_CONTENT_TYPE,
  prometheusPieces,
} from './prometheus.ts';
export type { HistogramMode, StatsQuery, StatsType } from './query.ts';
export { ResponseCodeStats } from './response-codes.ts';

export {
  Scope,
  StatsStore,
  type StatsView,
} from './store.ts';

export { textPieces } from './text.ts';
