/**
 * HTTP/1 towards upstreams: one request at a time on one connection. Invariants: a byte that belongs to no response
 * ends the connection (response queue poisoning); the connection is reusable only when both messages ended cleanly; no
 * byte of a tunnel is sent before the upstream has agreed to it.
 */
import type { RequestWriter, ResetReason, ResponseSink, UpstreamFailure } from '../api/codec.ts';
import type { Headers, RequestHeaders } from '../api/headers.ts';
import { Body, type RequestHead, type ResponseHead } from '../headers/header-map.ts';
import type { Connection } from '../net/connection.ts';
import { BodyWriter } from './body-writer.ts';
import { ChunkedDecoder } from './chunked.ts';
import type { ClientCodecHandler } from './handlers.ts';
import { FAILED, type HeadLimits, HeadParser, NEED_MORE, Section } from './head-parser.ts';
import { writeNames } from './kept-names.ts';
import { DEFAULT_CLIENT_OPTIONS, type Http1ClientOptions } from './options.ts';
import { requestFraming } from './outgoing-framing.ts';
import { HeadReader } from './read-head.ts';
import { fieldLines } from './serializer.ts';
import { TunnelGate } from './tunnel.ts';

const Phase = { idle: 0, head: 1, body: 2, chunks: 3, trailers: 4, untilClose: 5, done: 6, dead: 7 } as const;

/** Interim responses per request; more is an attack on memory and patience. */
const MAX_INTERIM = 16;
const EMPTY = Buffer.alloc(0);

export class Http1ClientCodec implements RequestWriter {
  readonly connection: Connection;
  private readonly handler: ClientCodecHandler;
  private readonly bodyWriter: BodyWriter;
  private readonly parser: HeadParser;
  private readonly limits: HeadLimits;
  private readonly enableTrailers: boolean;
  private readonly options: Http1ClientOptions;
  /** Heads need more than plain serializing. */
  private readonly rareHeads: boolean;
  private readonly reader = new HeadReader();
  private chunked: ChunkedDecoder | undefined = undefined;
  private trailerParser: HeadParser | undefined = undefined;
  private phase: number = Phase.idle;
  private remaining = 0;
  private ownSink: ResponseSink | undefined = undefined;
  private toHead = false;
  private interim = 0;
  private requestEnded = true;
  private close = false;
  private responsePauses = 0;
  private reused = false;
  /** What had been written to the connection before this request. */
  private writtenBefore = 0;
  /** The stream was reset from this side. */
  gaveUp = false;
  /** Requests started on this connection. */
  requests = 0;
  private ownResponseStarted = false;
  /** The request asks for a tunnel, and is not answered yet. */
  private gate: TunnelGate | undefined = undefined;
  private tunnelled = false;
  private connect = false;
  private webSocket = false;

  constructor(
    connection: Connection,
    limits: HeadLimits,
    enableTrailers: boolean,
    handler: ClientCodecHandler,
    options: Http1ClientOptions = DEFAULT_CLIENT_OPTIONS,
  ) {
    this.options = options;
    this.rareHeads = options.fullUrl || options.names !== 'lower';
    this.connection = connection;
    this.bodyWriter = new BodyWriter(connection);
    this.handler = handler;
    this.limits = limits;
    this.enableTrailers = enableTrailers;
    this.parser = new HeadParser(Section.response, limits);
  }

  get busy(): boolean {
    return this.phase !== Phase.idle;
  }

  /** Names the receiver of the next response; before `writeHead`. `reused`: the peer may have given the connection up. */
  attach(sink: ResponseSink, reused = this.requests > 0): void {
    this.ownSink = sink;
    this.reused = reused;
    this.writtenBefore = this.connection.bytesWritten;
    this.phase = Phase.head;
    this.interim = 0;
    this.close = false;
    this.ownResponseStarted = false;
    this.requestEnded = false;
    this.gate = undefined;
    this.tunnelled = false;
    this.connect = false;
    this.requests++;
  }

  // RequestWriter

  writeHead(headers: RequestHeaders, end: boolean): void {
    const head = headers as RequestHead;
    this.toHead = head.method === 'HEAD';
    if (!end && (head.upgradeTo !== '' || head.rawMethod === 'CONNECT')) {
      this.askForTunnel(head);
      return;
    }
    const fields = `\r\nhost: ${head.authority}${fieldLines(head)}${requestFraming(this.bodyWriter, head, end)}\r\n\r\n`;
    if (this.rareHeads || head.names !== undefined) this.writeRareHead(head, fields);
    else this.connection.addText(`${head.method} ${head.path} HTTP/1.1${fields}`);
    if (end) this.endRequest();
  }

  /** To a proxy, or with names in another form than lower case. */
  private writeRareHead(head: RequestHead, fields: string): void {
    const { fullUrl, names } = this.options;
    const target = fullUrl ? `http://${head.authority}${head.path}` : head.path;
    this.connection.addText(`${head.method} ${target} HTTP/1.1${writeNames(fields, head.names, names)}`);
  }

