/** Test equipment of the codecs: a socket in memory, and sinks that write down what they are given. */
import { EventEmitter } from 'node:events';
import type net from 'node:net';
import type { RequestSink, ResetReason, ResponseSink, UpstreamFailure } from '../api/codec.ts';
import type { Headers, RequestHeaders, ResponseHeaders } from '../api/headers.ts';
import type { RequestHead, ResponseHead } from '../headers/header-map.ts';
import { ResponseHead as Response } from '../headers/header-map.ts';
import { Connection, type ConnectionHandler } from '../net/connection.ts';
import { Http1ClientCodec } from './client-codec.ts';
import type { ServerCodecHandler } from './handlers.ts';
import { DEFAULT_HTTP1_OPTIONS, type Http1Options } from './options.ts';
import type { ProtocolError } from './protocol-error.ts';
import { Http1ServerCodec } from './server-codec.ts';

/** Stands in for `net.Socket`: keeps what is written, counts pauses, never does anything later. */
export class MemorySocket extends EventEmitter {
  output = '';
  writableLength = 0;
  writableNeedDrain = true;
  readonly remoteAddress = '127.0.0.1';
  paused = false;
  ended = false;
  destroyed = false;
  wasReset = false;

  write(data: string | Uint8Array): boolean {
    this.output += typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
    return true;
  }
  /** What was written since the last call. */
  take(): string {
    const output = this.output;
    this.output = '';
    return output;
  }
  cork(): void {}
  uncork(): void {}

  setDefaultEncoding(): this {
    return this;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  end(): void {
    this.ended = true;
  }
  destroy(): void {
    this.destroyed = true;
  }
  resetAndDestroy(): void {
    this.wasReset = true;
    this.destroyed = true;
  }
}

const IGNORE: ConnectionHandler = { onBytes() {}, onEnd() {}, onWritable() {}, onClose() {} };

/** A `Connection` over a {@link MemorySocket}. */
function memoryConnection(): { socket: MemorySocket; connection: Connection } {
  const socket = new MemorySocket();
  return { socket, connection: Connection.accept(socket as unknown as net.Socket, IGNORE, 64 * 1024) };
}

/** One received message, in a form that can be compared. */
export interface Recorded<Head> {
  head: Head | undefined;
  body: string;
  trailers: [string, string][] | undefined;
  ended: boolean;
  reset: string | undefined;
  batches: number;
}

function blank<Head>(): Recorded<Head> {
  return { head: undefined, body: '', trailers: undefined, ended: false, reset: undefined, batches: 0 };
}

/** A `RequestSink` that records, and fails on any order of calls that the contract forbids. */
class RequestRecorder implements RequestSink {
  readonly seen: Recorded<RequestHead> = blank();
  private readonly onEnded: () => void;
  private readonly ownOnHead: () => void;
  constructor(onHead: () => void = () => {}, onEnded: () => void = () => {}) {
    this.ownOnHead = onHead;
    this.onEnded = onEnded;
  }
  onHead(head: RequestHeaders, end: boolean): void {
    if (this.seen.head !== undefined) throw new Error('second head');
    this.seen.head = head as RequestHead;
    this.ownOnHead();
    this.ownEnd(end);
  }
  onData(chunk: Uint8Array, end: boolean): void {
    this.part();
    this.seen.body += Buffer.from(chunk).toString('latin1');
    this.ownEnd(end);
  }
  onTrailers(trailers: Headers): void {
    this.part();
    this.seen.trailers = [...trailers.entries()];
    this.ownEnd(true);
  }
  onBatchEnd(): void {
    this.seen.batches++;
  }
  onReset(reason: ResetReason): void {
    this.seen.reset = reason;
  }
  onWritable(): void {}
  private part(): void {
    if (this.seen.head === undefined || this.seen.ended) throw new Error('body part outside of a message');
  }
  private ownEnd(end: boolean): void {
    if (!end) return;
    this.seen.ended = true;
    this.onEnded();
  }
}

/** A server codec whose requests are recorded and, unless `manual`, answered with `200` and `ok` as they end. */
export class ServerRig implements ServerCodecHandler {
  readonly socket: MemorySocket;
  readonly connection: Connection;
  readonly codec: Http1ServerCodec;
  readonly requests: Recorded<RequestHead>[] = [];
  readonly errors: ProtocolError[] = [];
  /** The arguments of each `onExchangeEnd`. */
  readonly ends: boolean[] = [];
  headStarts = 0;
  manual = false;
  /** Runs inside the sink's `onHead`. */
  onHead: () => void = () => {};

