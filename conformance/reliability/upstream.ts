/** An upstream that hands every request's head to a script, together with the raw socket to answer (or not) on. */
import { once } from 'node:events';
import net from 'node:net';

/** Answers one request. `head` is latin-1 and ends with the empty line. */
export type Script = (socket: net.Socket, head: string) => void;

/** `200` with `ok`. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A listening upstream. Request bodies are skipped by `Content-Length`; chunked requests are not understood. */
export class Upstream {
  readonly port: number;
  /** Requests seen. */
  requests = 0;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();

  private constructor(server: net.Server, script: Script) {
    this.#server = server;
    this.port = (server.address() as net.AddressInfo).port;
    server.on('connection', (socket) => this.#serve(socket, script));
  }

  /** Listens on a free port, or on `port`. */
  static async start(script: Script, port = 0): Promise<Upstream> {
    const server = net.createServer({ noDelay: true });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return new Upstream(server, script);
  }

  #serve(socket: net.Socket, script: Script): void {
    let text = '';
    let skip = 0;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // Resets are what the proxy is made to do here; the close that follows is all that matters.
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (;;) {
        const skipped = Math.min(skip, text.length);
        text = text.slice(skipped);
        skip -= skipped;
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = text.slice(0, end + 4);
        text = text.slice(end + 4);
        skip = Number(/^content-length: *(\d+)\r$/im.exec(head)?.[1] ?? 0);
        this.requests++;
        script(socket, head);
      }
    });
  }

  get connectionCount(): number {
    return this.#sockets.size;
  }

  /** Ends all connections at once; the upstream stays. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.dropConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
