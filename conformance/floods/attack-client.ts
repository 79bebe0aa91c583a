/**
 * A client that sends whatever frames it is told to, and keeps account of what comes back. It acknowledges nothing and
 * opens no window by itself.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Flag, FRAME_HEADER_BYTES, FrameType, PREFACE, ping, settings } from './frames.ts';

/** What a connection has come to. */
export interface Outcome {
  /** The server's GOAWAY, the last one if there were several. */
  readonly goAway: { readonly code: number; readonly lastStream: number; readonly debug: string } | undefined;
  /** The server has closed the connection, by FIN or RST. */
  readonly closed: boolean;
  /** Frames by type that have come. */
  readonly frames: ReadonlyMap<number, number>;
  /** RST_STREAM frames: error code → how many. */
  readonly resets: ReadonlyMap<number, number>;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** How an attack behaves while it sends. */
export interface AttackOptions {
  /** Settings of the client, sent with the preface. */
  readonly settings?: Readonly<Record<number, number>>;
  /** Nothing is read until all has been sent, so that answers pile up at the server. */
  readonly deaf?: boolean;
  /** The server's FIN is not heeded: only an error of the socket stops it. */
  readonly stubborn?: boolean;
  /** Over TLS, by ALPN. */
  readonly secure?: boolean;
}

/** Nothing has been taken for so long: the server does not read. */
const STALL_MS = 300;

export class AttackClient {
  private readonly socket: Socket;
  private pending: Buffer = Buffer.alloc(0);
  private readonly frames = new Map<number, number>();
  private readonly resets = new Map<number, number>();
  private goAway: Outcome['goAway'];
  private closed = false;
  private sentBytes = 0;
  private receivedBytes = 0;
  private pongs = 0;
  private waiting: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.receive(bytes));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.waiting?.();
    });
    socket.on('drain', () => this.waiting?.());
  }

  /** Connects and sends the preface with its SETTINGS. */
  static async connect(port: number, options: AttackOptions = {}): Promise<AttackClient> {
    const to = { port, host: '127.0.0.1', allowHalfOpen: options.stubborn === true };
    const socket = options.secure
      ? connectTls({ ...to, ALPNProtocols: ['h2'], rejectUnauthorized: false })
      : connect(to);
    await once(socket, options.secure ? 'secureConnect' : 'connect');
    const client = new AttackClient(socket);
    if (options.deaf) socket.pause();
    client.send(PREFACE);
    client.send(settings(options.settings));
    return client;
  }

  /** The bytes as they are; `false` when the socket is backed up. */
  send(bytes: Buffer): boolean {
    if (this.closed) return false;
    this.sentBytes += bytes.length;
    return this.socket.write(bytes);
  }

  /** Sends chunk by chunk, as fast as they are taken, until there are no more or the server has closed. */
  async flood(chunks: Iterable<Buffer>): Promise<void> {
    for (const chunk of chunks) {
      if (this.closed) return;
      if (this.send(chunk)) continue;
      await this.change(this.socket.isPaused() ? STALL_MS : undefined);
      // A server that has stopped reading until its answers are taken: that is as much as it piles up.
      if (this.socket.writableNeedDrain) this.socket.resume();
    }
  }

  /** Sends a PING and waits for its answer, behind which all that was sent has been dealt with, or for the close. */
  settle(): Promise<Outcome> {
    return this.settleOr(() => false);
  }

  /** As `settle`, but a GOAWAY will do: some servers leave it to the client to close. */
  settleOrGoAway(): Promise<Outcome> {
    return this.settleOr(() => this.goAway !== undefined);
  }

  /** Waits for the server to close. */
  async untilClosed(): Promise<Outcome> {
    this.socket.resume();
    while (!this.closed) await this.change();
    return this.outcome();
  }

  /** Waits until `count` streams have been reset, or for the close. */
  async untilReset(count: number): Promise<Outcome> {
    while (!this.closed && (this.frames.get(FrameType.resetStream) ?? 0) < count) await this.change();
    return this.outcome();
  }

  outcome(): Outcome {
    const { goAway, closed, frames, resets, sentBytes, receivedBytes } = this;
    return { goAway, closed, frames, resets, sentBytes, receivedBytes };
  }

  close(): void {
    this.socket.destroy();
  }

  private async settleOr(enough: () => boolean): Promise<Outcome> {
    this.socket.resume();
    const before = this.pongs;
    this.send(ping(Buffer.from('settled?', 'latin1')));
    while (!this.closed && this.pongs === before && !enough()) await this.change();
    return this.outcome();
  }

  /** Resolves with the next thing that happens, or after so long. */
  private change(timeoutMs?: number): Promise<void> {
    if (this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs);
      this.waiting = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private receive(bytes: Buffer): void {
    this.receivedBytes += bytes.length;
    this.pending = this.pending.length === 0 ? bytes : Buffer.concat([this.pending, bytes]);
    let at = 0;
    while (this.pending.length - at >= FRAME_HEADER_BYTES) {
      const end = at + FRAME_HEADER_BYTES + this.pending.readUIntBE(at, 3);
      if (end > this.pending.length) break;
      this.account(this.pending.subarray(at, end));
      at = end;
    }
    this.pending = this.pending.subarray(at);
    this.waiting?.();
  }

  private account(frame: Buffer): void {
    const type = frame[3] as number;
    const payload = frame.subarray(FRAME_HEADER_BYTES);
    this.frames.set(type, (this.frames.get(type) ?? 0) + 1);
    if (type === FrameType.ping && (frame[4] as number) & Flag.ack && payload.toString('latin1') === 'settled?') {
      this.pongs++;
    }
    if (type === FrameType.resetStream) {
      const code = payload.readUInt32BE(0);
      this.resets.set(code, (this.resets.get(code) ?? 0) + 1);
    }
    if (type === FrameType.goAway) {
      const debug = payload.toString('latin1', 8);
      this.goAway = { lastStream: payload.readUInt32BE(0) & 0x7fffffff, code: payload.readUInt32BE(4), debug };
    }
  }
}
