/**
 * A TCP connection carried in the body of an HTTP request: CONNECT or POST, over HTTP/1 or HTTP/2 as the cluster speaks.
 * To its user it is a connection like any other. Invariants: no byte goes out before the upstream has agreed;
 * `onConnected` or `onFailure` once; after `onConnected`, `onClose` once and last.
 */
import type {
  Headers,
  Host,
  NetworkConnection,
  RequestHeaders,
  RequestWriter,
  ResponseHeaders,
  TcpLink,
  TcpUser,
  TlsInfo,
  TransportOptions,
  UpstreamCluster,
  UpstreamFailure,
  UpstreamRequest,
  UpstreamTicket,
} from '@mesh/core';

/** What a tunnel leaves in the filter state of the client's connection. */
export interface TunnelKeepsakes {
  readonly responseHeaders: boolean;
  readonly responseTrailers: boolean;
}

const HEADERS_KEY = 'envoy.tcp_proxy.propagate_response_headers';
const TRAILERS_KEY = 'envoy.tcp_proxy.propagate_response_trailers';
const EMPTY = Buffer.alloc(0);

type Phase = 'waiting' | 'open' | 'over';

export class Tunnel implements UpstreamRequest, TcpLink, UpstreamTicket {
  readonly transport: TransportOptions | undefined;
  readonly localAddress = '';
  readonly tls: TlsInfo | undefined = undefined;
  bytesRead = 0;
  bytesWritten = 0;
  private readonly user: TcpUser;
  private readonly connection: NetworkConnection;
  private readonly head: RequestHeaders;
  private readonly keep: TunnelKeepsakes;
  private ticket: UpstreamTicket | undefined = undefined;
  private writer: RequestWriter | undefined = undefined;
  private host: Host | undefined = undefined;
  private phase: Phase = 'waiting';
  private sent = false;
  private received = false;
  private blocked = false;

  constructor(
    user: TcpUser,
    connection: NetworkConnection,
    head: RequestHeaders,
    keep: TunnelKeepsakes,
    transport: TransportOptions | undefined,
  ) {
    this.user = user;
    this.connection = connection;
    this.head = head;
    this.keep = keep;
    this.transport = transport;
  }

  /** Asks for a stream; the pool may answer before this returns. */
  open(cluster: UpstreamCluster, host: Host): void {
    const ticket = cluster.open(host, this);
    if (this.writer === undefined && this.phase === 'waiting') this.ticket = ticket;
  }

  cancel(): void {
    if (this.phase !== 'waiting') return;
    this.phase = 'over';
    this.ticket?.cancel();
    this.writer?.reset('local reset');
  }

  // UpstreamRequest

  onReady(writer: RequestWriter, host: Host): void {
    this.ticket = undefined;
    this.writer = writer;
    this.host = host;
    writer.writeHead(this.head, false);
    writer.flush();
  }

  onFailure(failure: UpstreamFailure, host: Host): void {
    if (this.phase !== 'waiting') return;
    this.phase = 'over';
    // Only a limit of connections is an overflow for TCP; requests that wait are something else.
    const reason = failure.reason === 'overflow' ? 'local connection failure' : failure.reason;
    this.user.onFailure({ ...failure, reason }, host);
  }

  onInterim(): void {}

  onHead(head: ResponseHeaders, end: boolean): void {
    const host = this.host as Host;
    if (this.phase !== 'waiting') return;
    if (this.keep.responseHeaders) this.connection.info.filterState.set(HEADERS_KEY, head);
    if (head.status < 200 || head.status > 299) {
      this.phase = 'over';
      if (!end) this.writer?.reset('local reset');
      const reason = 'remote connection failure';
      this.user.onFailure({ reason, detail: undefined, reused: false, responseStarted: true, requestSent: true }, host);
      return;
    }
    this.phase = 'open';
    this.user.onConnected(this, host);
    if (end) this.ended();
  }

  onData(chunk: Uint8Array, end: boolean, owned: boolean): void {
    if (this.phase !== 'open') return;
    this.bytesRead += chunk.length;
    if (chunk.length > 0) this.user.onBytes(chunk, owned);
    if (end) this.ended();
  }

  onTrailers(trailers: Headers): void {
    if (this.phase !== 'open') return;
    if (this.keep.responseTrailers) this.connection.info.filterState.set(TRAILERS_KEY, trailers);
    this.ended();
  }

  onBatchEnd(): void {}

  onWritable(): void {
    this.blocked = false;
    if (this.phase === 'open') this.user.onWritable();
  }

  onReset(failure: UpstreamFailure): void {
    if (this.phase === 'waiting') {
      this.onFailure({ ...failure, reason: 'remote connection failure' }, this.host as Host);
      return;
    }
    if (this.phase !== 'open') return;
    this.phase = 'over';
    // The end of a connection is how a tunnel over HTTP/1 ends; a reset stream lost something.
    const error = failure.reason === 'remote reset' ? Object.assign(new Error(), { code: 'ECONNRESET' }) : undefined;
    this.user.onClose(error);
  }

  private ended(): void {
    this.received = true;
    this.user.onEnd();
    this.closeIfDone();
  }

  private closeIfDone(): void {
    if (!this.sent || !this.received || this.phase !== 'open') return;
    this.phase = 'over';
    this.user.onClose(undefined);
  }

  // TcpLink

  get bytesUnsent(): number {
    return this.blocked ? 1 : 0;
  }

  write(chunk: Uint8Array, owned: boolean): void {
    if (this.phase !== 'open' || this.sent) return;
    this.bytesWritten += chunk.length;
    this.writer?.writeData(chunk, false, owned);
  }

  flush(): boolean {
    if (this.phase !== 'open') return true;
    const writable = this.writer?.flush() ?? true;
    this.blocked = !writable;
    return writable;
  }

  end(): void {
    if (this.phase !== 'open' || this.sent) return;
    this.sent = true;
    this.writer?.writeData(EMPTY, true, true);
    this.writer?.flush();
    this.closeIfDone();
  }

  pauseReading(): void {
    if (this.phase === 'open') this.writer?.pauseResponse();
  }

  resumeReading(): void {
    if (this.phase === 'open') this.writer?.resumeResponse();
  }

  /** A stream that ends in order is not taken back: what was written is sent by its connection. */
  close(how: 'flush' | 'now' | 'reset'): void {
    if (this.phase !== 'open') return;
    if (how === 'flush') {
      this.end();
      if (this.phase !== 'open') return;
    }
    this.phase = 'over';
    if (how !== 'flush' || !this.received) this.writer?.reset('local reset');
    this.user.onClose(undefined);
  }
}
