/**
 * One HTTP exchange that the proxy has for itself: a host is picked, the request is sent as the host takes it, and what
 * comes back goes to a subclass. Invariants: exactly one of `ended` and `lost` is called, once, and never before `begin`
 * has returned; request bytes wait in one queue; the cluster and the host are charged as the router charges them.
 */

import type { TimerHandle } from '../../api/clock.ts';
import type { Host } from '../../api/cluster.ts';
import type { RequestWriter, UpstreamFailure } from '../../api/codec.ts';
import type { Headers, ResponseHeaders } from '../../api/headers.ts';
import type { PickContext } from '../../api/load-balancer.ts';
import type { SideCallFailure } from '../../api/side-calls.ts';
import type { TransportOptions, UpstreamCluster, UpstreamRequest, UpstreamTicket } from '../../api/upstream.ts';
import { httpStatusOfGrpc, isGrpc } from '../../headers/grpc.ts';
import type { RequestHead } from '../../headers/header-map.ts';
import { TimerEntry } from '../../runtime/timer-wheel.ts';
import type { UpstreamHost } from '../host.ts';
import { askedTransport } from './asked-transport.ts';
import type { SideCallParts } from './parts.ts';
import { isUnseen, kindOf, statusOf } from './side-failure.ts';

/** Bytes handed to the codec between two looks at whether it keeps up. */
const PIECE_BYTES = 65_536;

/** As the router's back-off: the first pause at most, and the longest one. */
const PAUSE_MS = 25;
const MAX_PAUSE_MS = 250;

/** How an exchange ended without an answer. */
export interface Loss {
  readonly kind: SideCallFailure;
  readonly detail: string;
  /** The HTTP status that stands for it. */
  readonly status: number;
  /** Envoy's response flag. */
  readonly flag: string;
}

export abstract class SideExchange extends TimerEntry implements UpstreamRequest, PickContext {
  readonly headers: RequestHead;
  transport: TransportOptions | undefined = undefined;
  freshConnection = false;
  protected readonly parts: SideCallParts;
  protected readonly cluster: UpstreamCluster;
  protected host: Host | undefined = undefined;
  /** It is over for its user: nothing more is told. */
  protected done = false;
  /** The whole body; `undefined` for a stream, whose end is not known yet. */
  private readonly body: Uint8Array | undefined;
  private readonly grpc: boolean;
  private ticket: UpstreamTicket | undefined = undefined;
  private writer: RequestWriter | undefined = undefined;
  /** What the codec has not been given yet. */
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private requestEnded = false;
  private endWritten = false;
  private blocked = false;
  private starting = false;
  private awaitingHead = true;
  private requestEndMs = 0;
  private refusals = 0;
  /** How often another connection may still be tried. */
  protected connectRetries = 0;
  private connectTries = 0;
  private pause: TimerHandle | undefined = undefined;

  constructor(parts: SideCallParts, cluster: UpstreamCluster, headers: RequestHead, body: Uint8Array | undefined) {
    super();
    this.parts = parts;
    this.cluster = cluster;
    this.headers = headers;
    this.body = body;
    this.grpc = isGrpc(headers.value('content-type'));
  }

  /** Called once, at the end of a whole response. */
  protected abstract ended(): void;
  protected abstract lost(loss: Loss): void;
  abstract onInterim(): void;
  protected abstract head(head: ResponseHeaders, end: boolean): void;
  protected abstract data(chunk: Uint8Array, owned: boolean): void;
  protected abstract trailers(trailers: Headers): void;
  /** The queue has become empty after the host did not keep up. */
  protected abstract drained(): void;

  /** Bytes that wait to be taken, or never were. */
  get bufferedBytes(): number {
    return this.waitingBytes;
  }

  /** Sends the request on its way; `timeoutMs` 0 is without limit. */
  protected begin(timeoutMs: number): void {
    const { cluster, parts } = this;
    this.starting = true;
    if (timeoutMs > 0) parts.timers.arm(this, timeoutMs);
    if (cluster.transportPolicy !== undefined) this.transport = askedTransport(cluster.transportPolicy, this.headers);
    const refused = parts.refuses(cluster);
    if (refused !== undefined) this.lose({ kind: 'overflow', detail: refused, status: 503, flag: 'UO' });
    else this.choose();
    this.starting = false;
  }

