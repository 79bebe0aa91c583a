/** A connection whose protocol is not known before its first bytes (`codec_type: AUTO` without ALPN). */
import type { ConnectionInfo } from '../api/connection-info.ts';
import type { Connection } from '../net/connection.ts';
import type { Peer } from '../net/peer.ts';
import { HttpConnection } from './connection.ts';
import { Http1Connection } from './http1-connection.ts';
import { Http2Connection } from './http2-connection.ts';
import type { HttpManager } from './manager.ts';
import type { Stream } from './stream.ts';

/** What every HTTP/2 connection begins with (RFC 9113 3.4); no request of HTTP/1 does. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const EMPTY = Buffer.alloc(0);

export class UndecidedConnection extends HttpConnection {
  readonly watch = undefined;
  protected readonly httpMinor = 1;
  /** A beginning of the preface. */
  private held: Buffer = EMPTY;
  /** What the connection has become. */
  private successor: HttpConnection | undefined = undefined;

  constructor(manager: HttpManager, connection: Connection, peer: Peer) {
    super(manager, connection, peer);
    this.armDeadline();
  }

  protected get activeStreams(): number {
    return 0;
  }

  get idle(): boolean {
    return this.held.length === 0;
  }

  override onBytes(chunk: Buffer, owned: boolean): void {
    if (this.successor === undefined) super.onBytes(chunk, owned);
    else this.successor.onBytes(chunk, owned);
  }

  protected feed(chunk: Buffer, owned: boolean): void {
    const start = this.held.length;
    const length = Math.min(chunk.length, PREFACE.length - start);
    const fits = PREFACE.compare(chunk, 0, length, start, start + length) === 0;
    if (fits && start + length < PREFACE.length) {
      if (start === 0) this.onHeadStarted();
      this.held = Buffer.concat([this.held, chunk]);
      return;
    }
    this.become(fits, chunk, owned);
  }

  private become(http2: boolean, chunk: Buffer, owned: boolean): HttpConnection {
    const { manager, connection, peer, held } = this;
    const next = http2
      ? new Http2Connection(manager, connection, peer, this)
      : new Http1Connection(manager, connection, peer, this);
    this.successor = next;
    this.held = EMPTY;
    // Behind network filters it is they who hand on the bytes, and they know this object only.
    if (connection.handler === this) connection.handler = next;
    if (held.length > 0) next.onBytes(held, true);
    if (chunk.length > 0) next.onBytes(chunk, owned);
    return next;
  }

  onEnd(): void {
    if (this.successor !== undefined) {
      this.successor.onEnd();
      return;
    }
    this.peerEnded = true;
    if (this.closing) this.connection.destroy();
    else this.endBehindPeer();
  }

  onWritable(): void {
    this.successor?.onWritable();
  }

  override tellEnd(facts: ConnectionInfo): void {
    this.successor?.tellEnd(facts);
  }

  override onClose(error: Error | undefined): void {
    if (this.successor === undefined) super.onClose(error);
    else this.successor.onClose(error);
  }

  protected endStreams(): void {}
  protected countClosed(): void {}

  nextRun(previous: Stream): Stream {
    return previous;
  }

  drainClose(): boolean {
    return false;
  }

  protected drain(): void {
    this.close();
  }

  protected drainExpired(): void {}

  protected finishUp(): void {
    this.close();
  }

  /** A part of the preface and no more: HTTP/1 has an answer to a head that is not whole. */
  headExpired(): void {
    this.become(false, EMPTY, true).headExpired();
  }
}
