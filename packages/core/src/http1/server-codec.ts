/**
 * HTTP/1 towards clients: bytes of one connection → requests, responses → bytes. One exchange at a time; pipelined
 * bytes wait. Invariants: the next head is parsed only after the previous request was read and answered whole; after
 * any parse error nothing more is parsed.
 */
import type { RequestSink, ResponseWriter } from '../api/codec.ts';
import type { Headers, ResponseHeaders } from '../api/headers.ts';
import { Body, type RequestHead, type ResponseHead } from '../headers/header-map.ts';
import type { Connection } from '../net/connection.ts';
import { BodyWriter } from './body-writer.ts';
import { ChunkedDecoder } from './chunked.ts';
import type { ServerCodecHandler } from './handlers.ts';
import { FAILED, HeadParser, NEED_MORE, Section } from './head-parser.ts';
import { writeNames } from './kept-names.ts';
import type { Http1Options } from './options.ts';
import { responseFraming } from './outgoing-framing.ts';
import type { ProtocolError } from './protocol-error.ts';
import { HeadReader } from './read-head.ts';
import { fieldLines, rareStatusLine, statusLine } from './serializer.ts';
import { asksForTunnel, opensTunnel } from './tunnel.ts';

const Phase = { head: 0, body: 1, chunks: 2, trailers: 3, waiting: 4, dead: 5, tunnel: 6 } as const;

const EMPTY = Buffer.alloc(0);

export class Http1ServerCodec implements ResponseWriter {
  readonly connection: Connection;
  private readonly options: Http1Options;
  private readonly handler: ServerCodecHandler;
  private readonly bodyWriter: BodyWriter;
  private readonly parser: HeadParser;
  private readonly reader = new HeadReader();
  private chunked: ChunkedDecoder | undefined = undefined;
  private trailerParser: HeadParser | undefined = undefined;
  private phase: number = Phase.head;
  private remaining = 0;
  private sink: RequestSink | undefined = undefined;
  private ownRequest: RequestHead | undefined = undefined;
  /** Bytes of later requests, kept while an exchange is under way. Their socket is paused. */
  private stash: Buffer = EMPTY;
  private stashPaused = false;
  private inFeed = false;
  private responseStarted = false;
  private responseEnded = true;
  private closeAfter = false;
  /** An exchange is under way: from its head, or the refusal of one, to `onExchangeEnd`. */
  private open = false;
  private requestPauses = 0;
  /** Names go out in a form of their own. */
  private readonly rareNames: boolean;

  constructor(connection: Connection, options: Http1Options, handler: ServerCodecHandler) {
    this.connection = connection;
    this.bodyWriter = new BodyWriter(connection);
    this.options = options;
    this.rareNames = options.names !== 'lower';
    this.handler = handler;
    this.parser = new HeadParser(Section.request, options.limits);
  }

  /** True while no exchange is under way and no byte of the next request has arrived. */
  get idle(): boolean {
    return this.phase === Phase.head && this.responseEnded && !this.parser.started && this.stash.length === 0;
  }

  /** A part of a head has arrived. */
  get inHead(): boolean {
    return this.phase === Phase.head && this.parser.started;
  }

  /** Bytes of later requests wait for the exchange under way. */
  get hasStash(): boolean {
    return this.stash.length > 0;
  }

  /** Fields of the last head that were left out for their names (`headers_with_underscores_action`). */
  get droppedFields(): number {
    return this.reader.dropped;
  }

  get requestComplete(): boolean {
    return this.phase === Phase.waiting || this.phase === Phase.head;
  }

  /** The connection closes when the current exchange ends; the response says so if its head is not out yet. */
  closeAfterResponse(): void {
    this.closeAfter = true;
  }

  /** Another sink gets what still comes of the exchange under way. */
  handOver(sink: RequestSink): void {
    this.sink = sink;
  }

  /** Input from the socket. */
  feed(chunk: Buffer, owned: boolean): void {
    if (this.phase === Phase.dead) return;
    if (this.inFeed || this.stash.length > 0) {
      this.stashBytes(chunk, owned);
      return;
    }
    this.inFeed = true;
    this.ownFeed(chunk, 0, owned);
    this.inFeed = false;
    this.sink?.onBatchEnd();
  }

