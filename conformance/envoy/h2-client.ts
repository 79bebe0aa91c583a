/** An HTTP/2 client that sends what it is told to, and writes down what comes of each stream. */
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { HpackDecoder } from '@mesh/core/engine';
import {
  Flag,
  FRAME_HEADER_BYTES,
  FrameType,
  frame,
  literal,
  numberFrame,
  PREFACE,
  settings,
} from '../floods/frames.ts';
import { within } from './talk.ts';

/** What came of a stream. */
export interface SeenStream {
  readonly interim?: readonly (readonly string[])[];
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly trailers?: readonly string[];
  /** `end`, `reset <code>`, `closed` with the connection, or `open` when nothing more came. */
  readonly end: string;
}

/** What came of the connection. */
export interface SeenConnection {
  readonly goAway?: number;
  readonly end: 'closed' | 'open';
}

/** Fields in their order; a name may come twice. */
export type Fields = readonly (readonly [name: string, value: string])[];

interface Gathered {
  readonly heads: string[][];
  body: string;
  trailers: string[] | undefined;
  end: string | undefined;
}

const LARGE_WINDOW = 0x3fff_ffff;

/** SETTINGS: ENABLE_PUSH off, windows that are never in the way. */
const OURS = settings({ 2: 0, 4: LARGE_WINDOW });

