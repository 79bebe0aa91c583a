/**
 * One socket, either side: bytes in without copies, batched writes, counted read pauses, bounded write buffer.
 * Invariants: `handler.onClose` runs exactly once; no event reaches the handler after it; nothing here throws.
 */

import net from 'node:net';
import type { ConnectionInfo } from '../api/connection-info.ts';
import type { TlsInfo } from '../api/tls.ts';
import type { TransportOptions, UpstreamConnection } from '../api/upstream.ts';
import { TransportRefusal } from './failure-text.ts';
import { toLatin1 } from './latin1.ts';
import { peerOf } from './peer.ts';
import { inActiveSlab, pinActiveSlab, ReadBuffers } from './read-buffers.ts';
import { rewrap } from './rewrap.ts';
import type { ClientTransport } from './transport.ts';

/** Who uses the bytes of a connection. */
export interface ConnectionHandler {
  /** `chunk` is valid until the call returns unless `owned` is true. */
  onBytes(chunk: Buffer, owned: boolean): void;
  /** The peer sent FIN: nothing more comes, writing still works. */
  onEnd(): void;
  /** The write buffer is empty again after a write that answered false. */
  onWritable(): void;
  /** The socket is gone; `error` tells why when it was not an orderly close. */
  onClose(error: Error | undefined): void;
  /** Adds what it knows to the facts of a connection that is gone; asked only where somebody logs connections. */
  tellEnd?(facts: ConnectionInfo): void;
}

/** Bodies up to this size travel in the same string as the head: one write, no buffer list. */
const JOIN_MAX_BYTES = 4096;
const OWNER = Symbol('mesh connection');
type OwnedSocket = net.Socket & { [OWNER]?: Connection };

/** Where to connect. */
export type ConnectTarget =
  | {
      readonly host: string;
      readonly port: number;
      readonly localAddress?: string | undefined;
      readonly localPort?: number | undefined;
    }
  | { readonly path: string };

const EMPTY = Buffer.alloc(0);
let nextId = 1;

/** Something that bytes are added to. */
interface Tally {
  value: number;
}
/** Of connections whose bytes nobody counts. */
const UNCOUNTED: Tally = { value: 0 };

export class Connection implements UpstreamConnection {
  readonly id = nextId++;
  readonly socket: net.Socket;
  /** Bytes buffered for writing above which `write…` answers false. */
  highWatermark: number;
  bytesRead = 0;
  bytesWritten = 0;
  private readTally: Tally = UNCOUNTED;
  private writtenTally: Tally = UNCOUNTED;
  closed = false;
  /** Of a connection that was made here: see {@link noteLocalAddress}. */
  localIp = '';
  localPort = 0;
  private transport: ClientTransport | undefined = undefined;
  /** Monotonic time of the last read or write, set by whoever cares (idle timeouts). */
  lastActiveMs = 0;
  /** Sees outgoing bytes before the socket; set only when a network filter has a write hook. */
  tap: ((chunk: Uint8Array, end: boolean) => void) | undefined = undefined;
  private user: ConnectionHandler;
  private pauses = 0;
  private text = '';
  private blocked = false;
  private ended = false;
  private buffers: ReadBuffers | undefined = undefined;
  private error: Error | undefined = undefined;
  /** Nothing can be written any more: we sent FIN or gave the socket up. */
  private sealed = false;
  /** The TCP socket, which alone can be reset; `socket` itself unless TLS lies between. */
  private readonly raw: net.Socket;
  private readonly onDrained = (): void => this.socketDrain();
  /** A failed probe is followed by 'error' and 'close'. */
  private readonly onProbed = (error?: Error | null): void => {
    if (!error && !this.closed) this.user.onEnd();
  };

  private constructor(socket: net.Socket, handler: ConnectionHandler, highWatermark: number, raw: net.Socket) {
    this.socket = socket;
    this.raw = raw;
    this.user = handler;
    this.highWatermark = highWatermark;
    (socket as OwnedSocket)[OWNER] = this;
    // Every string written here is latin-1; naming it per write would have it looked up each time.
    socket.setDefaultEncoding('latin1');
    socket.on('end', onEnd);
    socket.on('drain', onDrain);
    socket.on('error', onError);
    socket.on('close', onClose);
  }

