/**
 * What both sides of HTTP/2 share: settings, what is received, credit for it, the end of streams and of the connection.
 * A stream's credit is given back when half of its window is used, unless its reader has paused; the connection's: see
 * `receive-window`. Invariants: after `over` no frame is parsed and no sink is called but to be told so; a stream that is
 * closed is in no list that counts.
 */
import type { RandomSource } from '../api/clock.ts';
import type { Connection } from '../net/connection.ts';
import type { TimerWheel } from '../runtime/timer-wheel.ts';
import type { Http2CodecStats } from '../stats/index.ts';
import { DEFAULT_WINDOW_BYTES, Flag, FrameType } from './frames.ts';
import { ErrorCode, type Http2ConnectionError } from './handlers.ts';
import { type FieldCollector, HeadError, TrailerCollector } from './head-fields.ts';
import { HpackDecoder } from './hpack/index.ts';
import { KeepAlive } from './keepalive.ts';
import type { Http2Options } from './options.ts';
import { ReceiveWindow } from './receive-window.ts';
import { RecentResets } from './recent-resets.ts';
import { SessionOutput } from './session-output.ts';
import { ownSettings } from './settings.ts';
import type { Http2Stream } from './stream.ts';

const PING_BYTES = Buffer.alloc(8);

/** Requests that one turn of the event loop starts; the others wait for the next, so that nobody else waits for long. */
const MOST_REQUESTS_PER_TURN = 16;

export abstract class Http2Session<S extends Http2Stream = Http2Stream> extends SessionOutput<S> {
  protected readonly wheel: TimerWheel;
  private readonly random: RandomSource;
  protected readonly decoder: HpackDecoder;
  protected readonly trailerFields: TrailerCollector;
  /** Streams that this side has reset: frames for them may still be under way. */
  protected readonly resets = new RecentResets();
  protected keepAlive: KeepAlive | undefined = undefined;
  private acknowledged = false;
  private readonly window: ReceiveWindow;
  private readonly touched: S[] = [];
  /** Some of `touched` have been left for the next turn. */
  private leftOver = false;
  private dataStream: S | undefined = undefined;
  private dataEnds = false;

  /** `random` is for the jitter of PINGs. */
  constructor(
    connection: Connection,
    options: Http2Options,
    wheel: TimerWheel,
    stats: Http2CodecStats,
    random: RandomSource,
  ) {
    super(connection, options, stats);
    this.wheel = wheel;
    this.random = random;
    this.decoder = new HpackDecoder(options.hpackTableSizeBytes);
    this.trailerFields = new TrailerCollector(options.limits);
    this.window = new ReceiveWindow(options.initialConnectionWindowBytes);
  }

  /** Streams that are open, or half so. */
  get activeStreams(): number {
    return this.streams.size;
  }

  protected abstract get client(): boolean;
  /** Frames for a closed stream may have been under way when it was closed. */
  protected abstract tolerates(stream: number): boolean;
  /** The last stream of the peer's that this side has worked on. */
  protected abstract get lastPeerStream(): number;
  /** The head that belongs to a body has come. */
  protected abstract takesData(stream: S): boolean;
  protected abstract onPeerSettings(): void;
  protected abstract onPeerReset(stream: S, code: number): void;
  /** All that this side sends on `stream` is out; the peer has not ended. */
  protected abstract onLocalEnd(stream: S): void;
  /** A frame of the peer's is wrong for `stream` only, which is to be reset. */
  protected abstract onStreamError(stream: S, code: ErrorCode, details: string): void;
  /** A stream is no more. */
  protected abstract onClosed(stream: S): void;
  /** Every stream is told and closed; then who uses the codec. */
  protected abstract onOver(error: Http2ConnectionError): void;

  protected greet(): void {
    const { keepalive } = this.options;
    this.writer.settings(ownSettings(this.options, this.client));
    if (this.window.extraBytes > 0) this.writer.windowUpdate(0, this.window.extraBytes);
    if (keepalive !== undefined) this.keepAlive = new KeepAlive(keepalive, this.wheel, this.random, this);
    this.markDirty();
  }

  /** Input from the socket. */
  feed(chunk: Buffer, owned: boolean): void {
    if (this.over) return;
    this.inFeed = true;
    this.keepAlive?.onFrame();
    this.feedFrames(chunk, owned);
    this.endBatch();
    this.inFeed = false;
    this.flushNow();
  }

  protected feedFrames(chunk: Buffer, owned: boolean): void {
    this.read(chunk, 0, owned);
  }

