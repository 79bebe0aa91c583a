/** A collector of OTLP metrics, and what it reads. */
import { join } from 'node:path';
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const PACKAGE = 'opentelemetry.proto.collector.metrics.v1';

const definition = loadSync(join(import.meta.dirname, 'fixtures/otlp.proto'), {
  keepCase: true,
  longs: String,
  enums: String,
});

/** The service of a collector. */
const service = definition[`${PACKAGE}.MetricsService`] as unknown as ServiceDefinition & {
  readonly Export: { readonly requestDeserialize: (bytes: Buffer) => object };
};

/** A request as the collector reads it. */
export interface ExportRequest {
  readonly resource_metrics: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scope_metrics: readonly { readonly metrics: readonly object[] }[];
  }[];
}

interface KeyValue {
  readonly key: string;
  readonly value: { readonly string_value: string };
}

/** Reads a request. */
export function decode(bytes: Uint8Array): ExportRequest {
  return service.Export.requestDeserialize(Buffer.from(bytes)) as ExportRequest;
}

/** The metrics of a request. */
export function metricsOf(request: ExportRequest): readonly object[] {
  return request.resource_metrics.flatMap(({ scope_metrics }) => scope_metrics.flatMap(({ metrics }) => metrics));
}

/** Names of the metrics of a request. */
export function namesOf(request: ExportRequest): string[] {
  return metricsOf(request).map((metric) => (metric as { readonly name: string }).name);
}

/** Listens for exports; `answers` false leaves them unanswered. */
export class Collector {
  readonly requests: ExportRequest[] = [];
  readonly metadata: Record<string, unknown>[] = [];
  port = 0;
  private readonly server = new Server();

  static async start(answers = true): Promise<Collector> {
    const collector = new Collector();
    collector.server.addService(service, {
      Export(call: ServerUnaryCall<ExportRequest, object>, answer: sendUnaryData<object>) {
        collector.requests.push(call.request);
        collector.metadata.push(call.metadata.getMap());
        if (answers) answer(null, {});
      },
    });
    collector.port = await new Promise<number>((resolve, reject) => {
      collector.server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    return collector;
  }

  close(): void {
    this.server.forceShutdown();
  }
}