  /** Takes over an accepted socket; reading starts at once. `raw` is the TCP socket below a secured one. */
  static accept(socket: net.Socket, handler: ConnectionHandler, highWatermark: number, raw?: net.Socket): Connection {
    const reader = new Reader();
    const wrapped = raw === undefined ? rewrap(socket, reader) : undefined;
    const used = wrapped ?? socket;
    const connection = new Connection(used, handler, highWatermark, raw ?? used);
    if (wrapped === undefined) socket.on('data', onData);
    else connection.readWith(reader);
    return connection;
  }

  /**
   * Starts a connection; `onConnect` runs when it is established, with `transport` when its handshake is over and the
   * peer is trusted; `handler.onClose` when it could not be.
   */
  static connect(
    target: ConnectTarget,
    handler: ConnectionHandler,
    highWatermark: number,
    onConnect: () => void,
    transport?: ClientTransport,
    choice?: TransportOptions,
  ): Connection {
    const onread = new Reader();
    const options = { ...target, noDelay: true, allowHalfOpen: true, onread } as net.NetConnectOpts;
    if (transport === undefined) {
      const socket = net.connect(options);
      const connection = new Connection(socket, handler, highWatermark, socket);
      connection.readWith(onread);
      socket.once('connect', onConnect);
      return connection;
    }
    const socket = transport.connect(options, choice);
    const connection = new Connection(socket, handler, highWatermark, transport.raw(socket));
    connection.transport = transport;
    connection.readWith(onread);
    socket.once(transport.readyEvent, () => {
      const refusal = transport.refusal(socket);
      if (refusal === undefined || refusal === '') onConnect();
      else connection.refuse(refusal);
    });
    return connection;
  }

  /** Keeps the address of this side, which the socket forgets when it closes. */
  noteLocalAddress(): void {
    const { localIp, localPort } = peerOf(this.socket);
    this.localIp = localIp;
    this.localPort = localPort;
  }

  /** Facts of the handshake of a connection that was made here; `undefined` without TLS. */
  get tls(): TlsInfo | undefined {
    return this.transport?.info(this.socket);
  }

  private refuse(reason: string): void {
    if (this.closed) return;
    this.error = new TransportRefusal(reason);
    this.destroy();
  }

  private readWith(reader: Reader): void {
    reader.connection = this;
    this.buffers = reader.buffers;
  }

  get handler(): ConnectionHandler {
    return this.user;
  }

  /** Hands the connection to another user. */
  set handler(handler: ConnectionHandler) {
    this.user = handler;
  }

  /** True while unsent bytes exceed the high watermark or the kernel refused bytes. */
  get backedUp(): boolean {
    return this.blocked;
  }

  /** Bytes written that the kernel has not taken yet. */
  get bytesUnsent(): number {
    return this.socket.writableLength;
  }

  /** The peer has sent FIN. */
  get peerEnded(): boolean {
    return this.ended;
  }

  /** Adds the bytes of this connection to these two, those that have passed and those to come. */
  countBytes(read: Tally, written: Tally): void {
    read.value += this.bytesRead;
    written.value += this.bytesWritten;
    this.readTally = read;
    this.writtenTally = written;
  }

  /** @internal */
  read(chunk: Buffer, owned: boolean): void {
    if (this.closed) return;
    this.bytesRead += chunk.length;
    this.readTally.value += chunk.length;
    this.user.onBytes(chunk, owned);
  }

  /** Queues latin-1 text for the next flush. */
  addText(text: string): void {
    if (!this.sealed) this.text += text;
  }

  /** Queues bytes: small ones for the next flush, large ones written now, behind what is queued. */
  addBytes(chunk: Uint8Array, owned: boolean): void {
    if (this.sealed) return;
    if (chunk.length <= JOIN_MAX_BYTES) {
      this.text += toLatin1(chunk);
      return;
    }
    const text = this.text;
    const leased = !owned && inActiveSlab(chunk);
    const bytes = owned || leased ? chunk : Buffer.from(chunk);
    this.bytesWritten += text.length + bytes.length;
    this.writtenTally.value += text.length + bytes.length;
    if (this.tap !== undefined) {
      if (text !== '') this.tap(Buffer.from(text, 'latin1'), false);
      this.tap(bytes, false);
    }
    if (text === '') {
      this.socket.write(bytes);
    } else {
      this.text = '';
      this.socket.cork();
      this.socket.write(text);
      this.socket.write(bytes);
      this.socket.uncork();
    }
    if (leased) pinActiveSlab(this.socket);
  }

