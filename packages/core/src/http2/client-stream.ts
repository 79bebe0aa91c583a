/** One request and its response on an upstream connection: the engine's `RequestWriter`, and the feeder of its sink. */
import type { RequestWriter, ResetReason, ResponseSink, UpstreamFailure } from '../api/codec.ts';
import type { Headers, RequestHeaders } from '../api/headers.ts';
import type { UpstreamConnection } from '../api/upstream.ts';
import type { RequestHead, ResponseHead } from '../headers/header-map.ts';
import { parseContentLength } from '../http1/framing.ts';
import { TunnelGate } from '../http1/tunnel.ts';
import type { Http2ClientCodec } from './client-codec.ts';
import { resetCode } from './reset-codes.ts';
import { Http2Stream } from './stream.ts';

/** Interim responses per request; more is an attack on memory and patience. */
const MAX_INTERIM = 16;
const NOTHING = new Uint8Array(0);

export class Http2ClientStream extends Http2Stream implements RequestWriter {
  declare readonly session: Http2ClientCodec;
  /** The final response head has come. */
  answered = false;
  /** No DATA belongs to the response, whatever its Content-Length says. */
  toHead = false;
  /** Why it was reset; absent after an orderly end. */
  resetReason: ResetReason | undefined = undefined;
  private sink: ResponseSink | undefined;
  private readonly reused: boolean;
  private headSent = false;
  /** What `session.flushes` was when the head was laid down. */
  private flushesBefore = 0;
  private interim = 0;
  /** Holds what is meant for a tunnel until the upstream has agreed to it. */
  private gate: TunnelGate | undefined = undefined;
  private gateEnded = false;
  private tunnelled = false;
  private connect = false;
  private upgrade = '';
  /** Bytes of the request that are still to come by its Content-Length; -1 when it tells nothing. */
  private requestLeft = -1;

  constructor(session: Http2ClientCodec, sink: ResponseSink, reused: boolean) {
    super(session);
    this.sink = sink;
    this.reused = reused;
  }

  get connection(): UpstreamConnection {
    return this.session.connection;
  }

  // To the sink

  deliverHead(head: ResponseHead, end: boolean): void {
    if (this.gate === undefined) this.sink?.onHead(head, end);
    else this.answerTunnel(head, end);
  }

  /** The final head is this one: what may follow it. */
  expect(head: ResponseHead, contentLength: number): void {
    if (this.toHead || head.rawStatus === 204 || head.rawStatus === 304) this.bodyLeft = 0;
    else if (this.gate === undefined) this.bodyLeft = contentLength;
  }

  /** The final head has come, and all of the body that it told of. */
  get whole(): boolean {
    return this.answered && this.bodyLeft === 0;
  }

  /** False when there are too many. */
  deliverInterim(head: ResponseHead): boolean {
    if (++this.interim > MAX_INTERIM) return false;
    this.sink?.onInterim(head);
    return true;
  }

  /** The final answer to a request for a tunnel; a 200 to an extended CONNECT is what 101 is to an upgrade (RFC 8441 5). */
  private answerTunnel(head: ResponseHead, end: boolean): void {
    const { sink, upgrade } = this;
    const gate = this.gate as TunnelGate;
    this.gate = undefined;
    if (upgrade !== '' && head.rawStatus === 200) {
      head.rawStatus = 101;
      head.drop('content-length');
      head.fields.push('upgrade', upgrade);
    } else if (!this.connect || head.rawStatus >= 300) {
      sink?.onHead(head, end);
      return;
    }
    this.tunnelled = true;
    sink?.onHead(head, end);
    if (this.closed) return;
    for (const chunk of gate.take()) this.sendData(chunk, false, true);
    if (this.gateEnded) this.sendData(NOTHING, true, true);
    this.session.markDirty();
    sink?.onWritable();
  }

  override deliverData(piece: Buffer, end: boolean, owned: boolean): void {
    this.sink?.onData(piece, end, owned);
  }

  deliverTrailers(trailers: Headers): void {
    this.sink?.onTrailers(trailers);
  }

  override deliverWritable(): void {
    if (!this.endGiven) this.sink?.onWritable();
  }

  /** Also behind the last part: what it caused is flushed then. */
  override deliverBatchEnd(): boolean {
    this.sink?.onBatchEnd();
    return false;
  }

  deliverReset(reason: ResetReason, detail: string | undefined): void {
    const { sink } = this;
    this.sink = undefined;
    if (!this.remoteEnded) sink?.onReset(this.failure(reason, detail));
  }

  private failure(reason: ResetReason, detail: string | undefined): UpstreamFailure {
    return {
      reason,
      detail,
      reused: this.reused,
      // The end of a tunnel cuts no message.
      responseStarted: this.answered && !this.tunnelled,
      requestSent: this.headSent && this.session.flushes !== this.flushesBefore,
      multiplexed: true,
    };
  }

  // RequestWriter

  writeHead(headers: RequestHeaders, end: boolean): void {
    if (this.closed || this.headSent || !this.session.start(this)) return;
    const head = headers as RequestHead;
    this.headSent = true;
    this.endGiven = end;
    this.toHead = head.rawMethod === 'HEAD';
    this.connect = head.rawMethod === 'CONNECT';
    this.upgrade = end ? '' : head.upgradeTo;
    if (!end && (this.connect || this.upgrade !== '')) this.gate = new TunnelGate();
    this.flushesBefore = this.session.flushes;
    this.session.sendHead(this, head, this.length(head, end), end);
  }

  /** What becomes of Content-Length (see `writeRequestHead`), which the body is held to. */
  private length(head: RequestHead, end: boolean): string | undefined {
    if (this.gate !== undefined) return '';
    const given = head.value('content-length');
    if (given === undefined) return undefined;
    const length = parseContentLength(given);
    if (end) return length === 0 ? undefined : '0';
    this.requestLeft = length;
    return length < 0 ? '' : undefined;
  }

  writeData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (this.closed || this.endGiven || !this.headSent) return;
    if (this.gate !== undefined) {
      this.gate.hold(chunk, owned);
      if (end) this.gateEnded = true;
      return;
    }
    if (this.requestLeft >= 0) {
      this.requestLeft -= chunk.length;
      if (this.requestLeft < 0 || (end && this.requestLeft > 0)) {
        this.giveUp();
        return;
      }
    }
    this.sendData(chunk, end, owned);
  }

  writeTrailers(trailers: Headers): void {
    if (this.closed || this.endGiven || !this.headSent) return;
    if (this.requestLeft > 0) this.giveUp();
    else this.sendTrailers(trailers);
  }

  /** The body is not what its head said: the upstream must not take it for whole. */
  private giveUp(): void {
    const { sink } = this;
    this.sink = undefined;
    this.session.resetStream(this, resetCode('protocol error'), 'local reset');
    sink?.onReset(this.failure('local reset', undefined));
  }

  override flush(): boolean {
    const writable = super.flush();
    return writable && this.gate?.full !== true;
  }

  reset(reason?: ResetReason): void {
    this.sink = undefined;
    this.session.resetStream(this, resetCode(reason), reason ?? 'local reset');
  }

  pauseResponse(): void {
    this.pauseReading();
  }

  resumeResponse(): void {
    this.resumeReading();
  }
}
