/** Stats sinks for Mesh: statsd, DogStatsD, Graphite, Envoy metrics service, OpenTelemetry metrics. */
export { dogStatsd } from './dog-statsd/index.ts';
export { graphiteStatsd } from './graphite-statsd/index.ts';
export { metricsService } from './metrics-service/index.ts';
export { openTelemetrySink } from './open-telemetry/index.ts';
export { openTelemetryMetrics } from './open-telemetry-api/index.ts';
export { statsd } from './statsd/index.ts';
