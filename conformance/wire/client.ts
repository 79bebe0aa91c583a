/** A raw HTTP/1 client: sends given pieces, one per turn of the event loop, and writes down what comes back. */
import { once } from 'node:events';
import net from 'node:net';
import { isFinal, readMessages, type Stream } from './messages.ts';

/** When an exchange counts as over. The connection ending always ends it. */
export interface Until {
  /** Final responses to wait for; with `closed`, keep waiting for the end of the connection. */
  readonly responses: number;
  readonly closed: boolean;
  /** Gives up when nothing has happened for so long. */
  readonly idleMs: number;
  /** Sends FIN behind the last piece. */
  readonly halfClose?: boolean;
  /** Methods of the requests, for the framing of their responses. */
  readonly methods?: readonly string[];
  /** Waits for an answer before this piece is sent; a final answer stops the sending (`Expect: 100-continue`). */
  readonly pauseBefore?: number;
}

export interface Received extends Stream {
  readonly text: string;
  /** The peer ended the connection. */
  readonly closed: boolean;
}

/** After the last expected response: what comes within this time belongs to the exchange as well. */
const SETTLE_MS = 15;

/** Sends `pieces` to a port of 127.0.0.1 and collects the answers. */
export async function exchange(port: number, pieces: readonly Buffer[], until: Until): Promise<Received> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  const receiver = new Receiver(socket, until);
  try {
    await once(socket, 'connect');
    await sendAll(socket, pieces, until, receiver);
    await receiver.over;
  } finally {
    receiver.stop();
    socket.destroy();
  }
  return receiver.received();
}

async function sendAll(socket: net.Socket, pieces: readonly Buffer[], until: Until, receiver: Receiver): Promise<void> {
  for (const [index, piece] of pieces.entries()) {
    if (index === until.pauseBefore) await receiver.answered;
    if (receiver.closed || (until.pauseBefore !== undefined && receiver.finals > 0)) break;
    receiver.touch();
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), receiver.over]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (until.halfClose && !receiver.closed) socket.end();
  receiver.touch();
}

class Receiver {
  closed = false;
  finals = 0;
  /** Resolves with the first byte of any answer, or the end. */
  readonly answered: Promise<void>;
  /** Resolves when the exchange is over. */
  readonly over: Promise<void>;
  #text = '';
  readonly #until: Until;
  #answer: () => void = () => {};
  #finish: () => void = () => {};
  #timer: NodeJS.Timeout;

  constructor(socket: net.Socket, until: Until) {
    this.#until = until;
    this.answered = new Promise((resolve) => {
      this.#answer = resolve;
    });
    this.over = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#timer = setTimeout(() => this.#finish(), until.idleMs);
    socket.on('data', (chunk) => this.#add(chunk));
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#end());
    // A reset is an end like another here; what had been sent before it is kept.
    socket.on('error', () => this.#end());
  }

  touch(): void {
    this.#arm(this.#until.idleMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  received(): Received {
    const stream = this.#read();
    return { ...stream, text: this.#text, closed: this.closed };
  }

  #add(chunk: Buffer): void {
    this.#text += chunk.toString('latin1');
    this.#answer();
    this.finals = this.#read().messages.filter((message) => message.complete && isFinal(message)).length;
    const enough = this.finals >= this.#until.responses && !this.#until.closed;
    this.#arm(enough ? SETTLE_MS : this.#until.idleMs);
  }

  #end(): void {
    this.closed = true;
    this.#answer();
    this.#finish();
  }

  #read(): Stream {
    return readMessages(this.#text, {
      kind: 'response',
      closed: this.closed,
      ...(this.#until.methods === undefined ? {} : { methods: this.#until.methods }),
    });
  }

  #arm(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#finish(), ms);
  }
}
