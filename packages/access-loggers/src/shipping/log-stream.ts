/**
 * One gRPC stream to a log service, opened when there is something to send and again after it has ended. What the
 * service answers is of no interest. A stream that has failed is opened again no sooner than a flush interval later.
 */
import type { Counter, GrpcStream, ObserverContext } from '@mesh/core';
import type { GrpcTarget } from '@mesh/core/proto';
import { SentMessages } from './sent-messages.ts';

/** How the stream is opened. */
export interface LogStreamOptions {
  readonly target: GrpcTarget;
  readonly path: string;
  readonly connectRetries: number;
  readonly pauseMs: number;
}

export class LogStream {
  private readonly context: ObserverContext;
  private readonly options: LogStreamOptions;
  /** Entries that a broken stream has lost. */
  private readonly dropped: Counter | undefined;
  private stream: GrpcStream | undefined = undefined;
  private sent = new SentMessages();
  private writable = true;
  private openAgainMs = Number.NEGATIVE_INFINITY;
  private whenEnded: (() => void) | undefined = undefined;

  constructor(context: ObserverContext, options: LogStreamOptions, dropped: Counter | undefined) {
    this.context = context;
    this.options = options;
    this.dropped = dropped;
  }

  /** True when the next message is the first of its stream. */
  get fresh(): boolean {
    return this.stream === undefined;
  }

  /** Whether a message can be sent now; opens the stream if need be. */
  get ready(): boolean {
    if (this.stream !== undefined) return this.writable;
    const { clusters, timers } = this.context;
    return timers.nowMs() >= this.openAgainMs && clusters.get(this.options.target.cluster) !== undefined;
  }

  /** Sends a message with this many entries; ask {@link ready} first. */
  send(message: Uint8Array, entries: number): void {
    const stream = this.stream ?? this.open();
    this.writable = stream.send(message);
    this.sent.add(message.length, entries, stream.bufferedBytes);
  }

  private open(): GrpcStream {
    const { connectRetries, path, target } = this.options;
    const { authority, metadata, skipEnvoyHeaders, maxMessageBytes } = target;
    const limit = maxMessageBytes === undefined ? {} : { maxMessageBytes };
    const options = { path, authority, metadata, timeoutMs: 0, connectRetries, skipEnvoyHeaders, ...limit };
    const stream: GrpcStream = this.context.sideCalls.openGrpcStream(target.cluster, options, {
      onWritable: () => {
        this.writable = true;
      },
      onEnd: (status, message) => this.ended(stream, status, message),
    });
    this.stream = stream;
    this.sent = new SentMessages();
    return stream;
  }

  private ended(stream: GrpcStream, status: number, message: string): void {
    if (this.stream !== stream) return;
    this.stream = undefined;
    this.writable = true;
    const lost = this.sent.lost(stream.bufferedBytes);
    if (lost > 0) this.dropped?.add(lost);
    if (status !== 0) {
      this.openAgainMs = this.context.timers.nowMs() + this.options.pauseMs;
      const { cluster } = this.options.target;
      this.context.log('debug', `stream of logs to '${cluster}' ended with status ${status}: ${message}`);
    }
    this.whenEnded?.();
  }

  /** Ends the stream; resolves when the service has, after a second at the latest. */
  async close(): Promise<void> {
    const { stream } = this;
    if (stream === undefined) return;
    stream.end();
    await new Promise<void>((resolve) => {
      const limit = this.context.timers.after(1000, resolve);
      this.whenEnded = () => {
        limit.cancel();
        resolve();
      };
    });
    this.whenEnded = undefined;
    if (this.stream === stream) {
      this.stream = undefined;
      this.dropped?.add(this.sent.lost(stream.bufferedBytes));
      stream.cancel();
    }
  }
}
