/** A client that sends exactly the bytes it is given and reads answers strictly. */
import { once } from 'node:events';
import net from 'node:net';
import { toBytes, toRecord } from '../bytes.ts';
import { turn } from '../clock.ts';
import { type MessageHead, MessageReader } from '../message-reader.ts';
import { Signal } from '../signal.ts';

/** One response, as it was on the wire. */
export interface RawResponse {
  readonly status: number;
  readonly reason: string;
  /** Names in lower case, repeated fields joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** Field lines in wire order and spelling. */
  readonly headerLines: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly bytes: Buffer;
  /** How the end of the body was told. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  readonly trailers: Readonly<Record<string, string>> | undefined;
  /** Interim (1xx) responses that came before. */
  readonly interim: readonly number[];
}

/** How a connection ended. */
export interface ConnectionEnd {
  /** RST, or another error; `undefined` after an orderly close. */
  readonly error: NodeJS.ErrnoException | undefined;
}

/** One TCP connection, see {@link rawClient}. */
export class RawClient {
  readonly socket: net.Socket;
  /** Resolves when the connection is gone, however it went. */
  readonly closed: Promise<ConnectionEnd>;
  /** Bytes read from the socket so far. */
  bytesRead = 0;
  /** The peer sent FIN. */
  peerEnded = false;
  private chunks: Buffer[] = [];
  private unreadBytes = 0;
  private over = false;
  private error: NodeJS.ErrnoException | undefined = undefined;
  private readonly signal = new Signal();

  /** @internal */
  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.bytesRead += chunk.length;
      this.keep(chunk);
      this.signal.notify();
    });
    socket.on('end', () => {
      this.peerEnded = true;
      this.signal.notify();
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.over = true;
        this.signal.notify();
        resolve({ error: this.error });
      });
    });
  }

  /** Hands bytes to the kernel; resolves when it has taken them. Text is sent as UTF-8. */
  send(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(toBytes(data), (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Sends every byte by itself, each in a turn of the event loop of its own. */
  async sendBytewise(data: string | Uint8Array): Promise<void> {
    const bytes = toBytes(data);
    for (let i = 0; i < bytes.length; i++) {
      await this.send(bytes.subarray(i, i + 1));
      await turn();
    }
  }

  /** What has been received and not read yet, as latin-1 text. */
  get received(): string {
    return this.unread.toString('latin1');
  }

  /** Reads up to and including `marker`. */
  async readUntil(marker: string): Promise<string> {
    const wanted = Buffer.from(marker, 'latin1');
    await this.until(() => this.unread.includes(wanted), JSON.stringify(marker));
    return this.take(this.unread.indexOf(wanted) + wanted.length).toString('latin1');
  }

  /** Reads exactly `length` bytes. */
  async read(length: number): Promise<Buffer> {
    await this.until(() => this.unreadBytes >= length, `${length} bytes`);
    return this.take(length);
  }

  /** Reads everything up to the peer's FIN. @throws the socket's error when the connection was reset instead. */
  async readToEnd(): Promise<Buffer> {
    await this.signal.until(() => this.peerEnded || this.over, 'the end of the connection');
    if (!this.peerEnded) throw this.error ?? new Error('the connection was closed without FIN');
    return this.take(this.unreadBytes);
  }

  /**
   * Reads one response, with the interim ones before it. `method` is that of the request.
   * @throws WireError when the bytes are not a well-formed response; an Error when the connection ends within it.
   */
  async readResponse({ method = 'GET' }: { method?: string } = {}): Promise<RawResponse> {
    const interim: number[] = [];
    const chunks: Buffer[] = [];
    const onHead = (head: MessageHead) => {
      const status = Number(head.start[0]);
      if (status < 200) interim.push(status);
    };
    const reader = new MessageReader('response', { onHead, onData: (chunk) => chunks.push(chunk) }, method);
    while (!reader.done) await this.feed(reader);
    const { start, lines } = reader.head as MessageHead;
    const bytes = Buffer.concat(chunks);
    return {
      status: Number(start[0]),
      reason: start[1],
      headers: toRecord(lines),
      headerLines: lines,
      body: bytes.toString(),
      bytes,
      framing: reader.framing,
      trailers: reader.trailers === undefined ? undefined : toRecord(reader.trailers),
      interim,
    };
  }

  private async feed(reader: MessageReader): Promise<void> {
    await this.signal.until(() => this.unreadBytes > 0 || this.peerEnded || this.over, 'a response');
    if (this.unreadBytes > 0) this.keep(reader.push(this.take(this.unreadBytes)));
    else if (this.peerEnded) reader.end();
    else throw this.error ?? new Error('the connection was closed within a response');
  }

  /** Sends FIN; reading goes on. */
  end(): void {
    this.socket.end();
  }

  /** Ends the connection with RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Stops reading, so that the peer's writes pile up. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  private async until(check: () => boolean, what: string): Promise<void> {
    await this.signal.until(() => check() || this.peerEnded || this.over, what);
    if (!check())
      throw this.error ?? new Error(`the connection ended before ${what}; received ${JSON.stringify(this.received)}`);
  }

  private keep(chunk: Buffer): void {
    if (chunk.length > 0) this.chunks.push(chunk);
    this.unreadBytes += chunk.length;
  }

  /** All unread bytes in one piece; joined only when somebody looks at them. */
  private get unread(): Buffer {
    if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0] ?? Buffer.alloc(0);
  }

  private take(length: number): Buffer {
    const all = this.unread;
    const rest = all.subarray(length);
    this.chunks = rest.length === 0 ? [] : [rest];
    this.unreadBytes = rest.length;
    return all.subarray(0, length);
  }
}

/**
 * Connects to a port of this machine.
 *
 * @example
 * const client = await rawClient(proxy.port);
 * await client.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
 * expect((await client.readResponse()).status).toBe(200);
 */
export async function rawClient(port: number, host = '127.0.0.1'): Promise<RawClient> {
  const socket = net.connect({ port, host, noDelay: true, allowHalfOpen: true });
  const client = new RawClient(socket);
  await once(socket, 'connect');
  return client;
}