  /** Writes what is queued. False: above the high watermark; wait for `onWritable`. */
  flush(): boolean {
    if (this.sealed) return true;
    if (this.text !== '') {
      const text = this.text;
      this.text = '';
      this.bytesWritten += text.length;
      this.writtenTally.value += text.length;
      if (this.tap !== undefined) this.tap(Buffer.from(text, 'latin1'), false);
      this.socket.write(text);
    }
    if (this.socket.writableLength < this.highWatermark) return true;
    this.blocked = true;
    // Below the socket's own mark there is no 'drain' to wait for: an empty write reports that the rest is out.
    if (!this.socket.writableNeedDrain) this.socket.write('', this.onDrained);
    return false;
  }

  /** Counted: reading stops with the first pause and starts again when every pause has its resume. */
  pauseReading(): void {
    if (this.pauses++ === 0 && !this.closed) this.socket.pause();
  }

  resumeReading(): void {
    if (this.pauses === 0 || --this.pauses > 0 || this.closed) return;
    this.socket.resume();
  }

  get paused(): boolean {
    return this.pauses > 0;
  }

  /** Sends what was written, then FIN. */
  end(): void {
    if (this.sealed) return;
    this.flush();
    this.tap?.(EMPTY, true);
    this.sealed = true;
    this.socket.end();
  }

  /** Sends what was written, then ends both directions; what the peer still sends is dropped. */
  finish(): void {
    if (this.closed) return;
    this.flush();
    this.seal();
    this.socket.destroySoon();
  }

  /** Ends both directions at once; unsent bytes are lost. */
  destroy(): void {
    this.seal();
    if (!this.closed) this.socket.destroy();
  }

  /** Ends at once with RST, so that the peer cannot take a cut message for a complete one. */
  reset(): void {
    this.seal();
    if (this.closed) return;
    // Only TCP has RST; a unix socket has no remote address either.
    if (this.raw.remoteAddress === undefined) this.socket.destroy();
    else this.raw.resetAndDestroy();
    if (this.raw !== this.socket) this.socket.destroy();
  }

  private seal(): void {
    this.sealed = true;
    this.text = '';
  }

  /** @internal */
  socketEnd(): void {
    if (this.closed || this.ended) return;
    this.ended = true;
    // libuv reports a RST that comes along with data as an end; writing nothing brings the error to light.
    // Only TCP has RST; on a unix socket an orderly close would fail the write too.
    // Over TLS an end is authentic or comes as an error of its own, and an empty write may never be answered.
    const tcp = this.raw === this.socket && !('encrypted' in this.socket);
    const probed = tcp && this.socket.localAddress !== undefined;
    const silent = this.sealed || !probed || this.socket.writableLength > 0;
    if (silent) this.user.onEnd();
    else this.socket.write('', this.onProbed);
  }

  /** @internal */
  socketDrain(): void {
    if (!this.blocked || this.closed) return;
    this.blocked = false;
    this.user.onWritable();
  }

  /** @internal */
  socketError(error: Error): void {
    this.error = error;
  }

  /** @internal */
  socketClose(): void {
    if (this.closed) return;
    this.closed = true;
    this.seal();
    this.buffers?.release();
    this.user.onClose(this.error);
  }
}

/** Node's `onread` for one connection. */
class Reader {
  readonly buffers = new ReadBuffers();
  connection: Connection | undefined = undefined;
  readonly buffer = this.buffers.next;
  private readonly deliver = (chunk: Buffer): void => this.connection?.read(chunk, false);
  readonly callback = (bytes: number, buffer: Uint8Array): boolean => {
    this.buffers.deliver(buffer as Buffer, bytes, this.deliver);
    return true;
  };
}

function owner(socket: net.Socket): Connection {
  return (socket as OwnedSocket)[OWNER] as Connection;
}
function onData(this: net.Socket, chunk: Buffer): void {
  owner(this).read(chunk, true);
}
function onEnd(this: net.Socket): void {
  owner(this).socketEnd();
}
function onDrain(this: net.Socket): void {
  owner(this).socketDrain();
}
function onError(this: net.Socket, error: Error): void {
  owner(this).socketError(error);
}
function onClose(this: net.Socket): void {
  owner(this).socketClose();
}
