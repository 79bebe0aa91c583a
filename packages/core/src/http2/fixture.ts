/** Test equipment: a server on the codec with a handler per request, and a raw client that sees frames. */
import net from 'node:net';
import type { Clock } from '../api/clock.ts';
import type { RequestSink, ResetReason } from '../api/codec.ts';
import type { Headers, RequestHeaders } from '../api/headers.ts';
import { RequestHead, ResponseHead } from '../headers/header-map.ts';
import { Connection, type ConnectionHandler } from '../net/connection.ts';
import { systemClock } from '../runtime/clock.ts';
import { TimerWheel } from '../runtime/timer-wheel.ts';
import { http2CodecStats, StatsStore } from '../stats/index.ts';
import {
  Flag,
  FrameType,
  frameLength,
  HEADER_BYTES,
  PREFACE,
  readUint31,
  writeFrameHeader,
  writeUint32,
} from './frames.ts';
import type { Http2ConnectionError, Http2ResponseWriter, Http2ServerHandler } from './handlers.ts';
import { DEFAULT_HTTP2_OPTIONS, type Http2Options } from './options.ts';
import { Http2ServerCodec } from './server-codec.ts';

/** Writes down what a request brought; `act` answers. */
export class Exchange implements RequestSink {
  readonly writer: Http2ResponseWriter;
  head = new RequestHead();
  body = '';
  bytes = 0;
  trailers: Headers | undefined = undefined;
  ended = false;
  reset: ResetReason | undefined = undefined;
  details: string | undefined = undefined;
  batches = 0;
  writable = 0;
  streamEnded = false;
  private readonly act: (exchange: Exchange, event: 'head' | 'data' | 'end' | 'batch' | 'writable') => void;

  constructor(writer: Http2ResponseWriter, act: Exchange['act']) {
    this.writer = writer;
    this.act = act;
  }

  onHead(head: RequestHeaders, end: boolean): void {
    this.head = head as RequestHead;
    this.ended = end;
    this.act(this, 'head');
    if (end) this.act(this, 'end');
  }
  onData(chunk: Uint8Array, end: boolean): void {
    if (this.bytes < 100_000) this.body += Buffer.from(chunk).toString('latin1');
    this.bytes += chunk.length;
    this.ended = end;
    this.act(this, 'data');
    if (end) this.act(this, 'end');
  }
  onTrailers(trailers: Headers): void {
    this.trailers = trailers;
    this.ended = true;
    this.act(this, 'end');
  }
  onBatchEnd(): void {
    this.batches++;
    this.act(this, 'batch');
  }
  onReset(reason: ResetReason, details?: string): void {
    this.reset = reason;
    this.details = details;
  }
  onWritable(): void {
    this.writable++;
    this.act(this, 'writable');
  }

  /** A whole answer. */
  answer(status: number, body = '', fields: readonly string[] = []): void {
    this.writer.writeHead(responseHead(status, fields), body === '');
    if (body !== '') this.writer.writeData(Buffer.from(body), true, true);
    this.writer.flush();
  }
}

export function responseHead(status: number, fields: readonly string[] = []): ResponseHead {
  const head = new ResponseHead();
  head.rawStatus = status;
  head.fields.push(...fields);
  return head;
}

export const testWheel = new TimerWheel(systemClock, (error) => {
  throw error;
});

/** Time that moves only when told to. */
export class StillClock implements Clock {
  private now = 1000;
  private wake: { readonly at: number; readonly callback: () => void } | undefined = undefined;

  nowMs(): number {
    return this.now;
  }
  wallMs(): number {
    return this.now;
  }
  schedule(callback: () => void, delayMs: number): () => void {
    const wake = { at: this.now + delayMs, callback };
    this.wake = wake;
    return () => {
      if (this.wake === wake) this.wake = undefined;
    };
  }
  advance(ms: number): void {
    const until = this.now + ms;
    for (let wake = this.wake; wake !== undefined && wake.at <= until; wake = this.wake) {
      this.now = Math.max(this.now, wake.at);
      this.wake = undefined;
      wake.callback();
    }
    this.now = until;
  }
}

/** One connection of the test server. */
export class ServerSide implements ConnectionHandler, Http2ServerHandler {
  readonly connection: Connection;
  readonly codec: Http2ServerCodec;
  readonly stats = http2CodecStats(new StatsStore().scope(''));
  readonly exchanges: Exchange[] = [];
  readonly messageErrors: string[] = [];
  headsStarted = 0;
  withdrawn = 0;
  ended = 0;
  goAways = 0;
  error: Http2ConnectionError | undefined = undefined;
  private readonly act: Exchange['act'];

  constructor(socket: net.Socket, options: Partial<Http2Options>, act: Exchange['act'], wheel = testWheel) {
    this.act = act;
    this.connection = Connection.accept(socket, this, 64 * 1024);
    this.codec = new Http2ServerCodec(
      this.connection,
      { ...DEFAULT_HTTP2_OPTIONS, ...options },
      wheel,
      this.stats,
      this,
    );
    this.codec.begin();
  }

