/**
 * A fleet of hosts on loopback that is replaced whole, again and again: all of 127.0.0.0/8 leads to one server, which
 * knows by a connection's own address which host is meant. A host dies a little after somebody could have seen in the
 * DNS that it has gone.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What a fleet is made of. */
export interface FleetOptions {
  /** Hosts of a generation. */
  readonly size: number;
  /** How long a host lives on when it could be seen that the DNS no longer has it. */
  readonly graceMs: number;
}

/** What came to hosts that should have been left alone. */
export interface FleetReport {
  /** Requests by all hosts. */
  readonly requests: number;
  /** Hosts that have had a request. */
  readonly used: number;
  /** Requests to hosts that were dead by then. */
  readonly late: readonly string[];
  /** Longest time in ms between the moment at which a host's end could be seen and a request to it. */
  readonly latestMs: number;
  /** Connections that dead hosts still had, or were made to them. */
  readonly leftOpen: number;
}

export class Fleet {
  readonly port: number;
  private readonly server: Server;
  private readonly size: number;
  private readonly graceMs: number;
  /** Generation → when its end could first be seen. */
  private readonly endMs: number[] = [];
  private readonly sockets = new Map<number, Set<Socket>>();
  private readonly usedHosts = new Set<string>();
  private readonly late: string[] = [];
  private requests = 0;
  private latestMs = 0;
  private leftOpen = 0;
  /** The generation that the DNS has now. */
  generation = 0;

  private constructor(server: Server, { size, graceMs }: FleetOptions) {
    this.server = server;
    this.size = size;
    this.graceMs = graceMs;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket: Socket) => this.onConnection(socket));
    server.on('request', ({ socket }, response) => {
      this.onRequest(socket);
      response.end('ok');
    });
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const server = createServer({ keepAliveTimeout: 0 });
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    return new Fleet(server, options);
  }

  /** The addresses of a generation, which no other has. */
  addresses(generation = this.generation): string[] {
    return Array.from({ length: this.size }, (_, index) => {
      const number = generation * this.size + index;
      return `127.${16 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
    });
  }

  /** Another generation is in the DNS from now on. */
  next(): string[] {
    this.generation++;
    return this.addresses();
  }

  /** Somebody has been told of the generation that is in the DNS now: the ones before it end. */
  seen(): void {
    const nowMs = performance.now();
    for (let gone = this.endMs.length; gone < this.generation; gone++) {
      this.endMs[gone] = nowMs;
      setTimeout(() => this.end(gone), this.graceMs);
    }
  }

  report(): FleetReport {
    const { requests, late, latestMs, leftOpen } = this;
    return { requests, used: this.usedHosts.size, late, latestMs, leftOpen };
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private end(generation: number): void {
    const open = this.sockets.get(generation);
    this.leftOpen += open?.size ?? 0;
    for (const socket of open ?? []) socket.destroy();
    this.sockets.delete(generation);
  }

  private onConnection(socket: Socket): void {
    const generation = this.generationOf(socket);
    if (this.overMs(generation) > this.graceMs) {
      this.leftOpen++;
      socket.destroy();
      return;
    }
    const open = this.sockets.get(generation) ?? new Set();
    this.sockets.set(generation, open.add(socket));
    socket.on('close', () => open.delete(socket));
  }

  private onRequest(socket: Socket): void {
    const address = socket.localAddress as string;
    const overMs = this.overMs(this.generationOf(socket));
    this.requests++;
    this.usedHosts.add(address);
    this.latestMs = Math.max(this.latestMs, overMs);
    if (overMs > this.graceMs) this.late.push(`${address} ${overMs.toFixed(0)} ms late`);
  }

  /** How long ago the end of a generation could be seen; negative while it lives. */
  private overMs(generation: number): number {
    return performance.now() - (this.endMs[generation] ?? Number.POSITIVE_INFINITY);
  }

  private generationOf({ localAddress = '' }: Socket): number {
    const [, a = 0, b = 0, c = 0] = localAddress.split('.').map(Number);
    return Math.floor((((a - 16) << 16) + (b << 8) + c) / this.size);
  }
}
