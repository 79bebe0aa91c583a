/** Metrics for an application's own OpenTelemetry SDK, through `@opentelemetry/api`. */
import { createRequire } from 'node:module';
import { defineStatsSink, MeshError, type MetricsSnapshot, type ObserverContext, type StatsSink } from '@mesh/core';
import type * as OpenTelemetry from '@opentelemetry/api';
import { apiConfig, NAME } from './config.ts';
import { Families } from './families.ts';

type SampleTaker = NonNullable<StatsSink['onSample']>;

/**
 * Shows the proxy's metrics in the OpenTelemetry SDK of the application around it: counters and gauges as observable
 * instruments with the values of the last flush, histograms sample by sample, tags as attributes. Names stand behind
 * `prefix` (default `envoy`). An SDK that is registered later is found at the next flush. At most `maxSeries` series are
 * shown (default 20 000); `open_telemetry_api.dropped_series` counts the others at each flush.
 *
 * Needs the package `@opentelemetry/api`.
 *
 * @example
 * metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
 * const proxy = await createProxy({ config: 'envoy.yaml', statsSinks: [openTelemetryMetrics({ meterName: 'edge' })] });
 */
export const openTelemetryMetrics = defineStatsSink({
  name: NAME,
  config: apiConfig,
  create: (config, context) => new ApiSink(config, context, loadApi()),
});

/** Not imported, because the package is optional and everyone else's sinks work without. */
function loadApi(): typeof OpenTelemetry {
  try {
    return createRequire(import.meta.url)('@opentelemetry/api') as typeof OpenTelemetry;
  } catch (cause) {
    throw new MeshError('CONFIG_INVALID', `${NAME} needs the package @opentelemetry/api`, { cause });
  }
}

interface Settings {
  readonly meterName: string;
  readonly prefix: string;
  readonly maxSeries: number;
}

class ApiSink implements StatsSink {
  private readonly settings: Settings;
  private readonly metrics: OpenTelemetry.MetricsAPI;
  private readonly dropped: ReturnType<ObserverContext['stats']['counter']>;
  private provider: OpenTelemetry.MeterProvider | undefined = undefined;
  private families: Families | undefined = undefined;

  constructor(settings: Settings, { stats }: ObserverContext, { metrics }: typeof OpenTelemetry) {
    this.settings = settings;
    this.metrics = metrics;
    this.dropped = stats.counter('open_telemetry_api.dropped_series');
  }

  flush({ counters, gauges }: MetricsSnapshot): void {
    const refused = this.current().update(counters, gauges);
    if (refused > 0) this.dropped.add(refused);
  }

  onSample(...[histogram, value]: Parameters<SampleTaker>): void {
    if (!(this.families ?? this.current()).record(histogram, value)) this.dropped.inc();
  }

  /** Meters of the API do not change over to a provider that comes later: they are asked for again. */
  private current(): Families {
    const provider = this.metrics.getMeterProvider();
    if (this.families === undefined || provider !== this.provider) {
      const { maxSeries, meterName, prefix } = this.settings;
      this.families?.close();
      this.provider = provider;
      this.families = new Families(provider.getMeter(meterName), prefix, maxSeries);
    }
    return this.families;
  }

  close(): void {
    this.families?.close();
    this.families = undefined;
  }
}