  private ownFeed(chunk: Buffer, start: number, owned: boolean): void {
    let pos = start;
    while (pos < chunk.length) {
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
        case Phase.waiting:
          this.stashBytes(chunk.subarray(pos) as Buffer, owned);
          return;
        case Phase.tunnel:
          this.sink?.onData(pos === 0 ? chunk : (chunk.subarray(pos) as Buffer), false, owned);
          return;
        default:
          return;
      }
      if (pos < 0) return;
    }
  }

  private head(chunk: Buffer, pos: number): number {
    if (this.connection.backedUp) {
      // Answers to earlier requests are not read: do not take on more of them.
      this.stashBytes(chunk.subarray(pos) as Buffer, true);
      return -1;
    }
    const parser = this.parser;
    const fresh = !parser.started;
    const end = parser.feed(chunk, pos);
    if (end === NEED_MORE) {
      if (fresh) this.handler.onHeadStarted();
      return end;
    }
    if (end === FAILED) return this.fail(parser.error);
    const head = this.reader.request(parser, this.options);
    if (head === undefined) return this.fail(this.reader.error);
    parser.reset();
    this.begin(head);
    return end;
  }

  private begin(head: RequestHead): void {
    this.ownRequest = head;
    this.open = true;
    this.responseStarted = false;
    this.responseEnded = false;
    if (head.close) this.closeAfter = true;
    const end = head.framing === Body.none && !asksForTunnel(head);
    if (head.framing === Body.length) {
      this.remaining = head.contentLength;
      this.phase = Phase.body;
    } else if (head.framing === Body.chunked) {
      this.chunked ??= new ChunkedDecoder();
      this.chunked.reset();
      this.phase = Phase.chunks;
    } else {
      // No byte behind such a head is taken for a request, whether the tunnel comes about or not.
      this.phase = end ? Phase.waiting : Phase.tunnel;
    }
    head.upgradeTo = this.reader.upgrade;
    const sink = this.handler.newStream();
    this.sink = sink;
    sink.onHead(head, end);
    this.settle();
  }

  private body(chunk: Buffer, pos: number, owned: boolean): number {
    const available = chunk.length - pos;
    const sink = this.sink as RequestSink;
    if (available < this.remaining) {
      this.remaining -= available;
      sink.onData(pos === 0 ? chunk : (chunk.subarray(pos) as Buffer), false, owned);
      return chunk.length;
    }
    const end = pos + this.remaining;
    this.remaining = 0;
    this.phase = Phase.waiting;
    sink.onData(chunk.subarray(pos, end) as Buffer, true, owned);
    this.settle();
    return end;
  }

  private chunks(chunk: Buffer, pos: number, owned: boolean): number {
    const decoder = this.chunked as ChunkedDecoder;
    let next = decoder.next(chunk, pos);
    while (next >= 0 && decoder.dataEnd > 0) {
      this.sink?.onData(chunk.subarray(decoder.dataStart, decoder.dataEnd) as Buffer, false, owned);
      if (this.phase !== Phase.chunks) return -1;
      if (next === chunk.length) return next;
      next = decoder.next(chunk, next);
    }
    if (next === FAILED) return this.fail(decoder.error);
    if (next === NEED_MORE) return chunk.length;
    this.trailerParser ??= new HeadParser(Section.trailers, this.options.limits);
    this.phase = Phase.trailers;
    return next;
  }

  private trailers(chunk: Buffer, pos: number): number {
    const parser = this.trailerParser as HeadParser;
    const end = parser.feed(chunk, pos);
    if (end === NEED_MORE) return end;
    if (end === FAILED) return this.fail(parser.error);
    this.phase = Phase.waiting;
    const sink = this.sink as RequestSink;
    if (this.options.enableTrailers && parser.fieldCount > 0) {
      const trailers = this.reader.trailers(parser, this.options);
      parser.reset();
      if (trailers.size > 0) sink.onTrailers(trailers);
      else sink.onData(EMPTY, true, true);
    } else {
      parser.reset();
      sink.onData(EMPTY, true, true);
    }
    this.settle();
    return end;
  }

  private fail(error: ProtocolError): number {
    this.phase = Phase.dead;
    const stream = this.responseEnded ? undefined : this.sink;
    this.parser.reset();
    if (stream === undefined) {
      this.ownRequest = undefined;
      this.open = true;
      this.responseStarted = false;
      this.responseEnded = false;
    }
    this.closeAfter = true;
    this.handler.onProtocolError(error, stream);
    return -1;
  }

  private stashBytes(bytes: Buffer, owned: boolean): void {
    const kept = owned ? bytes : Buffer.from(bytes);
    this.stash = this.stash.length === 0 ? kept : Buffer.concat([this.stash, kept]);
    if (this.stashPaused) return;
    this.stashPaused = true;
    this.connection.pauseReading();
  }

  /** Takes up stashed bytes once the exchange before them is over and the client reads its answers. */
  resumeStash(): void {
    while (this.stashPaused && !this.inFeed && this.phase === Phase.head && !this.connection.backedUp) {
      const stash = this.stash;
      this.stash = EMPTY;
      this.stashPaused = false;
      this.connection.resumeReading();
      this.inFeed = true;
      this.ownFeed(stash, 0, true);
      this.inFeed = false;
      this.sink?.onBatchEnd();
    }
  }

  /** Gives up input: nothing more is parsed. */
  kill(): void {
    this.phase = Phase.dead;
    this.stash = EMPTY;
    if (this.stashPaused) {
      this.stashPaused = false;
      this.connection.resumeReading();
    }
    this.releasePauses();
  }

  // ResponseWriter

  writeInterim(head: ResponseHeaders): void {
    if (this.responseStarted || this.ownRequest?.minor === 0) return;
    this.connection.addText(`${statusLine(head.status)}${fieldLines(head as ResponseHead)}\r\n\r\n`);
    this.connection.flush();
  }

  writeHead(headers: ResponseHeaders, end: boolean): void {
    const head = headers as ResponseHead;
    // Also without a request: a head that never came whole is answered 408 by the connection manager.
    this.open = true;
    this.responseEnded = false;
    this.responseStarted = true;
    if (this.phase === Phase.tunnel && !end && opensTunnel(this.ownRequest, head.status)) {
      this.openTunnel(head);
      return;
    }
    if (!this.requestComplete) this.closeAfter = true;
    const old = this.ownRequest?.minor === 0;
    const framing = responseFraming(this.bodyWriter, head, end, this.ownRequest);
    if (this.bodyWriter.untilClose) this.closeAfter = true;
    let text = fieldLines(head) + framing;
    if (this.closeAfter) text += '\r\nconnection: close\r\n\r\n';
    else if (old) text += '\r\nconnection: keep-alive\r\n\r\n';
    else text += '\r\n\r\n';
    if (old || this.rareNames || head.names !== undefined) this.writeRareHead(head, text, old);
    else this.connection.addText(statusLine(head.status) + text);
    if (end) this.endResponse();
  }

  /** From here on bytes go through as they are, until one side ends. */
  private openTunnel(head: ResponseHead): void {
    this.closeAfter = true;
    this.bodyWriter.start(Body.untilClose, 0);
    const connection = head.status === 101 ? '\r\nconnection: Upgrade' : '';
    this.connection.addText(`${statusLine(head.status)}${fieldLines(head)}${connection}\r\n\r\n`);
  }

  /** An answer to an old client, or with names in another form than lower case. */
  private writeRareHead(head: ResponseHead, fields: string, old: boolean): void {
    const line = rareStatusLine(head.status, old ? 0 : 1, head.names?.reason);
    this.connection.addText(line + writeNames(fields, head.names, this.options.names));
  }

  writeData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (!this.bodyWriter.write(chunk, end, owned)) this.reset();
    else if (end) this.endResponse();
  }

  writeTrailers(trailers: Headers): void {
    if (this.bodyWriter.end(trailers, this.options.enableTrailers, this.options.names)) this.endResponse();
    else this.reset();
  }

  /** Sends what the current turn has queued. */
  flush(): boolean {
    return this.connection.flush();
  }

  /**
   * What was written stands: a cut response tells the client more than none. A missing last chunk or missing bytes of
   * a Content-Length show the cut, so FIN will do; only a body read until close needs RST, which would also destroy
   * bytes of an earlier answer that the client has not read yet.
   */
  reset(): void {
    // What a tunnel carries has its own way to tell that it was cut.
    const framed = !this.bodyWriter.untilClose || this.phase === Phase.tunnel;
    this.open = false;
    this.responseEnded = true;
    this.sink = undefined;
    this.ownRequest = undefined;
    this.kill();
    if (framed) {
      this.handler.onExchangeEnd(true);
      return;
    }
    this.connection.flush();
    this.connection.reset();
  }

  pauseRequest(): void {
    this.requestPauses++;
    this.connection.pauseReading();
  }

  resumeRequest(): void {
    if (this.requestPauses === 0) return;
    this.requestPauses--;
    this.connection.resumeReading();
  }

  private endResponse(): void {
    this.responseEnded = true;
    this.connection.flush();
    this.settle();
  }

  /** When both messages are whole (or the connection must close) the exchange is over. */
  private settle(): void {
    if (!this.open || !this.responseEnded) return;
    this.open = false;
    const closing = this.closeAfter || this.phase !== Phase.waiting;
    this.sink = undefined;
    this.ownRequest = undefined;
    this.releasePauses();
    if (closing) this.kill();
    else this.phase = Phase.head;
    this.handler.onExchangeEnd(closing);
    if (!closing) this.resumeStash();
  }

  private releasePauses(): void {
    while (this.requestPauses > 0) {
      this.requestPauses--;
      this.connection.resumeReading();
    }
  }
}
