/** `envoy.stat_sinks.metrics_service`: metrics to a gRPC service, in Prometheus's messages. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { defineStatsSink, type MetricsSnapshot, type NodeIdentity, type StatsSink } from '@mesh/core';
import { type MetricsServiceConfig, metricsServiceConfig } from './config.ts';
import { Families } from './families.ts';
import { writeIdentifier } from './identifier.ts';
import { MetricsStream } from './metrics-stream.ts';

/**
 * Streams the used metrics of every flush to a metrics service.
 *
 * @example
 * metricsService({ grpcService: { envoyGrpc: { clusterName: 'metrics' } }, emitTagsAsLabels: true });
 */
export const metricsService = defineStatsSink({
  name: 'envoy.stat_sinks.metrics_service',
  typeUrl: 'type.googleapis.com/envoy.config.metrics.v3.MetricsServiceConfig',
  config: metricsServiceConfig,
  create: (config, context) => new MetricsServiceSink(config, new MetricsStream(config, context), context.node),
});

class MetricsServiceSink implements StatsSink {
  private readonly families: Families;
  private readonly stream: MetricsStream;
  private readonly node: NodeIdentity;
  private readonly batchSize: number;

  constructor(config: MetricsServiceConfig, stream: MetricsStream, node: NodeIdentity) {
    this.families = new Families(config);
    this.stream = stream;
    this.node = node;
    this.batchSize = config.batchSize === 0 ? Number.POSITIVE_INFINITY : config.batchSize;
  }

  flush(snapshot: MetricsSnapshot): void {
    this.stream.send(() => this.messages(this.families.of(snapshot)));
  }

  /** `StreamMetricsMessage`s with a batch each. */
  private *messages(families: readonly Uint8Array[]): Generator<Uint8Array> {
    for (let at = 0; at < families.length; at += this.batchSize) {
      const writer = new BinaryWriter();
      if (this.stream.fresh) writeIdentifier(writer, this.node);
      for (const family of families.slice(at, at + this.batchSize)) {
        writer.tag(2, WireType.LengthDelimited).bytes(family);
      }
      yield writer.finish();
    }
  }

  close(): Promise<void> {
    return this.stream.close();
  }
}
