/** The upstream of a lane: records every byte it gets and answers as the running case wants. */
import { once } from 'node:events';
import net from 'node:net';
import { type Message, readMessages } from './messages.ts';

/** One complete request, and the connection that it came on. */
export interface Recorded {
  readonly message: Message;
  readonly connection: number;
}

/** What happens on a connection when (part of) a request has arrived. */
export interface Script {
  /** Runs as soon as a connection is accepted. */
  onAccept?(socket: net.Socket, connection: number): void;
  /** Runs once per request, when its head is there. */
  onHead?(socket: net.Socket, connection: number): void;
  /** Runs once per request, when it is complete. */
  onRequest?(socket: net.Socket, connection: number): void;
}

/** `200` with `ok`. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Answers every complete request with `text`. */
export function answering(text: string): Script {
  return { onRequest: (socket) => socket.write(text, 'latin1') };
}

interface Peer {
  readonly id: number;
  readonly socket: net.Socket;
  text: string;
  headSeen: boolean;
}

export class Upstream {
  readonly port: number;
  readonly requests: Recorded[] = [];
  readonly violations: string[] = [];
  script: Script = answering(OK);
  #bytes = 0;
  #nextId = 1;
  readonly #server: net.Server;
  readonly #peers = new Set<Peer>();

  private constructor(server: net.Server) {
    this.#server = server;
    this.port = (server.address() as net.AddressInfo).port;
    server.on('connection', (socket) => this.#accept(socket));
  }

  static async listen(): Promise<Upstream> {
    const server = net.createServer({ noDelay: true, allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Upstream(server);
  }

  /** Bytes since `begin`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Starts the record of a run. Connections of runs before it stay open, as they do in real life. */
  begin(script: Script): void {
    this.script = script;
    this.requests.length = 0;
    this.violations.length = 0;
    this.#bytes = 0;
  }

  /** True when a connection that is still open holds part of a request. */
  get halfRequestOpen(): boolean {
    for (const peer of this.#peers) if (peer.text !== '') return true;
    return false;
  }

  /** Ends every connection and waits until the proxy has done so too. */
  async disconnect(): Promise<void> {
    await Promise.all(
      [...this.#peers].map(({ socket }) => {
        const closed = once(socket, 'close');
        socket.end();
        return closed;
      }),
    );
  }

  async close(): Promise<void> {
    for (const { socket } of this.#peers) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: net.Socket): void {
    const peer: Peer = { id: this.#nextId++, socket, text: '', headSeen: false };
    this.#peers.add(peer);
    socket.on('data', (chunk) => this.#data(peer, chunk));
    // The proxy has closed its side: nothing more can be asked here.
    socket.on('end', () => socket.end());
    // Resets are ordinary here; 'close' follows.
    socket.on('error', () => {});
    socket.on('close', () => this.#peers.delete(peer));
    this.script.onAccept?.(socket, peer.id);
  }

  #data(peer: Peer, chunk: Buffer): void {
    this.#bytes += chunk.length;
    peer.text += chunk.toString('latin1');
    const stream = readMessages(peer.text, { kind: 'request' });
    peer.text = stream.rest;
    if (stream.violation !== undefined) {
      this.violations.push(stream.violation);
      peer.socket.destroy();
      return;
    }
    for (const message of stream.messages) this.#message(peer, message);
  }

  #message(peer: Peer, message: Message): void {
    if (!peer.headSeen) this.script.onHead?.(peer.socket, peer.id);
    peer.headSeen = !message.complete;
    if (!message.complete) return;
    this.requests.push({ message, connection: peer.id });
    this.script.onRequest?.(peer.socket, peer.id);
  }
}
