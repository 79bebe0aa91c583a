/** Sends requests to an OTLP collector, by gRPC or HTTP: a bounded number at a time, the others are dropped and counted. */
import type { Counter, ObserverContext, SideCalls, Timers } from '@mesh/core';
import { grpcTarget, type HttpTarget, httpTarget } from '@mesh/core/proto';

type GrpcTarget = ReturnType<typeof grpcTarget>;

/** Method of the collector. */
const PATH = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';

/** Requests that may be on their way. */
const MAX_CALLS = 16;

/** Bytes of the requests that are on their way. */
const MAX_BYTES = 16 * 1024 * 1024;

/** For calls whose service has no `timeout`; Envoy would wait forever. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** What answers are waited for at the end. */
const CLOSE_MS = 800;

/** A collector. Exactly one of the services is given. */
export interface ExporterOptions {
  readonly grpcService?: Parameters<typeof grpcTarget>[0] | undefined;
  readonly httpService?: Parameters<typeof httpTarget>[0] | undefined;
}

interface Call {
  cancel(): void;
}

export class Exporter {
  private readonly sideCalls: SideCalls;
  private readonly timers: Timers;
  private readonly log: ObserverContext['log'];
  private readonly grpc: GrpcTarget | undefined;
  private readonly http: HttpTarget | undefined;
  private readonly sent: Counter;
  private readonly failed: Counter;
  private readonly dropped: Counter;
  private readonly calls = new Set<Call>();
  private bytes = 0;
  private idle: (() => void) | undefined = undefined;
  private closed = false;

  constructor({ grpcService, httpService }: ExporterOptions, { log, sideCalls, stats, timers }: ObserverContext) {
    this.sideCalls = sideCalls;
    this.timers = timers;
    this.log = log;
    this.grpc = grpcService && grpcTarget(grpcService);
    this.http = httpService && httpTarget(httpService);
    this.sent = stats.counter('open_telemetry_stat_sink.exports_sent');
    this.failed = stats.counter('open_telemetry_stat_sink.exports_failed');
    this.dropped = stats.counter('open_telemetry_stat_sink.exports_dropped');
  }

  /** Sends one request, unless too much is on its way already. */
  send(request: Uint8Array): void {
    if (this.closed || this.calls.size >= MAX_CALLS || this.bytes + request.length > MAX_BYTES) {
      this.dropped.inc();
      return;
    }
    this.sent.inc();
    this.bytes += request.length;
    if (this.grpc !== undefined) this.sendGrpc(request, this.grpc);
    else if (this.http !== undefined) this.sendHttp(request, this.http);
  }

  private sendGrpc(request: Uint8Array, { cluster, timeoutMs, ...target }: GrpcTarget): void {
    const options = { ...target, path: PATH, timeoutMs: timeoutMs || DEFAULT_TIMEOUT_MS };
    const call = this.sideCalls.openGrpcStream(cluster, options, {
      onEnd: (status, message) => this.ended(call, request, status === 0 ? undefined : `status ${status}: ${message}`),
    });
    this.calls.add(call);
    call.send(request);
    call.end();
  }

  private sendHttp(body: Uint8Array, { cluster, headers, timeoutMs, ...target }: HttpTarget): void {
    const call = this.sideCalls.request(
      cluster,
      {
        ...target,
        method: 'POST',
        headers: [['content-type', 'application/x-protobuf'], ...headers],
        body,
        timeoutMs: timeoutMs || DEFAULT_TIMEOUT_MS,
      },
      {
        onResponse: ({ status }) => this.ended(call, body, status < 300 ? undefined : `HTTP status ${status}`),
        onFailure: (failure, detail) => this.ended(call, body, `${failure}: ${detail}`),
      },
    );
    this.calls.add(call);
  }

  private ended(call: Call, { length }: Uint8Array, problem: string | undefined): void {
    if (!this.calls.delete(call)) return;
    this.bytes -= length;
    if (problem !== undefined) {
      this.failed.inc();
      this.log('debug', `export of metrics failed: ${problem}`);
    }
    if (this.calls.size === 0) this.idle?.();
  }

  /** Resolves when everything has been answered; what takes too long is given up. */
  close(): Promise<void> {
    this.closed = true;
    if (this.calls.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const deadline = this.timers.after(CLOSE_MS, () => this.giveUp());
      this.idle = () => {
        deadline.cancel();
        resolve();
      };
    });
  }

  private giveUp(): void {
    for (const call of this.calls) call.cancel();
    this.failed.add(this.calls.size);
    this.calls.clear();
    this.idle?.();
  }
}