  private endBatch(): void {
    const { touched } = this;
    let begun = 0;
    let at = 0;
    while (at < touched.length && begun < MOST_REQUESTS_PER_TURN) {
      const stream = touched[at++] as S;
      stream.touched = false;
      if (!this.over && stream.deliverBatchEnd()) begun++;
    }
    if (at === touched.length) {
      touched.length = 0;
      return;
    }
    touched.splice(0, at);
    if (this.leftOver) return;
    this.leftOver = true;
    setImmediate(goOn, this);
  }

  /** @internal The next turn has come for the requests that one has left. */
  goOn(): void {
    this.leftOver = false;
    const outermost = this.wheel.beginTurn();
    try {
      this.inFeed = true;
      this.endBatch();
      this.inFeed = false;
      this.flushNow();
    } finally {
      if (outermost) this.wheel.endTurn();
    }
  }

  /** `stream` gets something: its sink is told when the read is worked off. */
  protected touch(stream: S): void {
    if (stream.touched) return;
    stream.touched = true;
    this.touched.push(stream);
  }

  protected override sentEnd(stream: Http2Stream): void {
    this.markDirty();
    stream.localEnded = true;
    if (stream.remoteEnded) this.close(stream as S);
    else this.onLocalEnd(stream as S);
  }

  // Credit

  /** @internal `stream` has paused: what it has got counts as held. */
  hold(stream: Http2Stream): void {
    this.window.hold(stream);
  }

  /** @internal */
  release(stream: Http2Stream): void {
    this.window.release(stream);
    this.creditStream(stream);
    this.creditConnection();
    this.markDirty();
  }

  private creditStream(stream: Http2Stream): void {
    const { pauses, remoteEnded, uncredited } = stream;
    if (pauses > 0 || remoteEnded || uncredited * 2 < this.options.initialStreamWindowBytes) return;
    this.writer.windowUpdate(stream.id, uncredited);
    stream.uncredited = 0;
  }

  private creditConnection(): void {
    const credit = this.window.takeCredit();
    if (credit > 0) this.writer.windowUpdate(0, credit);
  }

  // Frames

  protected override onRstStream(id: number, code: number): void {
    const stream = this.streams.get(id);
    if (stream !== undefined) {
      this.stats.rx_reset.value++;
      this.onPeerReset(stream, code);
    } else if (this.isIdle(id)) this.fail(ErrorCode.PROTOCOL_ERROR, 'http2.idle_stream');
  }

  protected override onSettingsAck(): void {
    this.acknowledged = true;
    this.decoder.acknowledged();
  }

  protected override onSettings(bytes: Buffer, start: number, end: number): void {
    const { peer } = this;
    const windowBefore = peer.initialWindowBytes;
    const error = peer.apply(bytes, start, end);
    if (error !== ErrorCode.NO_ERROR) {
      this.fail(error, 'http2.bad_settings');
      return;
    }
    if (peer.tableChanged) {
      // One that shrank in between has lost entries (RFC 7541 4.2).
      this.writer.encoder.setPeerTableSize(peer.smallestTableBytes);
      this.writer.encoder.setPeerTableSize(peer.headerTableBytes);
    }
    const delta = peer.initialWindowBytes - windowBefore;
    if (delta !== 0 && !this.moveWindows(delta)) return;
    this.writer.settingsAck();
    this.onPeerSettings();
    if (delta > 0) this.takeTurns();
  }

  protected override onPing(ack: boolean, bytes: Buffer, start: number): void {
    if (ack) this.keepAlive?.onPingAck();
    else this.writer.ping(bytes, start, true);
  }

  protected override onDataFrame(flags: number, id: number, length: number, data: number): void {
    this.dataStream = undefined;
    const flood = this.guard.received(FrameType.DATA, flags, data);
    if (flood !== undefined) {
      this.fail(ErrorCode.ENHANCE_YOUR_CALM, flood);
      return;
    }
    if (!this.window.receive(length)) {
      this.fail(ErrorCode.FLOW_CONTROL_ERROR, 'http2.window_exceeded');
      return;
    }
    const stream = this.streams.get(id);
    if (stream !== undefined) this.takeData(stream, (flags & Flag.END_STREAM) !== 0, length, data);
    else if (id === 0 || this.isIdle(id)) this.fail(ErrorCode.PROTOCOL_ERROR, 'http2.idle_stream');
    else if (!this.tolerates(id)) this.fail(ErrorCode.STREAM_CLOSED, 'http2.stream_closed');
  }

