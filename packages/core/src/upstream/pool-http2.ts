/**
 * HTTP/2 connections to one host: each is shared by as many requests as host and configuration allow, another one is
 * made when they are all full. What a host allows is known with its SETTINGS: until the first of them have come, a single
 * request goes ahead, because a host refuses what is too much.
 */
import type { UpstreamFailure } from '../api/codec.ts';
import type { TransportOptions, UpstreamRequest, UpstreamTicket } from '../api/upstream.ts';
import type { Http2Options } from '../http2/options.ts';
import type { UpstreamHost } from './host.ts';
import type { HostConnection } from './host-connection.ts';
import { Http2Connection } from './http2-connection.ts';
import { Pool, type PoolContext, type ProtocolFinder, type Waiting } from './pool.ts';

export class Http2Pool extends Pool {
  readonly options: Http2Options;
  /** Asked what a connection speaks; `undefined` when that is settled by the configuration. */
  readonly finder: ProtocolFinder<HostConnection> | undefined;
  /** Streams that the host has allowed at last on a connection; 0 is not known yet. */
  hostAllows = 0;
  private readonly all = new Set<Http2Connection>();
  /** Connections with room, the one to take at the end. Those that have lost it are dropped when they are met. */
  private readonly roomy: Http2Connection[] = [];
  /** Streams for which connections on their way will have room. */
  private coming = 0;

  constructor(
    host: UpstreamHost,
    context: PoolContext,
    options: Http2Options,
    choice?: TransportOptions,
    finder?: ProtocolFinder<HostConnection>,
  ) {
    super(host, context, choice);
    this.options = options;
    this.finder = finder;
  }

  protected get size(): number {
    return this.all.size;
  }

  /** Serves `request` now on a connection with room, or queues it. */
  open(request: UpstreamRequest): UpstreamTicket | undefined {
    const connection = request.freshConnection === true ? this.lively() : this.latest();
    if (connection === undefined) return this.wait(request);
    if (this.full) this.refuse(request);
    else connection.serve(request);
    if (this.aheadRatio > 1) this.connectAhead();
    return undefined;
  }

  private latest(): Http2Connection | undefined {
    const list = this.roomy;
    for (let last = list.at(-1); last !== undefined; last = list.at(-1)) {
      if (last.hasRoom) return last;
      list.pop();
      last.listed = false;
    }
    return undefined;
  }

  /** One that is in use: what its host has given up is idle. */
  private lively(): Http2Connection | undefined {
    return this.roomy.find((connection) => connection.streams > 0 && connection.hasRoom);
  }

  /** Streams that a connection will have room for, as far as can be told before it is there. */
  get expectedStreams(): number {
    // It may turn out to be HTTP/1.
    if (this.finder !== undefined && this.finder.known === undefined) return 1;
    const { maxRequestsPerConnection } = this.context.settings;
    const allowed = this.hostAllows > 0 ? this.hostAllows : this.options.maxConcurrentStreams;
    return maxRequestsPerConnection > 0 ? Math.min(maxRequestsPerConnection, allowed) : allowed;
  }

  protected connectForWaiting(): void {
    while (this.coming < this.waiting.length) {
      if (!this.mayConnect()) return;
      this.connectOne();
    }
  }

  protected connectOne(): void {
    const connection = new Http2Connection(this, undefined);
    this.coming += connection.expectedStreams;
    this.all.add(connection);
  }

  protected get active(): number {
    let sum = 0;
    for (const { streams } of this.all) sum += streams;
    return sum;
  }

  protected get capacity(): number {
    let sum = this.coming;
    for (const { room } of this.all) sum += room;
    return sum;
  }

  get idleOnly(): boolean {
    return this.all.size > 0 && this.waiting.length === 0 && this.active === 0;
  }

  /** @internal Carries on a connection that was made for another protocol. */
  adopt(made: HostConnection): void {
    const connection = new Http2Connection(this, made);
    this.coming += connection.expectedStreams;
    this.all.add(connection);
    connection.begin();
  }

  /** @internal It speaks another protocol, and another pool carries it on. */
  handOver(connection: Http2Connection): void {
    this.coming -= connection.expectedStreams;
    this.all.delete(connection);
    this.finder?.handOver(connection, this);
  }

  /** @internal It is up, but how much its host allows is not known: one request is always allowed. */
  goAhead(connection: Http2Connection): void {
    this.serveNext(connection);
  }

  /** @internal It is up, and its host has told how much it allows. */
  ready(connection: Http2Connection): void {
    this.coming -= connection.expectedStreams;
    this.fill(connection);
    if (this.draining) connection.retire();
    // The host allows less than was thought.
    this.connectForWaiting();
  }

  /** @internal There is room on it, perhaps for a request that waits. */
  roomMade(connection: Http2Connection): void {
    const waited = this.waiting.length;
    this.fill(connection);
    // As Envoy, which looks again whether those who still wait may have another connection.
    if (this.waiting.length > 0 && this.waiting.length < waited) this.connectForWaiting();
  }

  private fill(connection: Http2Connection): void {
    while (this.waiting.length > 0 && connection.hasRoom) this.serveNext(connection);
    if (connection.listed || !connection.hasRoom) return;
    connection.listed = true;
    this.roomy.push(connection);
  }

  private serveNext(connection: Http2Connection): void {
    const waiting = this.waiting.shift() as Waiting | undefined;
    if (waiting === undefined) return;
    this.left();
    if (this.full) this.refuse(waiting.request);
    else connection.serve(waiting.request);
  }

  /** @internal */
  connectFailed(connection: Http2Connection, failure: UpstreamFailure): void {
    this.coming -= connection.expectedStreams;
    this.all.delete(connection);
    this.eject(failure, this.coming);
    this.checkEmpty();
  }

  /** @internal `settled`: it had been `ready`. */
  gone(connection: Http2Connection, settled: boolean): void {
    this.all.delete(connection);
    if (!settled) this.coming -= connection.expectedStreams;
    if (connection.listed) this.roomy.splice(this.roomy.indexOf(connection), 1);
    this.connectForWaiting();
    this.checkEmpty();
  }

  closeIdle(): boolean {
    for (const connection of this.roomy) {
      if (connection.streams > 0) continue;
      connection.close();
      return true;
    }
    return false;
  }

  drain(): void {
    this.draining = true;
    // Those on their way may have to serve who waits; they are retired when they are ready.
    for (const connection of [...this.all]) if (connection.open) connection.retire();
  }

  destroy(): void {
    this.draining = true;
    for (const connection of [...this.all]) connection.close();
  }
}