  private choose(): void {
    const { body } = this;
    if (body !== undefined) {
      this.requestEnded = true;
      this.requestEndMs = this.parts.timers.nowMs();
      this.waiting = body.length === 0 ? [] : [body];
      this.waitingBytes = body.length;
      this.endWritten = false;
      this.blocked = false;
    }
    const host = this.cluster.pick(this);
    this.host = host;
    if (host === undefined) {
      const { name } = this.cluster;
      this.lose({ kind: 'no healthy upstream', detail: `no healthy upstream in '${name}'`, status: 503, flag: 'UH' });
      return;
    }
    const ticket = this.cluster.open(host, this);
    if (!this.done && this.writer === undefined) this.ticket = ticket;
  }

  // The request

  /** Adds to the body; the bytes are the exchange's from here. */
  protected push(bytes: Uint8Array): void {
    if (this.done || bytes.length === 0) return;
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    this.pump();
  }

  /** The body is whole. */
  protected endRequest(): void {
    if (this.done || this.requestEnded) return;
    this.requestEnded = true;
    this.requestEndMs = this.parts.timers.nowMs();
    this.pump();
  }

  /** Gives the codec what it takes. */
  private pump(): void {
    const { writer } = this;
    if (writer === undefined || this.blocked) return;
    const { waiting } = this;
    let at = 0;
    while (at < waiting.length && !this.blocked) {
      const bytes = waiting[at] as Uint8Array;
      const piece = bytes.length > PIECE_BYTES ? bytes.subarray(0, PIECE_BYTES) : bytes;
      if (piece === bytes) at++;
      else waiting[at] = bytes.subarray(PIECE_BYTES);
      this.waitingBytes -= piece.length;
      const last = this.requestEnded && at === waiting.length;
      if (last) this.endWritten = true;
      writer.writeData(piece, last, true);
      this.flush(writer);
      // A codec may end the exchange while it writes.
      if (this.writer !== writer) return;
    }
    waiting.splice(0, at);
    if (this.requestEnded && !this.endWritten && waiting.length === 0) {
      this.endWritten = true;
      writer.writeData(NOTHING, true, true);
      this.flush(writer);
    }
  }

  private flush(writer: RequestWriter): void {
    if (writer.flush() || this.blocked || this.writer !== writer) return;
    this.blocked = true;
    this.cluster.traffic.upstream_flow_control_backed_up_total.inc();
  }

  // UpstreamRequest

  onReady(writer: RequestWriter, host: Host): void {
    this.ticket = undefined;
    this.writer = writer;
    this.host = host;
    host.outlier?.onLocalOrigin(true, 0);
    const { headers } = this;
    headers.scheme = (host as Partial<UpstreamHost>).transport?.readyEvent === 'secureConnect' ? 'https' : 'http';
    this.endWritten = this.requestEnded && this.waiting.length === 0;
    writer.writeHead(headers, this.endWritten);
    this.flush(writer);
    this.pump();
  }

  onWritable(): void {
    if (!this.blocked || this.writer === undefined) return;
    this.blocked = false;
    this.cluster.traffic.upstream_flow_control_drained_total.inc();
    this.pump();
    if (!this.blocked && this.waiting.length === 0 && !this.done) this.drained();
  }

  onFailure(failure: UpstreamFailure): void {
    this.ticket = undefined;
    if (this.connectRetries > 0 && failure.reason !== 'overflow' && this.connectAgain(failure)) return;
    this.failed(failure);
  }

