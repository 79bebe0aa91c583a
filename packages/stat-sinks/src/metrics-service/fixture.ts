/** A metrics service by @grpc/grpc-js that keeps what it is sent. */
import { join } from 'node:path';
import { Server, ServerCredentials, type ServerReadableStream, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const SERVICE = 'envoy.service.metrics.v3.MetricsService';
const service = loadSync(join(import.meta.dirname, 'fixtures/metrics.proto'), {
  keepCase: true,
  longs: Number,
  enums: String,
})[SERVICE] as ServiceDefinition;

/** A `Metric`. */
export interface SeenMetric {
  readonly label?: readonly { readonly name: string; readonly value: string }[];
  readonly counter?: { readonly value: number };
  readonly gauge?: { readonly value: number };
  readonly summary?: {
    readonly sample_count: number;
    readonly sample_sum: number;
    readonly quantile: readonly { readonly quantile: number; readonly value: number }[];
  };
  readonly histogram?: {
    readonly sample_count: number;
    readonly sample_sum: number;
    readonly bucket: readonly { readonly upper_bound: number; readonly cumulative_count: number }[];
  };
  readonly timestamp_ms: number;
}

/** A `MetricFamily`. */
export interface SeenFamily {
  readonly name: string;
  readonly type: string;
  readonly metric: readonly SeenMetric[];
}

/** A `StreamMetricsMessage`. */
export interface SeenMessage {
  readonly identifier?: { readonly node: { readonly id: string; readonly cluster: string } };
  readonly envoy_metrics: readonly SeenFamily[];
}

export class MetricsCollector {
  /** One list per stream. */
  readonly streams: SeenMessage[][] = [];
  /** Takes streams, and reads nothing of them. */
  deaf = false;
  ended = 0;
  port = 0;
  private readonly server = new Server();

  static async start(): Promise<MetricsCollector> {
    const collector = new MetricsCollector();
    collector.server.addService(service, {
      StreamMetrics: (
        stream: ServerReadableStream<SeenMessage, object>,
        answer: (error: null, value: object) => void,
      ) => {
        const messages: SeenMessage[] = [];
        collector.streams.push(messages);
        stream.on('error', () => {});
        if (collector.deaf) {
          stream.pause();
          return;
        }
        stream.on('data', (message: SeenMessage) => void messages.push(message));
        stream.on('end', () => {
          collector.ended++;
          answer(null, {});
        });
      },
    });
    collector.port = await new Promise<number>((resolve, reject) => {
      collector.server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    return collector;
  }

  get messages(): readonly SeenMessage[] {
    return this.streams.flat();
  }

  close(): void {
    this.server.forceShutdown();
  }
}
