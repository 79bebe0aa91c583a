/**
 * The stream to a metrics service: opened with a flush, and again with the next flush after it has ended. While the
 * service does not keep up, flushes are left out rather than collected.
 */
import type { Counter, GrpcStream, ObserverContext } from '@mesh/core';
import { type GrpcTarget, grpcTarget } from '@mesh/core/proto';
import type { MetricsServiceConfig } from './config.ts';

const PATH = '/envoy.service.metrics.v3.MetricsService/StreamMetrics';

/** What the end of the proxy waits for the service. */
const CLOSE_MS = 800;

export class MetricsStream {
  private readonly context: ObserverContext;
  private readonly target: GrpcTarget;
  private readonly dropped: Counter;
  private stream: GrpcStream | undefined = undefined;
  private writable = true;
  private whenEnded: (() => void) | undefined = undefined;

  constructor({ grpcService }: MetricsServiceConfig, context: ObserverContext) {
    this.context = context;
    this.target = grpcTarget(grpcService);
    this.dropped = context.stats.counter('metrics_service_stat_sink.flushes_dropped');
  }

  /** True when the next message is the first of its stream. */
  get fresh(): boolean {
    return this.stream === undefined;
  }

  /** Sends the messages that `make` makes, unless the service does not keep up. */
  send(make: () => Iterable<Uint8Array>): void {
    if (!this.writable) {
      this.dropped.inc();
      return;
    }
    for (const message of make()) {
      this.stream ??= this.open();
      // What is begun is sent whole: half a flush would be of little use.
      if (!this.stream.send(message)) this.writable = false;
    }
  }

  private open(): GrpcStream {
    const { cluster, timeoutMs: _, ...target } = this.target;
    const stream: GrpcStream = this.context.sideCalls.openGrpcStream(
      cluster,
      { ...target, path: PATH, timeoutMs: 0 },
      {
        onWritable: () => {
          this.writable = true;
        },
        onEnd: (status, message) => this.ended(stream, status, message),
      },
    );
    return stream;
  }

  private ended(stream: GrpcStream, status: number, message: string): void {
    if (this.stream !== stream) return;
    this.stream = undefined;
    this.writable = true;
    if (stream.bufferedBytes > 0) this.dropped.inc();
    this.context.log('debug', `stream of metrics to '${this.target.cluster}' ended with status ${status}: ${message}`);
    this.whenEnded?.();
  }

  /** Ends the stream; resolves when the service has. */
  async close(): Promise<void> {
    const { stream } = this;
    if (stream === undefined) return;
    stream.end();
    await new Promise<void>((resolve) => {
      const limit = this.context.timers.after(CLOSE_MS, resolve);
      this.whenEnded = () => {
        limit.cancel();
        resolve();
      };
    });
    this.whenEnded = undefined;
    this.stream = undefined;
    stream.cancel();
  }
}
