/** Stats sinks for Mesh: statsd, DogStatsD, Graphite, Envoy metrics service, OpenTelemetry metrics. */
export {};
