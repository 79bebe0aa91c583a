/** Extensions that Envoy comes with and this proxy does not: they are refused by name, with the reason. */

/** One of them. */
interface UnbuiltExtension {
  /** Full name of its configuration message. */
  readonly type: string;
  readonly reason: string;
}

/** By kind and canonical name. */
const UNBUILT: Readonly<Record<string, Readonly<Record<string, UnbuiltExtension>>>> = {
  'stats-sink': {
    'envoy.stat_sinks.hystrix': {
      type: 'envoy.config.metrics.v3.HystrixSink',
      reason: 'the Hystrix dashboard is no longer maintained; scrape /stats/prometheus',
    },
    'envoy.stat_sinks.wasm': {
      type: 'envoy.extensions.stat_sinks.wasm.v3.Wasm',
      reason: 'WebAssembly is not run; write a sink with defineStatsSink',
    },
    'envoy.stat_sinks.dynamic_modules': {
      type: 'envoy.extensions.stat_sinks.dynamic_modules.v3.DynamicModuleStatsSink',
      reason: 'shared libraries are not loaded; write a sink with defineStatsSink',
    },
  },
  'access-log': {
    'envoy.access_loggers.fluentd': {
      type: 'envoy.extensions.access_loggers.fluentd.v3.FluentdAccessLogConfig',
      reason: 'not built yet; write a logger with defineAccessLog',
    },
    'envoy.access_loggers.stats': {
      type: 'envoy.extensions.access_loggers.stats.v3.Config',
      reason: 'not built yet; write a logger with defineAccessLog',
    },
    'envoy.access_loggers.wasm': {
      type: 'envoy.extensions.access_loggers.wasm.v3.WasmAccessLog',
      reason: 'WebAssembly is not run; write a logger with defineAccessLog',
    },
    'envoy.access_loggers.dynamic_modules': {
      type: 'envoy.extensions.access_loggers.dynamic_modules.v3.DynamicModuleAccessLog',
      reason: 'shared libraries are not loaded; write a logger with defineAccessLog',
    },
  },
  tracer: {
    'envoy.tracers.opentelemetry': {
      type: 'envoy.config.trace.v3.OpenTelemetryConfig',
      reason: "spans go to the application's own OpenTelemetry SDK, see @mesh/tracing-opentelemetry",
    },
    'envoy.tracers.datadog': {
      type: 'envoy.config.trace.v3.DatadogConfig',
      reason: 'not built yet; write a tracer with defineTracer',
    },
    'envoy.tracers.skywalking': {
      type: 'envoy.config.trace.v3.SkyWalkingConfig',
      reason: 'not built yet; write a tracer with defineTracer',
    },
    'envoy.tracers.xray': {
      type: 'envoy.config.trace.v3.XRayConfig',
      reason: 'not built yet; write a tracer with defineTracer',
    },
    'envoy.tracers.fluentd': {
      type: 'envoy.extensions.tracers.fluentd.v3.FluentdConfig',
      reason: 'not built yet; write a tracer with defineTracer',
    },
    'envoy.tracers.dynamic_modules': {
      type: 'envoy.extensions.tracers.dynamic_modules.v3.DynamicModuleTracer',
      reason: 'shared libraries are not loaded; write a tracer with defineTracer',
    },
  },
};

/** Such an extension, by its type or, where none is written, by its name. */
export function unbuiltExtension(
  kind: string,
  name: string,
  typeUrl: string | undefined,
): { readonly name: string; readonly reason: string } | undefined {
  for (const [known, { type, reason }] of Object.entries(UNBUILT[kind] ?? {})) {
    const found = typeUrl === undefined ? known === name : typeUrl === `type.googleapis.com/${type}`;
    if (found) return { name: known, reason };
  }
  return undefined;
}