  constructor(options: Http1Options = DEFAULT_HTTP1_OPTIONS) {
    const { socket, connection } = memoryConnection();
    this.socket = socket;
    this.connection = connection;
    this.codec = new Http1ServerCodec(connection, options, this);
  }

  feed(text: string): void {
    this.codec.feed(Buffer.from(text, 'latin1'), true);
  }

  answer(status = 200, body = 'ok'): void {
    const head = new Response();
    head.status = status;
    head.put('content-length', String(body.length));
    this.codec.writeHead(head, false);
    this.codec.writeData(Buffer.from(body, 'latin1'), true, true);
  }

  onHeadStarted(): void {
    this.headStarts++;
  }
  newStream(): RequestSink {
    const recorder = new RequestRecorder(this.onHead, () => {
      if (!this.manual) this.answer();
    });
    this.requests.push(recorder.seen);
    return recorder;
  }
  onProtocolError(error: ProtocolError): void {
    this.errors.push(error);
    if (!this.manual) this.answer(error.status, '');
  }
  onExchangeEnd(closing: boolean): void {
    this.ends.push(closing);
  }
}

/** A `ResponseSink` that records. */
export class ResponseRecorder implements ResponseSink {
  readonly seen: Recorded<ResponseHead> = blank();
  readonly interim: number[] = [];
  failure: UpstreamFailure | undefined = undefined;
  onHead(head: ResponseHeaders, end: boolean): void {
    this.seen.head = head as ResponseHead;
    this.seen.ended = end;
  }
  onData(chunk: Uint8Array, end: boolean): void {
    if (this.seen.ended) throw new Error('data behind the end');
    this.seen.body += Buffer.from(chunk).toString('latin1');
    this.seen.ended = end;
  }
  onTrailers(trailers: Headers): void {
    this.seen.trailers = [...trailers.entries()];
    this.seen.ended = true;
  }
  onBatchEnd(): void {
    this.seen.batches++;
  }
  onInterim(head: ResponseHeaders): void {
    this.interim.push(head.status);
  }
  onReset(failure: UpstreamFailure): void {
    if (this.seen.ended) throw new Error('reset behind the end');
    this.failure = failure;
  }
  onWritable(): void {}
}

/** A client codec on a connection in memory. */
export class ClientRig {
  readonly socket: MemorySocket;
  readonly codec: Http1ClientCodec;
  /** The arguments of each `onExchangeEnd`. */
  readonly ends: boolean[] = [];
  protocolErrors = 0;

  constructor(options: Http1Options = DEFAULT_HTTP1_OPTIONS) {
    const { socket, connection } = memoryConnection();
    this.socket = socket;
    this.codec = new Http1ClientCodec(connection, options.limits, options.enableTrailers, {
      onExchangeEnd: (reusable) => this.ends.push(reusable),
      onProtocolError: () => this.protocolErrors++,
    });
  }

  /** Sends a request without a body; its response goes to the returned recorder. */
  send(head: RequestHead): ResponseRecorder {
    const recorder = new ResponseRecorder();
    this.codec.attach(recorder, this.codec.requests > 0);
    this.codec.writeHead(head, true);
    return recorder;
  }

  feed(text: string): void {
    this.codec.feed(Buffer.from(text, 'latin1'), true);
  }
}