  /** A CONNECT names an authority and no path (RFC 9112 3.2.3). */
  private askForTunnel(head: RequestHead): void {
    this.gate = new TunnelGate();
    this.connect = head.rawMethod === 'CONNECT';
    this.webSocket = head.upgradeTo.toLowerCase() === 'websocket';
    this.bodyWriter.start(Body.untilClose, 0);
    const target = this.connect ? head.authority : head.path;
    const connection = this.connect ? '' : '\r\nconnection: Upgrade';
    const fields = `${fieldLines(head)}${connection}`;
    this.connection.addText(`${head.method} ${target} HTTP/1.1\r\nhost: ${head.authority}${fields}\r\n\r\n`);
  }

  writeData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (this.gate !== undefined) {
      this.gate.hold(chunk, owned);
      this.requestEnded = end;
    } else if (!this.bodyWriter.write(chunk, end, owned)) this.giveUp();
    else if (end) this.endRequest();
  }

  writeTrailers(trailers: Headers): void {
    if (this.bodyWriter.end(trailers, this.enableTrailers, this.options.names)) this.endRequest();
    else this.giveUp();
  }

  /** The body is not what its head said: the upstream must not take it for whole. */
  private giveUp(): void {
    const sink = this.ownSink;
    this.reset();
    sink?.onReset(this.failure('local reset', undefined));
  }

  flush(): boolean {
    const writable = this.connection.flush();
    return writable && this.gate?.full !== true;
  }

  reset(): void {
    this.ownSink = undefined;
    this.gaveUp = true;
    this.phase = Phase.dead;
    // FIN is how a tunnel ends. Of a request some hosts, this proxy too, would take it that its client still waits for the
    // answer (RFC 9112 9.6).
    if (this.tunnelled) this.connection.destroy();
    else this.connection.reset();
  }

  pauseResponse(): void {
    this.responsePauses++;
    this.connection.pauseReading();
  }

  resumeResponse(): void {
    if (this.responsePauses === 0) return;
    this.responsePauses--;
    this.connection.resumeReading();
  }

  private endRequest(): void {
    this.connection.flush();
    this.requestEnded = true;
    // A stream of HTTP/2 may close the sending side of a tunnel; a WebSocket has its own way to say so.
    if (this.tunnelled && this.connect) this.connection.end();
  }

  // Input

  feed(chunk: Buffer, owned: boolean): void {
    const sink = this.ownSink;
    this.ownResponseStarted = true;
    let pos = 0;
    while (pos >= 0 && pos < chunk.length) {
      switch (this.phase) {
        case Phase.head:
          pos = this.head(chunk, pos);
          break;
        case Phase.body:
          pos = this.body(chunk, pos, owned);
          break;
        case Phase.chunks:
          pos = this.chunks(chunk, pos, owned);
          break;
        case Phase.trailers:
          pos = this.trailers(chunk, pos);
          break;
        case Phase.untilClose:
          (this.ownSink as ResponseSink).onData(pos === 0 ? chunk : (chunk.subarray(pos) as Buffer), false, owned);
          pos = chunk.length;
          break;
        case Phase.done:
          // Bytes behind a whole response belong to no request: the response counts, the connection does not.
          this.close = true;
          pos = -1;
          break;
        case Phase.idle:
          this.phase = Phase.dead;
          this.handler.onProtocolError();
          pos = -1;
          break;
        default:
          pos = -1;
      }
    }
    if (this.ownSink !== undefined && this.ownSink === sink) sink.onBatchEnd();
    if (this.phase === Phase.done) this.finish();
  }

  private head(chunk: Buffer, pos: number): number {
    const parser = this.parser;
    const end = parser.feed(chunk, pos);
    if (end === NEED_MORE) return end;
    if (end === FAILED) return this.fail();
    const head = this.reader.response(parser, this.toHead, this.connect, this.options);
    if (head === undefined) return this.fail();
    parser.reset();
    const sink = this.ownSink as ResponseSink;
    if (this.gate !== undefined && (head.status === 101 || head.status >= 200)) return this.answerTunnel(head, end);
    if (head.status < 200) {
      if (head.status === 101 || ++this.interim > MAX_INTERIM) return this.fail();
      // The final response has begun only with its own first byte.
      this.ownResponseStarted = end < chunk.length;
      sink.onInterim(head);
      return end;
    }
    if (head.close) this.close = true;
    this.beginBody(head);
    sink.onHead(head, this.phase === Phase.done);
    return end;
  }

  /** The final answer to a request for a tunnel. */
  private answerTunnel(head: ResponseHead, end: number): number {
    const sink = this.ownSink as ResponseSink;
    const gate = this.gate as TunnelGate;
    this.gate = undefined;
    this.close = true;
    if (head.status === 101 && (this.connect || !this.reader.switchesProtocol(head))) return this.fail();
    if (head.status >= (this.connect ? 300 : 200)) {
      this.refuseTunnel(head);
      return end;
    }
    this.tunnelled = true;
    this.phase = Phase.untilClose;
    sink.onHead(head, false);
    if (this.ownSink !== sink) return end;
    gate.release(this.connection);
    if (this.requestEnded) this.endRequest();
    else this.connection.flush();
    sink.onWritable();
    return end;
  }

  /** What was held is never sent. A WebSocket handshake that failed is answered by the head alone, as by Envoy. */
  private refuseTunnel(head: ResponseHead): void {
    if (!this.webSocket || head.status >= 400) this.beginBody(head);
    else {
      head.drop('content-length');
      this.phase = Phase.done;
    }
    (this.ownSink as ResponseSink).onHead(head, this.phase === Phase.done);
  }

  private beginBody(head: ResponseHead): void {
    switch (head.framing) {
      case Body.length:
        this.remaining = head.contentLength;
        this.phase = Phase.body;
        break;
      case Body.chunked:
        this.chunked ??= new ChunkedDecoder();
        this.chunked.reset();
        this.phase = Phase.chunks;
        break;
      case Body.untilClose:
        this.phase = Phase.untilClose;
        break;
      default:
        this.phase = Phase.done;
    }
  }

  private body(chunk: Buffer, pos: number, owned: boolean): number {
    const available = chunk.length - pos;
    const sink = this.ownSink as ResponseSink;
    if (available < this.remaining) {
      this.remaining -= available;
      sink.onData(pos === 0 ? chunk : (chunk.subarray(pos) as Buffer), false, owned);
      return chunk.length;
    }
    const end = pos + this.remaining;
    this.remaining = 0;
    this.phase = Phase.done;
    sink.onData(chunk.subarray(pos, end) as Buffer, true, owned);
    return end;
  }

  private chunks(chunk: Buffer, pos: number, owned: boolean): number {
    const decoder = this.chunked as ChunkedDecoder;
    let next = decoder.next(chunk, pos);
    while (next >= 0 && decoder.dataEnd > 0) {
      this.ownSink?.onData(chunk.subarray(decoder.dataStart, decoder.dataEnd) as Buffer, false, owned);
      if (this.phase !== Phase.chunks) return -1;
      if (next === chunk.length) return next;
      next = decoder.next(chunk, next);
    }
    if (next === FAILED) return this.fail();
    if (next === NEED_MORE) return chunk.length;
    this.trailerParser ??= new HeadParser(Section.trailers, this.limits);
    this.phase = Phase.trailers;
    return next;
  }

  private trailers(chunk: Buffer, pos: number): number {
    const parser = this.trailerParser as HeadParser;
    const end = parser.feed(chunk, pos);
    if (end === NEED_MORE) return end;
    if (end === FAILED) return this.fail();
    this.phase = Phase.done;
    const sink = this.ownSink as ResponseSink;
    const trailers =
      this.enableTrailers && parser.fieldCount > 0 ? this.reader.trailers(parser, this.options) : undefined;
    parser.reset();
    if (trailers !== undefined && trailers.size > 0) sink.onTrailers(trailers);
    else sink.onData(EMPTY, true, true);
    return end;
  }

  private fail(): number {
    const sink = this.ownSink;
    this.phase = Phase.dead;
    this.ownSink = undefined;
    this.handler.onProtocolError();
    sink?.onReset(this.failure('protocol error', undefined));
    return -1;
  }

  /** The response is whole. With the request still being written the connection cannot be kept. */
  private finish(): void {
    const reusable = this.requestEnded && !this.close;
    this.ownSink = undefined;
    this.phase = reusable ? Phase.idle : Phase.dead;
    while (this.responsePauses > 0) {
      this.responsePauses--;
      this.connection.resumeReading();
    }
    this.handler.onExchangeEnd(reusable);
  }

  /** A response has begun whose end is still to come, and which the end of the connection does not end. */
  get midResponse(): boolean {
    if (this.ownSink === undefined || !this.ownResponseStarted || this.tunnelled) return false;
    return this.phase !== Phase.untilClose && this.phase !== Phase.done && this.phase !== Phase.idle;
  }

  /** The socket is gone (or sent FIN): ends the exchange that was under way. */
  disconnected(reason: ResetReason, detail: string | undefined, orderly: boolean): void {
    const sink = this.ownSink;
    const phase = this.phase;
    this.ownSink = undefined;
    this.phase = Phase.dead;
    if (sink === undefined || phase === Phase.idle || phase === Phase.done) return;
    // A tunnel has no orderly end; towards a client, which knows that, FIN is all that remains of it.
    if (phase === Phase.untilClose && orderly && !this.tunnelled) {
      sink.onData(EMPTY, true, true);
      sink.onBatchEnd();
      return;
    }
    sink.onReset(this.failure(reason, detail));
  }

  failure(reason: ResetReason, detail: string | undefined): UpstreamFailure {
    return {
      reason,
      detail,
      reused: this.reused,
      // The end of a tunnel cuts no message.
      responseStarted: this.ownResponseStarted && !this.tunnelled,
      requestSent: this.connection.bytesWritten > this.writtenBefore,
    };
  }
}
