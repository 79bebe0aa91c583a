/** Envoy's `envoy.stat_sinks.open_telemetry`: metrics to a collector by OTLP. */
import { defineStatsSink, type MetricsSnapshot, type ObserverContext, type StatsSink } from '@mesh/core';
import { SINK_CONFIG, sinkConfig } from './config.ts';
import { DataPoints, type PointOptions } from './data-points.ts';
import { Exporter } from './exporter.ts';
import { Requests } from './requests.ts';
import { resourceAttributes } from './resource.ts';

/**
 * Exports every flush to an OpenTelemetry collector, by gRPC (`grpcService`) or HTTP (`httpService`), through a cluster.
 * At most 16 requests are on their way; `open_telemetry_stat_sink.exports_dropped` counts the others.
 *
 * @example
 * openTelemetrySink({ grpcService: { envoyGrpc: { clusterName: 'collector' } }, prefix: 'edge' });
 */
export const openTelemetrySink = defineStatsSink({
  name: 'envoy.stat_sinks.open_telemetry',
  typeUrl: `type.googleapis.com/${SINK_CONFIG}`,
  config: sinkConfig,
  create(config, context) {
    const points: PointOptions = {
      countersAsDeltas: config.reportCountersAsDeltas,
      histogramsAsDeltas: config.reportHistogramsAsDeltas,
      tagsAsAttributes: config.emitTagsAsAttributes,
      tagExtractedName: config.useTagExtractedName,
      prefix: config.prefix,
    };
    const resource = resourceAttributes(config.resourceDetectors);
    const requests = new Requests({ ...points, resource, maxDataPoints: config.maxDataPointsPerRequest });
    return new OpenTelemetrySink(new DataPoints(points), requests, new Exporter(config, context), context);
  },
});

class OpenTelemetrySink implements StatsSink {
  private readonly points: DataPoints;
  private readonly requests: Requests;
  private readonly exporter: Exporter;
  private readonly startedMs: number;
  private lastFlushMs: number;

  constructor(points: DataPoints, requests: Requests, exporter: Exporter, { wallMs }: ObserverContext) {
    this.points = points;
    this.requests = requests;
    this.exporter = exporter;
    this.startedMs = wallMs();
    this.lastFlushMs = this.startedMs;
  }

  flush(snapshot: MetricsSnapshot): void {
    const metrics = this.points.of(snapshot, { sinceStartMs: this.startedMs, sinceFlushMs: this.lastFlushMs });
    this.lastFlushMs = snapshot.timeMs;
    for (const request of this.requests.encode(metrics)) this.exporter.send(request);
  }

  close(): Promise<void> {
    return this.exporter.close();
  }
}
