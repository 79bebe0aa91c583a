/** Sends datagrams to one address: never blocks, never throws, holds back a bounded amount, counts what it loses. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** Datagrams sent in one turn of the event loop; each costs a system call of some microseconds. */
const PER_TURN = 128;

/** Characters that may wait to be sent. A flush of ten thousand metrics has a twentieth of that. */
const MAX_QUEUED = 16 * 1024 * 1024;

/** How many may wait by default, beside {@link MAX_QUEUED}. */
const MAX_QUEUED_DATAGRAMS = 262_144;

/** Bytes that wait in the process because the kernel takes no more; beyond that, datagrams wait in the queue. */
const MAX_UNSENT_BYTES = 256 * 1024;

/** What is counted. */
export interface DatagramCounts {
  /** Datagrams that were given up because too many waited. */
  dropped(lines: number): void;
  /** A datagram was refused: by the system, or by the receiver's host with an ICMP message. */
  failed(): void;
}

/** Options of {@link Datagrams}. */
export interface DatagramOptions {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  readonly counts: DatagramCounts;
  /** Default 262 144. */
  readonly maxQueued?: number;
  /** Makes sockets; tests give others. */
  readonly socket?: (type: 'udp4' | 'udp6') => Socket;
}

export class Datagrams {
  private readonly options: DatagramOptions;
  private readonly limit: number;
  private queue: string[] = [];
  /** Of the first that was not sent. */
  private head = 0;
  private queuedLength = 0;
  private socket: Socket | undefined = undefined;
  private connected = false;
  private scheduled = false;
  private closed = false;

  constructor(options: DatagramOptions) {
    this.options = options;
    this.limit = options.maxQueued ?? MAX_QUEUED_DATAGRAMS;
  }

  /** Number of datagrams that wait. */
  get waiting(): number {
    return this.queue.length - this.head;
  }

  /** Queues one datagram; it leaves at the end of this turn of the event loop at the earliest. */
  send(text: string): void {
    if (this.closed) return;
    if (this.waiting >= this.limit || this.queuedLength + text.length > MAX_QUEUED) {
      this.options.counts.dropped(linesOf(text));
      return;
    }
    this.queue.push(text);
    this.queuedLength += text.length;
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(this.drain);
  }

  private readonly drain = (): void => {
    this.scheduled = false;
    if (this.waiting === 0) return;
    if (!this.connected) {
      this.open();
      return;
    }
    for (let sent = 0; sent < PER_TURN && this.waiting > 0 && this.hasRoom(); sent++) this.sendNext();
    // Without room the callback of what is on its way goes on.
    if (this.waiting > 0 && this.hasRoom()) this.schedule();
  };

  private sendNext(): void {
    const text = this.queue[this.head] as string;
    this.queue[this.head++] = '';
    this.queuedLength -= text.length;
    if (this.head === this.queue.length) {
      this.queue = [];
      this.head = 0;
    }
    try {
      this.socket?.send(text, this.sent);
    } catch {
      this.options.counts.failed();
    }
  }

  private hasRoom(): boolean {
    return (this.socket?.getSendQueueSize() ?? 0) < MAX_UNSENT_BYTES;
  }

  private readonly sent = (error: Error | null): void => {
    if (error !== null && !this.closed) this.options.counts.failed();
    if (this.waiting > 0) this.schedule();
  };

  private open(): void {
    if (this.socket !== undefined) return;
    const { address, port, socket: make = createSocket } = this.options;
    try {
      const socket = make(isIPv6(address) ? 'udp6' : 'udp4');
      this.socket = socket;
      socket.unref();
      // A connected socket hears of a closed port and needs no look-up of the address per datagram.
      socket.on('error', () => this.failed(socket));
      socket.once('connect', () => this.opened(socket));
      socket.connect(port, address);
    } catch {
      this.lose();
    }
  }

  private opened(socket: Socket): void {
    if (socket !== this.socket) return;
    this.connected = true;
    this.schedule();
  }

  private failed(socket: Socket): void {
    if (this.closed || socket !== this.socket) return;
    this.options.counts.failed();
    if (!this.connected) this.lose();
  }

  /** There is no way to the address: what waits is lost, and the next datagram tries anew. */
  private lose(): void {
    this.dropAll();
    this.shut();
  }

  private dropAll(): void {
    let lines = 0;
    for (let index = this.head; index < this.queue.length; index++) lines += linesOf(this.queue[index] as string);
    if (lines > 0) this.options.counts.dropped(lines);
    this.queue = [];
    this.head = 0;
    this.queuedLength = 0;
  }

  private shut(): void {
    const { socket } = this;
    this.socket = undefined;
    this.connected = false;
    try {
      socket?.close();
    } catch {
      // It was closed already.
    }
  }

  /** Sends what waits, as far as the system takes it at once, and closes the socket. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (let turn = 0; this.waiting > 0 && turn < MAX_CLOSING_TURNS; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.dropAll();
    // The last datagrams may be on their way through the thread that looks at the socket.
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.shut();
  }
}

/** Turns of the event loop that closing waits for the queue. */
const MAX_CLOSING_TURNS = 1024;

function linesOf(text: string): number {
  let lines = 1;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}