  /** Nothing has been written: all of it still waits. */
  private connectAgain({ reason }: UpstreamFailure): boolean {
    const { cluster, parts } = this;
    if (this.done || kindOf(reason) !== 'connection failure') return false;
    if (!cluster.beginRetry('default')) return false;
    this.connectRetries--;
    cluster.traffic.upstream_rq_retry.inc();
    cluster.traffic.upstream_rq_retry_backoff_exponential.inc();
    const mostMs = Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** this.connectTries++);
    this.pause = parts.timers.after(cluster.random() * mostMs, () => {
      this.endPause();
      this.choose();
    });
    return true;
  }

  private endPause(): void {
    if (this.pause === undefined) return;
    this.pause.cancel();
    this.pause = undefined;
    this.cluster.endRetry('default');
  }

  onReset(failure: UpstreamFailure): void {
    this.failed(failure);
  }

  private failed(failure: UpstreamFailure): void {
    if (this.done) return;
    this.writer = undefined;
    const { host } = this;
    if (failure.reason !== 'overflow') host?.outlier?.onLocalOrigin(false, 503);
    if (this.body !== undefined && isUnseen(failure, this.headers.method, this.freshConnection, this.refusals)) {
      this.refusals++;
      this.freshConnection = true;
      this.cluster.traffic.upstream_rq_retry.inc();
      this.choose();
      return;
    }
    const detail = failure.detail === undefined ? failure.reason : `${failure.reason}: ${failure.detail}`;
    const { status, flag } = statusOf(failure);
    this.lose({ kind: kindOf(failure.reason), detail, status, flag });
  }

  onHead(head: ResponseHeaders, end: boolean): void {
    if (this.done) return;
    this.awaitingHead = false;
    this.charge(head, end);
    this.head(head, end);
    if (end) this.finish(head);
  }

  onData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (this.done) return;
    if (chunk.length > 0) this.data(chunk, owned);
    if (end) this.finish(undefined);
  }

  onTrailers(trailers: Headers): void {
    if (this.done) return;
    this.trailers(trailers);
    this.finish(trailers);
  }

  onBatchEnd(): void {}

  // What it counts as

  private charge(head: ResponseHeaders, end: boolean): void {
    const { cluster, grpc, host } = this;
    const { status } = head;
    // What became of a gRPC call is known at its end.
    const deferred = grpc && status < 500;
    cluster.chargeStatus(deferred ? undefined : host, status, true);
    if (host === undefined) return;
    if (cluster.zoned === true) cluster.chargeZone?.(host, status);
    const grpcStatus = grpc && end ? head.get('grpc-status') : undefined;
    host.outlier?.onStatus(grpcStatus === undefined ? status : httpStatusOfGrpc(grpcStatus));
    if (head.has('x-envoy-immediate-health-check-fail')) host.checks?.failNow();
  }

  private chargeEnd(last: Headers | undefined): void {
    const { cluster, host, parts } = this;
    if (this.endWritten) {
      const durationMs = parts.timers.nowMs() - this.requestEndMs;
      cluster.chargeTime(durationMs, true);
      if (host !== undefined && cluster.zoned === true) cluster.chargeZoneTime?.(host, durationMs);
    }
    if (!this.grpc || host === undefined) return;
    const grpcStatus = last?.get('grpc-status');
    if (grpcStatus !== undefined && httpStatusOfGrpc(grpcStatus) < 500) host.stats.rqSuccess++;
    else host.stats.rqError++;
  }

  // The end

  private finish(last: Headers | undefined): void {
    // A hook may have given it up.
    if (this.done) return;
    this.chargeEnd(last);
    const { writer } = this;
    const whole = this.endWritten;
    this.close();
    // The host has answered without waiting for the rest.
    if (!whole) writer?.reset();
    this.ended();
  }

  private lose(loss: Loss): void {
    if (this.done) return;
    const { host } = this;
    if (this.awaitingHead && loss.kind !== 'timeout') {
      this.cluster.chargeStatus(loss.kind === 'overflow' ? undefined : host, loss.status, true);
    }
    this.close();
    if (this.starting) setImmediate(tellLoss, this, loss);
    else this.lost(loss);
  }

  /** @internal */
  tellLoss(loss: Loss): void {
    this.lost(loss);
  }

  /** The time is up. */
  onDue(): void {
    if (this.done) return;
    const { cluster, host } = this;
    cluster.traffic.upstream_rq_timeout.inc();
    if (host !== undefined) {
      host.stats.rqTimeout++;
      if (this.writer !== undefined && this.awaitingHead) host.outlier?.onLocalOrigin(false, 504);
    }
    if (this.awaitingHead) cluster.chargeStatus(host, 504, true);
    this.abandon();
    this.lose({ kind: 'timeout', detail: 'the time for the call is up', status: 504, flag: 'UT' });
  }

  /** Gives the exchange up; its user hears no more. */
  protected giveUp(): void {
    this.abandon();
    this.close();
  }

  private abandon(): void {
    const { ticket, writer } = this;
    this.ticket = undefined;
    this.writer = undefined;
    ticket?.cancel();
    writer?.reset();
  }

  private close(): void {
    this.done = true;
    this.writer = undefined;
    this.ticket = undefined;
    this.waiting = [];
    this.endPause();
    this.disarm();
  }
}

const NOTHING = new Uint8Array(0);

function tellLoss(exchange: SideExchange, loss: Loss): void {
  exchange.tellLoss(loss);
}