export class H2Client {
  private readonly socket: net.Socket;
  private readonly decoder = new HpackDecoder(4096);
  private readonly streams = new Map<number, Gathered>();
  private readonly waiting: (() => void)[] = [];
  private pending: Buffer = Buffer.alloc(0);
  private block: Buffer[] = [];
  private next = 1;
  private goAway: number | undefined = undefined;
  private closed = false;
  /** Identifier → value, as the proxy has set them. */
  readonly settings: Record<number, number> = {};

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => this.receive(bytes));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.changed();
    });
    socket.write(Buffer.concat([PREFACE, OURS, numberFrame(FrameType.windowUpdate, 0, LARGE_WINDOW)]));
  }

  /** Connects; over TLS with the options of it. */
  static async connect(port: number, secure?: tls.ConnectionOptions): Promise<H2Client> {
    const to = { port, host: '127.0.0.1' };
    const socket =
      secure === undefined
        ? net.connect(to)
        : tls.connect({ ...to, ALPNProtocols: ['h2'], rejectUnauthorized: false, ...secure });
    await once(socket, secure === undefined ? 'connect' : 'secureConnect');
    return new H2Client(socket);
  }

  /** Sends a head; the stream's number. */
  open(fields: Fields, end = true): number {
    const stream = this.next;
    this.next += 2;
    this.streams.set(stream, { heads: [], body: '', trailers: undefined, end: undefined });
    this.fields(stream, fields, end);
    return stream;
  }

  /** Fields on an open stream: trailers. */
  fields(stream: number, fields: Fields, end = true): void {
    const block = Buffer.concat(fields.map(([name, value]) => literal(name, value)));
    for (let at = 0; at === 0 || at < block.length; at += 16_384) {
      const last = at + 16_384 >= block.length ? Flag.endHeaders : 0;
      const flags = last | (at === 0 && end ? Flag.endStream : 0);
      const type = at === 0 ? FrameType.headers : FrameType.continuation;
      this.socket.write(frame(type, flags, stream, block.subarray(at, at + 16_384)));
    }
  }

  data(stream: number, text: string, end = true): void {
    this.socket.write(frame(FrameType.data, end ? Flag.endStream : 0, stream, Buffer.from(text, 'latin1')));
  }

  reset(stream: number, code: number): void {
    this.socket.write(numberFrame(FrameType.resetStream, stream, code));
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** What came of a stream when it has ended. */
  async seen(stream: number): Promise<SeenStream> {
    const gathered = this.streams.get(stream) as Gathered;
    await within(
      this.until(() => this.closed || gathered.end !== undefined),
      undefined,
    );
    const { heads, body, trailers, end } = gathered;
    const final = heads.at(-1);
    const isFinal = final !== undefined && !final.some((line) => /^:status: 1/.test(line));
    const interim = isFinal ? heads.slice(0, -1) : heads;
    return {
      ...(interim.length === 0 ? {} : { interim }),
      ...(isFinal ? { headers: final } : {}),
      ...(body === '' ? {} : { body }),
      ...(trailers === undefined ? {} : { trailers }),
      end: end ?? (this.closed ? 'closed' : 'open'),
    };
  }

  /** Waits for a final head, and for so many bytes of body. */
  async untilBody(stream: number, bytes: number): Promise<void> {
    const gathered = this.streams.get(stream) as Gathered;
    const done = () => this.closed || gathered.end !== undefined || gathered.body.length >= bytes;
    await within(
      this.until(() => done() && (this.closed || gathered.heads.length > 0)),
      undefined,
    );
  }

  /** Waits for the first head of a stream, an interim one as well. */
  async untilHead(stream: number): Promise<void> {
    const gathered = this.streams.get(stream) as Gathered;
    await within(
      this.until(() => this.closed || gathered.end !== undefined || gathered.heads.length > 0),
      undefined,
    );
  }

  /** Waits for the proxy's settings. */
  async untilSettings(): Promise<Readonly<Record<number, number>>> {
    await within(
      this.until(() => this.closed || Object.keys(this.settings).length > 0),
      undefined,
    );
    return this.settings;
  }

  /** Waits for the end of the connection. */
  async ended(): Promise<SeenConnection> {
    await within(
      this.until(() => this.closed),
      undefined,
    );
    return { ...(this.goAway === undefined ? {} : { goAway: this.goAway }), end: this.closed ? 'closed' : 'open' };
  }

  close(): void {
    this.socket.destroy();
  }

  private async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private changed(): void {
    for (const wake of this.waiting.splice(0)) wake();
  }

  private receive(bytes: Buffer): void {
    this.pending = Buffer.concat([this.pending, bytes]);
    for (;;) {
      if (this.pending.length < FRAME_HEADER_BYTES) break;
      const end = FRAME_HEADER_BYTES + this.pending.readUIntBE(0, 3);
      if (this.pending.length < end) break;
      const whole = this.pending.subarray(0, end);
      this.pending = this.pending.subarray(end);
      this.handle(
        whole[3] as number,
        whole[4] as number,
        whole.readUInt32BE(5) & 0x7fff_ffff,
        whole.subarray(FRAME_HEADER_BYTES),
      );
    }
    this.changed();
  }

  private handle(type: number, flags: number, id: number, payload: Buffer): void {
    const stream = this.streams.get(id);
    if (type === FrameType.settings && (flags & Flag.ack) === 0) {
      for (let at = 0; at < payload.length; at += 6) {
        this.settings[payload.readUInt16BE(at)] = payload.readUInt32BE(at + 2);
      }
      this.socket.write(frame(FrameType.settings, Flag.ack, 0));
    }
    if (type === FrameType.ping && (flags & Flag.ack) === 0) {
      this.socket.write(frame(FrameType.ping, Flag.ack, 0, payload));
    }
    if (type === FrameType.goAway) this.goAway = payload.readUInt32BE(4);
    if (stream === undefined) return;
    if (type === FrameType.resetStream) stream.end ??= `reset ${payload.readUInt32BE(0)}`;
    if (type === FrameType.data) stream.body += payload.toString('latin1');
    if (type === FrameType.headers || type === FrameType.continuation) {
      this.block.push(payload);
      if ((flags & Flag.endHeaders) !== 0) this.head(stream);
    }
    const ends = (type === FrameType.data || type === FrameType.headers) && (flags & Flag.endStream) !== 0;
    if (ends) stream.end ??= 'end';
  }

  private head(stream: Gathered): void {
    const lines: string[] = [];
    const sink: Parameters<HpackDecoder['decode']>[3] = {
      full: false,
      field: (name, value) => void lines.push(`${name}: ${value}`),
    };
    const block = Buffer.concat(this.block);
    this.block = [];
    this.decoder.decode(block, 0, block.length, sink);
    if (lines.some((line) => line.startsWith(':status'))) stream.heads.push(lines);
    else stream.trailers = lines;
  }
}
