/**
 * A request whose payload goes to a host as it is, without HTTP around it: a CONNECT that ends here (Envoy
 * `connect_config`). Looks like any upstream stream: a 200 stands for the connection that was made, its body is what the
 * host sends. Invariants: one connection per request; `onReady` or `onFailure` exactly once, unless cancelled.
 */

import type { Host } from '../api/cluster.ts';
import type { RequestWriter, ResetReason, UpstreamFailure } from '../api/codec.ts';
import type { Headers, RequestHeaders } from '../api/headers.ts';
import type { TcpLink, TcpUser, UpstreamRequest, UpstreamTicket } from '../api/upstream.ts';
import { ResponseHead } from '../headers/header-map.ts';
import type { UpstreamHost } from './host.ts';
import type { PoolContext } from './pool.ts';
import type { TcpLinks } from './tcp-link.ts';

const EMPTY = Buffer.alloc(0);

export class TcpStream implements RequestWriter, TcpUser, UpstreamTicket {
  private readonly context: PoolContext;
  /** `undefined` once the request has been told its end, or was given up. */
  private sink: UpstreamRequest | undefined;
  /** Until the connection is there. */
  private readonly ticket: UpstreamTicket;
  private link: TcpLink | undefined = undefined;

  constructor(host: UpstreamHost, context: PoolContext, request: UpstreamRequest, links: TcpLinks) {
    this.context = context;
    this.sink = request;
    this.ticket = links.connect(host, context, this, request.transport);
  }

  // TcpUser

  onConnected(link: TcpLink, host: Host): void {
    this.link = link;
    this.sink?.onReady(this, host, false);
  }

  onFailure(failure: UpstreamFailure, host: Host): void {
    const { sink } = this;
    this.sink = undefined;
    sink?.onFailure(failure, host);
  }

  onBytes(chunk: Uint8Array, owned: boolean): void {
    const { sink } = this;
    if (sink === undefined) return;
    sink.onData(chunk, false, owned);
    if (this.sink === sink) sink.onBatchEnd();
  }

  /** The host has sent everything; as with Envoy that ends both directions. */
  onEnd(): void {
    const { sink } = this;
    this.sink = undefined;
    if (sink !== undefined) {
      sink.onData(EMPTY, true, true);
      sink.onBatchEnd();
    }
    this.link?.close('now');
  }

  onWritable(): void {
    this.sink?.onWritable();
  }

  onClose(): void {
    const { sink } = this;
    this.sink = undefined;
    sink?.onReset(TERMINATED);
  }

  /** Gives up the connection that is not there yet. */
  cancel(): void {
    this.sink = undefined;
    this.ticket.cancel();
  }

  // RequestWriter

  /** Nothing of the head goes to the host. The answer is there as soon as the caller has finished writing. */
  writeHead(_head: RequestHeaders, end: boolean): void {
    queueMicrotask(() => this.answer());
    if (end) this.link?.end();
  }

  private answer(): void {
    const { sink } = this;
    if (sink === undefined) return;
    const { wheel } = this.context;
    const outermost = wheel.beginTurn();
    sink.onHead(new ResponseHead(), false);
    if (this.sink === sink) sink.onBatchEnd();
    if (outermost) wheel.endTurn();
  }

  writeData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    this.link?.write(chunk, owned);
    if (end) this.link?.end();
  }

  writeTrailers(_trailers: Headers): void {
    this.link?.end();
  }

  flush(): boolean {
    return this.link?.flush() ?? true;
  }

  reset(): void {
    this.sink = undefined;
    this.link?.close('now');
  }

  pauseResponse(): void {
    this.link?.pauseReading();
  }

  resumeResponse(): void {
    this.link?.resumeReading();
  }
}

/** The connection broke off. */
const TERMINATED: UpstreamFailure = Object.freeze({
  reason: 'connection termination' satisfies ResetReason,
  detail: undefined,
  reused: false,
  responseStarted: true,
  requestSent: true,
});
