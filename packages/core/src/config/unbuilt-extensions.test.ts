import { describe, expect, it } from 'vitest';
import { unbuiltExtension } from './unbuilt-extensions.ts';

const type = (name: string) => `type.googleapis.com/${name}`;

describe('unbuiltExtension', () => {
  it.each([
    ['stats-sink', 'envoy.stat_sinks.hystrix', 'envoy.config.metrics.v3.HystrixSink'],
    ['access-log', 'envoy.access_loggers.fluentd', 'envoy.extensions.access_loggers.fluentd.v3.FluentdAccessLogConfig'],
    ['tracer', 'envoy.tracers.opentelemetry', 'envoy.config.trace.v3.OpenTelemetryConfig'],
  ])('finds a %s by its type, and by its name where none is written', (kind, name, typeName) => {
    const found = { name, reason: expect.any(String) };
    expect(unbuiltExtension(kind, 'any', type(typeName))).toEqual(found);
    expect(unbuiltExtension(kind, name, undefined)).toEqual(found);
    expect(unbuiltExtension(kind, name, type('acme.Other'))).toBeUndefined();
    expect(unbuiltExtension('http-filter', name, type(typeName))).toBeUndefined();
  });
});
