/** Stands between two sides of a TCP connection, and cuts it when so many bytes have passed. */
import { once } from 'node:events';
import net from 'node:net';

/** Where and how one connection is cut. */
export interface Cut {
  /** Towards the listener's peer (`down`), or towards the target. */
  readonly direction: 'up' | 'down';
  readonly afterBytes: number;
  /** `hole`: from then on nothing passes, and nobody is told. */
  readonly how: 'fin' | 'rst' | 'hole';
}

/** Listens on a port of its own and passes everything on. */
export class Relay {
  readonly port: number;
  /** Asked for each new connection. */
  plan: () => Cut | undefined = () => undefined;
  /** Connections that were cut. */
  cuts = 0;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();

  private constructor(server: net.Server, target: number) {
    this.#server = server;
    this.port = (server.address() as net.AddressInfo).port;
    server.on('connection', (socket) => this.#join(socket, target));
  }

  static async start(target: number): Promise<Relay> {
    const server = net.createServer({ noDelay: true, allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Relay(server, target);
  }

  #join(near: net.Socket, target: number): void {
    const far = net.connect({ port: target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const cut = this.plan();
    for (const [from, to, direction] of [
      [near, far, 'up'],
      [far, near, 'down'],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('end', () => to.end());
      let left = cut?.direction === direction ? cut.afterBytes : Number.POSITIVE_INFINITY;
      from.on('data', (chunk: Buffer) => {
        if (to.destroyed) return;
        if (chunk.length < left) {
          left -= chunk.length;
          if (!to.write(chunk)) {
            from.pause();
            to.once('drain', () => from.resume());
          }
          return;
        }
        this.cuts++;
        const last = chunk.subarray(0, left);
        from.removeAllListeners('data').resume();
        if (cut?.how === 'hole') to.write(last);
        else if (cut?.how === 'rst') to.write(last, () => this.#reset(near, far));
        else to.end(last, () => this.#drop(near, far));
      });
    }
  }

  #reset(...sockets: net.Socket[]): void {
    for (const socket of sockets) socket.resetAndDestroy();
  }

  #drop(...sockets: net.Socket[]): void {
    for (const socket of sockets) socket.destroy();
  }

  /** Cuts all connections with RST. */
  resetAll(): void {
    this.#reset(...this.#sockets);
  }

  async close(): Promise<void> {
    this.#drop(...this.#sockets);
    this.#server.close();
    await once(this.#server, 'close');
  }
}
