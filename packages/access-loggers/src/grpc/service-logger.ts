/** Ships entries to an access log service (`StreamAccessLogs`): loggers of the same configuration share one stream. */
import { WireType } from '@bufbuild/protobuf/wire';
import type { Counter, ObserverContext } from '@mesh/core';
import { grpcTarget } from '@mesh/core/proto';
import { EntryBatch, type Shipper } from '../shipping/entry-batch.ts';
import { LogStream } from '../shipping/log-stream.ts';
import { ProtoWriter } from '../shipping/proto-writer.ts';
import { type Closable, type Lease, SharedLoggers } from '../shipping/shared-loggers.ts';
import type { CommonGrpcConfig } from './config.ts';
import { writeNode } from './identifier.ts';
import { message, text } from './wire.ts';

const PATH = '/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs';

/** What entries are about; its number is the field of `StreamAccessLogsMessage`. */
export type EntryKind = 'http' | 'tcp';
const FIELDS: Readonly<Record<EntryKind, number>> = { http: 2, tcp: 3 };

export class ServiceLogger implements Shipper, Closable {
  private readonly context: ObserverContext;
  private readonly logName: string;
  private readonly field: number;
  private readonly stream: LogStream;
  private readonly batch: EntryBatch;
  private readonly flushed: Counter;
  private readonly flushFailed: Counter;

  constructor(config: CommonGrpcConfig, kind: EntryKind, context: ObserverContext) {
    const { bufferFlushIntervalMs: flushIntervalMs, bufferSizeBytes: limitBytes, grpcStreamRetryPolicy } = config;
    this.context = context;
    this.logName = config.logName;
    this.field = FIELDS[kind];
    const counter = (name: string) => context.stats.counter(`access_logs.grpc_access_log.${name}`);
    const written = counter('logs_written');
    const dropped = counter('logs_dropped');
    this.flushed = counter('grpc_entries_flushed');
    this.flushFailed = counter('grpc_entries_flush_failed');
    const connectRetries = grpcStreamRetryPolicy?.numRetries ?? 0;
    const target = grpcTarget(config.grpcService);
    this.stream = new LogStream(context, { target, path: PATH, connectRetries, pauseMs: flushIntervalMs }, dropped);
    // Envoy counts entries about connections as flushed only.
    const counters = { written: kind === 'http' ? written : undefined, dropped };
    this.batch = new EntryBatch(this, context.timers, { flushIntervalMs, limitBytes }, counters);
  }

  /** Asks `make` for an entry unless it would be dropped. */
  log(make: () => Uint8Array): void {
    if (this.batch.admits()) this.batch.add(make());
  }

  ship(entries: readonly Uint8Array[]): boolean {
    const { stream } = this;
    if (!stream.ready) {
      this.flushFailed.add(entries.length);
      return false;
    }
    const writer = new ProtoWriter();
    if (stream.fresh) {
      message(writer, 1, (identifier) => {
        writeNode(identifier, 1, this.context.node);
        text(identifier, 2, this.logName);
      });
    }
    message(writer, this.field, (list) => {
      for (const entry of entries) list.tag(1, WireType.LengthDelimited).bytes(entry);
    });
    stream.send(writer.finish(), entries.length);
    this.flushed.add(entries.length);
    return true;
  }

  async close(): Promise<void> {
    this.batch.close();
    await this.stream.close();
  }
}

const loggers = new SharedLoggers<ServiceLogger>();

/** The logger of a configuration. */
export function serviceLogger(
  config: CommonGrpcConfig,
  kind: EntryKind,
  context: ObserverContext,
): Lease<ServiceLogger> {
  return loggers.take(context, `${kind}${JSON.stringify(config)}`, () => new ServiceLogger(config, kind, context));
}