  private takeData(stream: S, end: boolean, length: number, data: number): void {
    if (stream.remoteEnded) {
      this.fail(ErrorCode.STREAM_CLOSED, 'http2.stream_closed');
      return;
    }
    this.window.assign(stream, length);
    if (stream.uncredited > this.streamLimit) {
      this.fail(ErrorCode.FLOW_CONTROL_ERROR, 'http2.window_exceeded');
      return;
    }
    if (!this.takesData(stream)) {
      this.messageError(stream, HeadError.messaging);
      return;
    }
    // Only this stream is in doubt, whatever the option says: as with Envoy.
    if (!stream.countBody(data, end)) {
      this.streamError(stream, ErrorCode.PROTOCOL_ERROR, HeadError.messaging);
      return;
    }
    this.dataStream = stream;
    this.dataEnds = end;
  }

  /** Until our settings are known to have arrived, the peer may go by the default. */
  private get streamLimit(): number {
    const { initialStreamWindowBytes } = this.options;
    return this.acknowledged ? initialStreamWindowBytes : Math.max(initialStreamWindowBytes, DEFAULT_WINDOW_BYTES);
  }

  protected override onDataPiece(piece: Buffer, last: boolean, owned: boolean): void {
    const stream = this.dataStream;
    if (stream !== undefined && !stream.closed) {
      const end = last && this.dataEnds;
      if (end) stream.remoteEnded = true;
      if (piece.length > 0 || end) {
        this.touch(stream);
        stream.deliverData(piece, end, owned);
      }
      if (end) this.settle(stream);
      else if (last && !stream.closed) this.creditStream(stream);
    }
    if (last && !this.over) this.creditConnection();
  }

  /** The last part was delivered. */
  protected settle(stream: S): void {
    if (stream.localEnded) this.close(stream);
  }

  // Ends

  /** A stream begins. */
  protected register(stream: S, id: number): void {
    stream.id = id;
    stream.sendWindow = this.peer.initialWindowBytes;
    this.streams.set(id, stream);
    this.guard.streamOpened();
    this.stats.streams_active.value++;
  }

  protected close(stream: S): void {
    if (stream.closed) return;
    stream.closed = true;
    this.streams.delete(stream.id);
    this.stats.streams_active.value--;
    stream.dropQueue();
    if (stream.stalled) {
      stream.stalled = false;
      this.stalls--;
    }
    if (stream.pauses > 0) {
      this.window.release(stream);
      if (!this.over) this.creditConnection();
    }
    this.onClosed(stream);
  }

  /** Ends a stream with RST_STREAM. */
  protected rst(stream: S, code: ErrorCode): void {
    if (stream.closed) return;
    if (!this.over) {
      this.stats.tx_reset.value++;
      this.resets.add(stream.id);
      this.writer.rstStream(stream.id, code);
      this.markDirty();
    }
    this.close(stream);
  }

  protected override streamError(stream: S, code: ErrorCode, details: string): void {
    if (!stream.closed) this.onStreamError(stream, code, details);
  }

  /** A head or trailers are beyond a limit. */
  protected countOverflow(fields: FieldCollector): void {
    const { header_list_size_too_large, header_overflow } = this.stats;
    (fields.overBytes ? header_list_size_too_large : header_overflow).value++;
  }

  /** The peer's message is no HTTP: ends the connection, or the stream only where it was so configured. */
  protected messageError(stream: S, details: string): void {
    this.stats.rx_messaging_error.value++;
    if (this.options.streamErrorOnInvalidMessage) this.streamError(stream, ErrorCode.PROTOCOL_ERROR, details);
    else this.fail(ErrorCode.PROTOCOL_ERROR, details);
  }

  protected override fail(code: ErrorCode, details: string): false {
    if (this.over) return false;
    this.writer.goAway(this.lastPeerStream, code);
    this.writer.flush();
    this.stop();
    this.onOver({ code, details });
    return false;
  }

  /** The socket is gone: false when the codec was over already. */
  protected end(): boolean {
    this.writer.drop();
    if (this.over) return false;
    this.stop();
    return true;
  }

  private stop(): void {
    this.over = true;
    this.halt();
    this.keepAlive?.disarm();
    this.guard.closed();
  }

  /** @internal */
  sendPing(): void {
    this.writer.ping(PING_BYTES, 0, false);
    this.markDirty();
  }

  /** @internal */
  onPingTimeout(): void {
    this.stats.keepalive_timeout.value++;
    this.fail(ErrorCode.NO_ERROR, 'http2.ping_timeout');
  }
}

function goOn(session: Http2Session): void {
  session.goOn();
}
