/** An access log service by @grpc/grpc-js, with Envoy's own protos: it keeps the entries of both proxies. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { Server, ServerCredentials, type ServerReadableStream, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const DEPS = path.join(path.dirname(createRequire(import.meta.url).resolve('@grpc/grpc-js-xds')), '../../deps');
const SERVICE = 'envoy.service.accesslog.v3.AccessLogService';

/** A message as JSON. */
export type Json = { readonly [name: string]: unknown };

interface LogMessage {
  readonly identifier?: Json;
  readonly http_logs?: { readonly log_entry: readonly Json[] };
  readonly tcp_logs?: { readonly log_entry: readonly Json[] };
}

export class Collector {
  /** What has come since the last {@link take}. */
  private entries: Json[] = [];
  readonly identifiers: Json[] = [];
  port = 0;
  private readonly server = new Server();

  static async start(): Promise<Collector> {
    const collector = new Collector();
    const includeDirs = ['envoy-api', 'googleapis', 'protoc-gen-validate', 'xds'].map((each) => path.join(DEPS, each));
    const file = 'envoy/service/accesslog/v3/als.proto';
    const definition = loadSync(file, { includeDirs, keepCase: true, longs: Number, enums: String });
    collector.server.addService(definition[SERVICE] as ServiceDefinition, {
      StreamAccessLogs: (
        stream: ServerReadableStream<LogMessage, object>,
        answer: (error: null, value: object) => void,
      ) => {
        stream.on('data', (message: LogMessage) => collector.add(message));
        stream.on('end', () => answer(null, {}));
        stream.on('error', () => {});
      },
    });
    collector.port = await new Promise<number>((resolve, reject) => {
      collector.server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    return collector;
  }

  private add({ identifier, http_logs, tcp_logs }: LogMessage): void {
    if (identifier !== undefined) this.identifiers.push(identifier);
    this.entries.push(...(http_logs?.log_entry ?? []), ...(tcp_logs?.log_entry ?? []));
  }

  /** The next `count` entries. */
  async take(count: number, what: string): Promise<Json[]> {
    const end = performance.now() + 5000;
    while (this.entries.length < count) {
      if (performance.now() > end) throw new Error(`${what}: ${this.entries.length} of ${count} entries`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return this.entries.splice(0, count);
  }

  close(): void {
    this.server.forceShutdown();
  }
}
