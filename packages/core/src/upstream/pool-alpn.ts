/**
 * Connections to a host of which ALPN decides what they speak (`auto_config`). Until the first of them is there, each
 * waiting request has one of its own, as in Envoy: they may turn out to be HTTP/1.
 */
import type { TransportOptions, UpstreamRequest, UpstreamTicket } from '../api/upstream.ts';
import type { Http2Options } from '../http2/options.ts';
import type { UpstreamHost } from './host.ts';
import type { HostConnection } from './host-connection.ts';
import type { HttpPool, Pool, PoolContext, ProtocolFinder } from './pool.ts';
import { Http1Pool } from './pool-http1.ts';
import { Http2Pool } from './pool-http2.ts';

export class AlpnPool implements HttpPool, ProtocolFinder<HostConnection> {
  /** What the latest connection speaks. */
  known: 'http1' | 'http2' | undefined = undefined;
  onEmpty: (() => void) | undefined = undefined;
  private readonly http1: Http1Pool;
  private readonly http2: Http2Pool;

  constructor(host: UpstreamHost, context: PoolContext, options: Http2Options, choice: TransportOptions | undefined) {
    this.http1 = new Http1Pool(host, context, choice, this);
    this.http2 = new Http2Pool(host, context, options, choice, this);
    const check = () => {
      if (this.http1.empty && this.http2.empty) this.onEmpty?.();
    };
    this.http1.onEmpty = check;
    this.http2.onEmpty = check;
  }

  private get current(): Http1Pool | Http2Pool {
    return this.known === 'http1' ? this.http1 : this.http2;
  }

  open(request: UpstreamRequest): UpstreamTicket | undefined {
    return this.current.open(request);
  }

  confirm(protocol: 'http1' | 'http2'): void {
    this.known = protocol;
  }

  handOver(made: HostConnection, from: Pool): void {
    this.known = from === this.http1 ? 'http2' : 'http1';
    const to = this.current;
    // The connection first: it may serve one of those that wait.
    to.adopt(made);
    to.takeOver(from);
  }

  get pending(): number {
    return this.http1.pending + this.http2.pending;
  }

  get idleOnly(): boolean {
    return this.current.idleOnly;
  }

  preconnect(ratio: number): boolean {
    return this.current.preconnect(ratio);
  }

  drain(): void {
    this.http1.drain();
    this.http2.drain();
  }

  destroy(): void {
    this.http1.destroy();
    this.http2.destroy();
  }

  closeIdle(): boolean {
    return this.http1.closeIdle() || this.http2.closeIdle();
  }
}
