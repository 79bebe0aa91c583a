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
