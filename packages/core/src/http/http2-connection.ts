/** A connection that speaks HTTP/2: many streams, which live and end apart from one another. */
import type { RequestSink } from '../api/codec.ts';
import { ResponseFlag } from '../errors.ts';
import type { RequestHead } from '../headers/header-map.ts';
import type { Http2ConnectionError, Http2ResponseWriter, Http2ServerHandler } from '../http2/handlers.ts';
import { Http2ServerCodec } from '../http2/server-codec.ts';
import type { Connection } from '../net/connection.ts';
import type { Peer } from '../net/peer.ts';
import { HttpConnection, NEVER } from './connection.ts';
import type { HttpManager } from './manager.ts';
import { logRefused, refusedStream } from './refused-stream.ts';
import { Stream } from './stream.ts';
import { StreamsWatch } from './streams-watch.ts';

const TOO_MANY_RESETS = 'too_many_premature_resets';
const PING_TIMEOUT = 'http2.ping_timeout';

export class Http2Connection extends HttpConnection implements Http2ServerHandler {
  protected readonly httpMinor = 2;
  private readonly codec: Http2ServerCodec;
  readonly watch: StreamsWatch;
  /** The last GOAWAY is out: the connection ends with its last stream. */
  private last = false;
  /** Streams that an error of the connection has ended. */
  private cutStreams = 0;

  constructor(manager: HttpManager, connection: Connection, peer: Peer, previous?: HttpConnection) {
    super(manager, connection, peer, previous);
    this.watch = new StreamsWatch(manager);
    const { settings, wheel, http2, random } = manager;
    this.codec = new Http2ServerCodec(connection, settings.http2, wheel, http2, this, random);
    manager.stats.downstream_cx_http2_total.value++;
    manager.stats.downstream_cx_http2_active.inc();
    this.armDeadline();
    this.codec.begin();
  }

  protected get activeStreams(): number {
    return this.codec.activeStreams + this.cutStreams;
  }

  get idle(): boolean {
    return this.codec.activeStreams === 0 && this.headDueMs === NEVER;
  }

  // ConnectionHandler

  protected feed(chunk: Buffer, owned: boolean): void {
    this.codec.feed(chunk, owned);
  }

  /** No client of HTTP/2 closes one direction only: there is no one left to answer. */
  onEnd(): void {
    this.peerEnded = true;
    if (this.closing || this.activeStreams > 0) this.connection.destroy();
    else this.endBehindPeer();
  }

  onWritable(): void {
    this.codec.onWritable();
  }

  protected endStreams(): void {
    if (this.manager.logs !== undefined && this.codec.unfinished && !this.closing) {
      this.logRefused('downstream_remote_disconnect', ResponseFlag.DC);
    }
    this.codec.closed();
    this.watch.stop();
  }

  protected countClosed(): void {
    this.manager.stats.downstream_cx_http2_active.dec();
  }

  // Http2ServerHandler

  newStream(writer: Http2ResponseWriter): RequestSink {
    this.headDueMs = NEVER;
    const stream = this.addStream(writer, undefined);
    this.requests++;
    const { settings, stats } = this.manager;
    if (this.requests === settings.maxRequestsPerConnection) {
      stats.downstream_cx_max_requests_reached.value++;
      this.drain();
    }
    return stream;
  }

  onHeadRefused(details: string): void {
    if (this.manager.logs !== undefined) this.logRefused(details, ResponseFlag.DPE);
  }

  private logRefused(details: string, flag: number): void {
    logRefused(this.manager, refusedStream(this.manager, this, details, 2), flag);
  }

  nextRun(previous: Stream): Stream {
    const writer = previous.writer as Http2ResponseWriter;
    const stream = this.addStream(writer, previous);
    writer.handOver(stream);
    return stream;
  }

  private addStream(writer: Http2ResponseWriter, previous: Stream | undefined): Stream {
    this.manager.stats.downstream_rq_http2_total.value++;
    const stream = this.manager.countStream(new Stream(this.manager, this, writer, previous));
    this.watch.add(writer, stream);
    return stream;
  }

  onStreamEnd(writer: Http2ResponseWriter): void {
    this.watch.remove(writer);
    if (this.activeStreams > 0 || this.connection.closed) return;
    this.lastActiveMs = this.manager.wheel.nowMs();
    if (this.last) this.close();
  }

  onConnectionError(error: Http2ConnectionError, streams: number): void {
    const { stats } = this.manager;
    this.cutStreams = streams;
    this.brokenBy = `codec_error:${error.details}`;
    // Floods and silent clients have counters of their own, and do not count as broken messages.
    if (!error.details.includes('flood') && error.details !== PING_TIMEOUT) stats.downstream_cx_protocol_error.value++;
    if (error.details === TOO_MANY_RESETS) {
      stats.downstream_rq_too_many_premature_resets.value++;
      this.shutdown(true);
      return;
    }
    this.close();
  }

  /** Envoy counts it, and logs it, as a request that was reset. */
  onWithdrawn(request: RequestHead): void {
    const { stats } = this.manager;
    this.headDueMs = NEVER;
    this.requests++;
    stats.downstream_rq_total.value++;
    stats.downstream_rq_http2_total.value++;
    stats.downstream_rq_rx_reset.value++;
    if (this.manager.logs === undefined) return;
    const stream = refusedStream(this.manager, this, 'http2.remote_reset', 2);
    stream.requestHeaders = request;
    logRefused(this.manager, stream, ResponseFlag.DR);
  }

  onMessageError(): void {}

  onGoAway(): void {}

  // Closing

  protected override close(): void {
    this.codec.flushNow();
    super.close();
  }

  /** Tells the client that the connection ends, and takes what it has under way until it may have heard. */
  protected drain(): void {
    if (this.draining) return;
    this.draining = true;
    this.codec.drain();
    this.drainDueMs = this.manager.wheel.nowMs() + this.manager.drainTimeoutMs();
    this.armDeadline();
  }

  protected drainExpired(): void {
    this.finishUp();
  }

  override startDrain(): void {
    if (!this.closing) this.drain();
  }

  drainClose(): boolean {
    if (this.draining) return false;
    this.drain();
    return true;
  }

  protected finishUp(): void {
    if (this.closing) return;
    this.draining = true;
    if (!this.last) this.codec.goAway();
    this.last = true;
    if (this.activeStreams === 0) this.close();
  }

  /** Nothing else can come between the frames of a head, so that the connection has no further use. */
  headExpired(): void {
    this.countHeadExpired();
    this.finishUp();
  }
}
