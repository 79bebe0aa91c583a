/** Exports records in batches, each a call of its own: over gRPC (`LogsService/Export`) or over HTTP (`/v1/logs`). */
import { WireType } from '@bufbuild/protobuf/wire';
import type { Counter, ObserverContext } from '@mesh/core';
import { grpcTarget, httpTarget } from '@mesh/core/proto';
import { message } from '../grpc/wire.ts';
import { EntryBatch, type Shipper } from '../shipping/entry-batch.ts';
import { ProtoWriter } from '../shipping/proto-writer.ts';
import type { Closable } from '../shipping/shared-loggers.ts';
import type { OpenTelemetryConfig } from './config.ts';
import { writeResource } from './resource.ts';

const PATH = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';

/** Calls under way; beyond it records are held back and then dropped. */
const MAX_CALLS = 8;
/** Of a call without a configured timeout: one that hangs must not hold its place for ever. */
const TIMEOUT_MS = 10_000;

/** One call of an exporter. */
interface ExportCall {
  cancel(): void;
}

/** Starts a call; `done` is told once whether the collector has taken the records. */
type Send = (body: Uint8Array, done: (taken: boolean, detail: string) => void) => ExportCall;

export class Exporter implements Shipper, Closable {
  private readonly context: ObserverContext;
  private readonly send: Send;
  private readonly cluster: string;
  private readonly resource: Uint8Array;
  private readonly batch: EntryBatch;
  private readonly written: Counter;
  private readonly dropped: Counter;
  /** Each with the number of its records. */
  private readonly calls = new Map<ExportCall, number>();
  private whenIdle: (() => void) | undefined = undefined;

  constructor(config: OpenTelemetryConfig, context: ObserverContext) {
    this.context = context;
    const { cluster, send } = transportOf(config, context);
    this.cluster = cluster;
    this.send = send;
    this.resource = writeResource(config, context.node);
    const prefix = `access_logs.open_telemetry_access_log.${withDot(config.statPrefix)}`;
    const counter = (name: string) => context.stats.counter(`${prefix}${name}`);
    this.written = counter('logs_written');
    this.dropped = counter('logs_dropped');
    if (config.httpService === undefined) {
      // Envoy has them for its gRPC loggers, and counts nothing in those that make single calls.
      counter('grpc_entries_flushed');
      counter('grpc_entries_flush_failed');
    }
    const { bufferFlushIntervalMs = 1000, bufferSizeBytes = 16_384 } = config;
    const limits = { flushIntervalMs: bufferFlushIntervalMs || 1000, limitBytes: bufferSizeBytes };
    // What is written is known when the collector has answered.
    this.batch = new EntryBatch(this, context.timers, limits, { written: undefined, dropped: this.dropped });
  }

  /** Asks `make` for a record unless it would be dropped. */
  log(make: () => Uint8Array): void {
    if (this.batch.admits()) this.batch.add(make());
  }

  ship(records: readonly Uint8Array[]): boolean {
    const { calls, context } = this;
    if (calls.size >= MAX_CALLS || context.clusters.get(this.cluster) === undefined) return false;
    const count = records.length;
    const call = this.send(this.body(records), (taken, detail) => {
      calls.delete(call);
      (taken ? this.written : this.dropped).add(count);
      if (!taken) context.log('debug', `export of ${count} log records to '${this.cluster}' failed: ${detail}`);
      if (calls.size === 0) this.whenIdle?.();
    });
    calls.set(call, count);
    return true;
  }

  /** `ExportLogsServiceRequest`. */
  private body(records: readonly Uint8Array[]): Uint8Array {
    const writer = new ProtoWriter();
    message(writer, 1, (logs) => {
      logs.tag(1, WireType.LengthDelimited).bytes(this.resource);
      message(logs, 2, (scope) => {
        for (const record of records) scope.tag(2, WireType.LengthDelimited).bytes(record);
      });
    });
    return writer.finish();
  }

  /** Resolves when nothing is under way any more, after a second at the latest. */
  async close(): Promise<void> {
    this.batch.close();
    if (this.calls.size === 0) return;
    await new Promise<void>((resolve) => {
      const limit = this.context.timers.after(1000, resolve);
      this.whenIdle = () => {
        limit.cancel();
        resolve();
      };
    });
    this.whenIdle = undefined;
    for (const [call, records] of this.calls) {
      call.cancel();
      this.dropped.add(records);
    }
    this.calls.clear();
  }
}

function withDot(prefix: string): string {
  return prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`;
}

function transportOf(config: OpenTelemetryConfig, context: ObserverContext): { cluster: string; send: Send } {
  if (config.httpService !== undefined) return overHttp(config.httpService, context);
  return overGrpc(config, context);
}

function overHttp(service: NonNullable<OpenTelemetryConfig['httpService']>, context: ObserverContext) {
  const { authority, cluster, headers, path, timeoutMs } = httpTarget(service);
  const fixed = [
    ['content-type', 'application/x-protobuf'],
    ['user-agent', `OTel-OTLP-Exporter-Mesh/${context.node.version ?? ''}`],
  ] as const;
  const given = new Map([...fixed, ...headers]);
  const request = { method: 'POST', authority, path, headers: [...given], timeoutMs: timeoutMs || TIMEOUT_MS };
  const send: Send = (body, done) =>
    context.sideCalls.request(
      cluster,
      { ...request, body },
      {
        onResponse: ({ status }) => done(status === 200, `status ${status}`),
        onFailure: (failure, detail) => done(false, `${failure}: ${detail}`),
      },
    );
  return { cluster, send };
}

function overGrpc({ commonConfig, grpcService }: OpenTelemetryConfig, context: ObserverContext) {
  const service = grpcService ?? commonConfig?.grpcService;
  if (service === undefined) throw new TypeError('an OpenTelemetry access logger without a service');
  const { cluster, timeoutMs: limitMs, ...target } = grpcTarget(service);
  const connectRetries = commonConfig?.grpcStreamRetryPolicy?.numRetries ?? 0;
  // As in Envoy the collector is not told of the timeout.
  const options = { ...target, path: PATH, timeoutMs: 0, connectRetries };
  const send: Send = (body, done) => {
    const stream = context.sideCalls.openGrpcStream(cluster, options, {
      onEnd(status, text) {
        limit.cancel();
        done(status === 0, `status ${status}: ${text}`);
      },
    });
    const limit = context.timers.after(limitMs || TIMEOUT_MS, () => {
      stream.cancel();
      done(false, 'the time for the call is up');
    });
    stream.send(body);
    stream.end();
    return {
      cancel: () => {
        limit.cancel();
        stream.cancel();
      },
    };
  };
  return { cluster, send };
}
