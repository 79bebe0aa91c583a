/** The tracing of a connection manager, from its config. */
import type { Tracer } from './api/tracer.ts';
import type { SpanName, TraceSampling } from './api/tracing.ts';
import type { HttpConnectionManagerConfig } from './config/http-connection-manager.ts';
import type { ManagerTracingConfig } from './config/tracing.ts';
import { compileCustomTags } from './format/custom-tags.ts';
import { compileFormat } from './format/format.ts';
import type { ChainContext } from './listener-build.ts';
import { TraceDecision } from './observe/trace-decision.ts';
import type { ProviderEntry, Tracers } from './observe/tracers.ts';
import { HttpTracing } from './observe/tracing.ts';
import { httpTracingStats } from './stats/index.ts';

/** Tracers of a proxy, and the provider of connection managers that name none (`tracing.http` of the bootstrap). */
export interface TracingContext {
  readonly tracers: Tracers;
  readonly provider: ProviderEntry | undefined;
}

/** What tracing is built with. */
type TracingParts = Pick<
  ChainContext,
  'egress' | 'observers' | 'random' | 'rootScope' | 'runtime' | 'tracer' | 'tracing' | 'wheel'
>;

/** What the parts of a connection manager need to know of its tracing. */
export interface BuiltTracing {
  readonly tracing: HttpTracing;
  readonly tracer: Tracer | undefined;
}

/**
 * `undefined` without `tracing`, and where nothing is observed.
 * @throws MeshError `CONFIG_INVALID` when the tracer cannot be made.
 */
export function httpTracing(
  config: Pick<HttpConnectionManagerConfig, 'requestIdExtension' | 'statPrefix' | 'tracing'>,
  context: TracingParts,
): BuiltTracing | undefined {
  const { tracing } = config;
  const { observers, tracing: shared } = context;
  if (tracing === undefined || observers === undefined || shared === undefined) return undefined;
  const provider = (tracing.provider as ProviderEntry | undefined) ?? shared.provider;
  const tracer = provider && context.tracer(provider);
  const own = config.requestIdExtension?.typedConfig;
  const decision = new TraceDecision({
    sampling: sampling(tracing),
    runtime: context.runtime,
    random: context.random,
    packs: own?.packTraceReason ?? true,
    byId: own?.useRequestIdForTraceSampling ?? true,
  });
  return {
    tracer,
    tracing: new HttpTracing({
      tracer,
      decision,
      stats: httpTracingStats(context.rootScope.scope(`http.${config.statPrefix}.tracing.`)),
      clock: context.wheel.clock,
      node: observers.node,
      egress: context.egress,
      verbose: tracing.verbose,
      maxPathLength: tracing.maxPathTagLength,
      tags: compileCustomTags(tracing.customTags as never),
      operation: spanName(tracing.operation),
      upstreamOperation: spanName(tracing.upstreamOperation),
      spawnsUpstreamSpans: tracing.spawnUpstreamSpan,
      keepsContext: tracing.noContextPropagation,
      failed: (error) => shared.tracers.failed(error),
    }),
  };
}

function sampling({ clientSampling, overallSampling, randomSampling }: ManagerTracingConfig): TraceSampling {
  const fine = (percent = 100) => ({ numerator: Math.round(percent * 100), denominator: 10_000 }) as const;
  return {
    // As in Envoy: of this one the fraction of a percent is cut off.
    client: {
      numerator: Math.trunc(clientSampling?.value ?? 100),
      denominator: 100,
      runtimeKey: 'tracing.client_enabled',
    },
    random: { ...fine(randomSampling?.value), runtimeKey: 'tracing.random_sampling' },
    overall: { ...fine(overallSampling?.value), runtimeKey: 'tracing.global_enabled' },
  };
}

function spanName(format: string): SpanName | undefined {
  if (format === '') return undefined;
  const compiled = compileFormat(format);
  return (subject) => compiled.format(subject);
}
