/** A client connection that works with bytes: sends what it is given, reads answers, and can end as rudely as wanted. */
import { once } from 'node:events';
import net from 'node:net';
import { type Answer, AnswerReader } from './answers.ts';

/** Why no answer came. */
export class NoAnswer extends Error {
  /** Bytes of the answer had come. */
  readonly midway: boolean;
  /** The system's error code; undefined when the peer ended the connection in an orderly way. */
  readonly code: string | undefined;

  constructor(midway: boolean, code: string | undefined) {
    super(
      `connection ended ${midway ? 'in the middle of' : 'before'} an answer${code === undefined ? '' : ` (${code})`}`,
    );
    this.midway = midway;
    this.code = code;
  }
}

interface Waiter {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: NoAnswer) => void;
}

/** One connection to a port of 127.0.0.1. */
export class Client {
  readonly socket: net.Socket;
  /** Resolves when the socket is gone. */
  readonly closed: Promise<void>;
  readonly #reader = new AnswerReader();
  readonly #waiters: Waiter[] = [];
  #error: NodeJS.ErrnoException | undefined = undefined;
  #over = false;
  #ended = false;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.#onData(chunk));
    socket.on('end', () => {
      this.#ended = true;
      this.#end(true);
    });
    socket.on('error', (error) => {
      this.#error = error;
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#end(false);
        resolve();
      });
    });
  }

  /** Connects; rejects when the connection is refused. */
  static async connect(port: number): Promise<Client> {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new Client(socket);
  }

  /** False once the peer has ended the connection: what is sent now gets no answer. */
  get usable(): boolean {
    return !this.#over && !this.#ended;
  }

  /** Sends bytes and waits for the next answer that nobody waits for yet. Rejects with {@link NoAnswer}. */
  exchange(bytes: string | Buffer): Promise<Answer> {
    const answer = this.answer();
    this.send(bytes);
    return answer;
  }

  /** The next answer that nobody waits for yet. */
  answer(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#over) reject(new NoAnswer(false, this.#error?.code ?? 'closed'));
      else this.#waiters.push({ resolve, reject });
    });
  }

  send(bytes: string | Buffer): void {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1');
    else this.socket.write(bytes);
  }

  /** Ends with RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Ends at once; the kernel sends FIN, or RST when bytes were left unread. */
  destroy(): void {
    this.socket.destroy();
  }

  #onData(chunk: Buffer): void {
    for (const answer of this.#reader.feed(chunk)) this.#waiters.shift()?.resolve(answer);
  }

  #end(orderly: boolean): void {
    if (this.#over) return;
    this.#over = true;
    const midway = this.#reader.midway;
    const rest = this.#reader.end(orderly);
    const first = this.#waiters.shift();
    if (rest !== undefined) first?.resolve(rest);
    else first?.reject(new NoAnswer(midway, this.#error?.code));
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new NoAnswer(false, this.#error?.code));
  }
}

/** A request without a body. */
export function get(path: string, fields = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: mesh.test\r\n${fields}\r\n`;
}
