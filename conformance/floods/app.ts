/** The upstream of the floods: answers a request when it has come whole. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** More than windows and buffers take, so that for a client that opens no window something is held. */
const LARGE = Buffer.alloc(100_000, 'x');

export class App {
  readonly port: number;
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** `/` has an answer of 100 kB, every other path a small one. */
  static async start(): Promise<App> {
    const server = createServer({ maxHeaderSize: 128 * 1024 }, (request, response) => {
      request.resume().on('end', () => response.end(request.url === '/' ? LARGE : 'small'));
    });
    await once(server.listen(0, '127.0.0.1', 2048), 'listening');
    return new App(server);
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
