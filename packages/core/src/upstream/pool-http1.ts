/**
 * HTTP/1 connections to one host: idle ones are reused last in, first out; requests wait in order while connections
 * are made. Invariants: a connection serves one request at a time; one that ended uncleanly is never reused; every
 * waiting request is answered by `onReady` or `onFailure` exactly once, unless cancelled.
 */
import type { UpstreamFailure } from '../api/codec.ts';
import type { TransportOptions, UpstreamRequest, UpstreamTicket } from '../api/upstream.ts';
import type { UpstreamHost } from './host.ts';
import type { HostConnection } from './host-connection.ts';
import { Pool, type PoolContext, type ProtocolFinder, type Waiting } from './pool.ts';
import { PooledConnection } from './pooled-connection.ts';

export class Http1Pool extends Pool {
  /** Asked what a connection speaks; `undefined` when that is settled by the configuration. */
  readonly finder: ProtocolFinder<HostConnection> | undefined;
  private readonly idle: PooledConnection[] = [];
  private readonly all = new Set<PooledConnection>();
  private connecting = 0;

  constructor(
    host: UpstreamHost,
    context: PoolContext,
    choice?: TransportOptions,
    finder?: ProtocolFinder<HostConnection>,
  ) {
    super(host, context, choice);
    this.finder = finder;
  }

  protected get size(): number {
    return this.all.size;
  }

  /** Serves `request` now from an idle connection, or queues it. */
  open(request: UpstreamRequest): UpstreamTicket | undefined {
    const connection = request.freshConnection === true ? undefined : this.takeIdle();
    if (connection !== undefined) {
      if (this.full) {
        this.idle.push(connection);
        this.refuse(request);
      } else connection.serve(request);
      if (this.aheadRatio > 1) this.connectAhead();
      return undefined;
    }
    const waiting = this.wait(request);
    // At the limit, with idle connections that the request does not want: the oldest makes room.
    if (waiting !== undefined && this.connecting < this.waiting.length) this.closeIdle();
    return waiting;
  }

  private takeIdle(): PooledConnection | undefined {
    let connection = this.idle.pop();
    while (connection !== undefined && !connection.usable) connection = this.idle.pop();
    return connection;
  }

  /** One connection on its way for each waiting request, within the limit. */
  protected connectForWaiting(): void {
    while (this.connecting < this.waiting.length) {
      if (!this.mayConnect()) return;
      this.connectOne();
    }
  }

  protected connectOne(): void {
    this.connecting++;
    this.all.add(new PooledConnection(this));
  }

  protected get active(): number {
    return this.all.size - this.connecting - this.idle.length;
  }

  protected get capacity(): number {
    return this.connecting + this.idle.length;
  }

  get idleOnly(): boolean {
    return this.all.size > 0 && this.all.size === this.idle.length;
  }

  /** @internal Carries on a connection that was made for another protocol. */
  adopt(made: HostConnection): void {
    this.connecting++;
    const connection = new PooledConnection(this, made);
    this.all.add(connection);
    connection.settleSoon();
  }

  /** @internal It speaks another protocol, and another pool carries it on. */
  handOver(connection: PooledConnection): void {
    this.connecting--;
    this.all.delete(connection);
    this.finder?.handOver(connection, this);
  }

  /** @internal A new connection is up, or a served one is free again. */
  ready(connection: PooledConnection, fresh: boolean): void {
    if (fresh) this.connecting--;
    for (let waiting = this.nextWaiting(fresh); waiting !== undefined; waiting = this.nextWaiting(fresh)) {
      this.left();
      if (!this.full) {
        connection.serve(waiting.request);
        // As Envoy, which counts it once more where the limit of connections is what they wait for.
        if (this.waiting.length > 0) this.connectForWaiting();
        return;
      }
      this.refuse(waiting.request);
    }
    // Who still waits wants a fresh connection; with none on its way, this one makes room.
    if (this.draining || this.connecting < this.waiting.length) {
      connection.close();
      return;
    }
    this.idle.push(connection);
    connection.becameIdle();
  }

  private nextWaiting(fresh: boolean): Waiting | undefined {
    return fresh ? this.waiting.shift() : this.takeWaitingForUsed();
  }

  /** The first waiting request that takes any connection. */
  private takeWaitingForUsed(): Waiting | undefined {
    if (this.waiting.length === 0) return undefined;
    const at = this.waiting.findIndex(({ request }) => request.freshConnection !== true);
    return at < 0 ? undefined : this.waiting.splice(at, 1)[0];
  }

  /** @internal */
  connectFailed(connection: PooledConnection, failure: UpstreamFailure): void {
    this.connecting--;
    this.all.delete(connection);
    // Connections still on their way, and those in use, may serve as many of the waiting requests.
    this.eject(failure, this.connecting);
    this.checkEmpty();
  }

  /** @internal */
  gone(connection: PooledConnection): void {
    this.all.delete(connection);
    const at = this.idle.indexOf(connection);
    if (at >= 0) this.idle.splice(at, 1);
    this.connectForWaiting();
    this.checkEmpty();
  }

  closeIdle(): boolean {
    const connection = this.idle.shift();
    connection?.close();
    return connection !== undefined;
  }

  /** Closes idle connections and lets busy ones finish; waiting requests are still served. */
  drain(): void {
    this.draining = true;
    for (const connection of this.idle.splice(0)) connection.close();
  }

  /** Ends every connection at once. */
  destroy(): void {
    this.draining = true;
    for (const connection of [...this.all]) connection.close();
  }
}