  onBytes(chunk: Buffer, owned: boolean): void {
    this.codec.feed(chunk, owned);
  }
  onEnd(): void {
    this.connection.end();
  }
  onWritable(): void {
    this.codec.onWritable();
  }
  onClose(): void {
    this.codec.closed();
  }
  onHeadStarted(): void {
    this.headsStarted++;
  }
  newStream(writer: Http2ResponseWriter): RequestSink {
    const exchange = new Exchange(writer, this.act);
    this.exchanges.push(exchange);
    return exchange;
  }
  onWithdrawn(): void {
    this.withdrawn++;
  }
  onStreamEnd(writer: Http2ResponseWriter): void {
    this.ended++;
    for (const exchange of this.exchanges) if (exchange.writer === writer) exchange.streamEnded = true;
  }
  onConnectionError(error: Http2ConnectionError): void {
    this.error = error;
    this.connection.end();
  }
  onMessageError(details: string): void {
    this.messageErrors.push(details);
  }
  onGoAway(): void {
    this.goAways++;
  }
}

/** A server on an ephemeral port; every connection is in `sides`. */
export class TestServer {
  readonly sides: ServerSide[] = [];
  readonly server: net.Server;
  private readonly waiting: (() => void)[] = [];

  constructor(options: Partial<Http2Options>, act: Exchange['act'], wheel = testWheel) {
    this.server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.sides.push(new ServerSide(socket, options, act, wheel));
      for (const resolve of this.waiting.splice(0)) resolve();
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as net.AddressInfo).port;
  }

  get side(): ServerSide {
    return this.sides.at(-1) as ServerSide;
  }

  async close(): Promise<void> {
    for (const side of this.sides) side.connection.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** A frame as it came. */
export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
  writeFrameHeader(bytes, 0, payload.length, type, flags, stream);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** Four bytes, big-endian. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  writeUint32(bytes, 0, value);
  return bytes;
}

/** A header block of literals without Huffman coding. */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of fields) parts.push(Buffer.from([0]), text(name), text(value));
  return Buffer.concat(parts);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  const { length } = bytes;
  if (length < 127) return Buffer.concat([Buffer.from([length]), bytes]);
  const prefix = [127];
  let rest = length - 127;
  for (; rest >= 128; rest >>>= 7) prefix.push((rest & 127) | 128);
  prefix.push(rest);
  return Buffer.concat([Buffer.from(prefix), bytes]);
}

export const GET: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'example.com'],
];
export const POST: readonly (readonly [string, string])[] = [[':method', 'POST'], ...GET.slice(1)];

/** Speaks frames, and keeps those that come. */
export class RawClient {
  readonly socket: net.Socket;
  readonly frames: SeenFrame[] = [];
  closed = false;
  private input: Buffer = Buffer.alloc(0);
  private waiters: { done: () => boolean; resolve: () => void }[] = [];

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.take(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.check();
    });
  }

  static async connect(port: number, greet = true): Promise<RawClient> {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    const client = new RawClient(socket);
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
    if (greet) client.send(PREFACE, frame(FrameType.SETTINGS, 0, 0));
    return client;
  }

  send(...parts: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  private take(chunk: Buffer): void {
    this.input = Buffer.concat([this.input, chunk]);
    while (this.input.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + frameLength(this.input, 0);
      if (this.input.length < end) break;
      this.frames.push({
        type: this.input[3] as number,
        flags: this.input[4] as number,
        stream: readUint31(this.input, 5),
        payload: this.input.subarray(HEADER_BYTES, end),
      });
      this.input = this.input.subarray(end);
    }
    this.check();
  }

  private check(): void {
    this.waiters = this.waiters.filter((waiter) => {
      if (!waiter.done()) return true;
      waiter.resolve();
      return false;
    });
  }

  private until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push({ done, resolve }));
  }

  /** The first frame of `type`, and of `stream` where one is named; `undefined` when the connection ends first. */
  async frame(type: number, stream?: number): Promise<SeenFrame | undefined> {
    const find = () => this.frames.find((f) => f.type === type && (stream === undefined || f.stream === stream));
    await this.until(() => find() !== undefined || this.closed);
    return find();
  }

  /** The connection has ended. */
  async end(): Promise<void> {
    await this.until(() => this.closed);
  }

  /** Returns when the server has worked off everything sent so far. */
  async sync(): Promise<void> {
    const acks = () => this.frames.filter((f) => f.type === FrameType.PING && (f.flags & Flag.ACK) !== 0).length;
    const before = acks();
    this.send(frame(FrameType.PING, 0, 0, Buffer.alloc(8)));
    await this.until(() => acks() > before || this.closed);
  }

  /** The error code of the GOAWAY that ends the connection. */
  async goAwayCode(): Promise<number> {
    const seen = await this.frame(FrameType.GOAWAY);
    return seen === undefined ? -1 : seen.payload.readUInt32BE(4);
  }

  async resetCode(stream: number): Promise<number> {
    const seen = await this.frame(FrameType.RST_STREAM, stream);
    return seen === undefined ? -1 : seen.payload.readUInt32BE(0);
  }
}
