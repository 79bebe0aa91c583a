/** An upstream server on raw sockets: it writes down what it is asked and answers as told, rightly or wrongly. */
import { once } from 'node:events';
import net from 'node:net';
import { toRecord } from '../bytes.ts';
import { type MessageHead, MessageReader } from '../message-reader.ts';
import { Signal } from '../signal.ts';
import { type Answer, answer } from './behaviours.ts';
import { UpstreamPeer } from './peer.ts';

/** A request, as the upstream received it. */
export interface ReceivedRequest {
  /** Counted from 0 over all connections. */
  readonly index: number;
  /** Number of its connection, counted from 0. */
  readonly connection: number;
  readonly method: string;
  readonly path: string;
  /** Names in lower case, repeated fields joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly headerLines: readonly (readonly [name: string, value: string])[];
  /** Grows while the request is read, unless the upstream was told not to keep bodies. */
  body: string;
  bodyBytes: number;
  trailers: Readonly<Record<string, string>> | undefined;
  complete: boolean;
}

/**
 * What an upstream does with a request. It may take its time; the connection's next request is looked at when it has
 * resolved.
 */
export type Behaviour = (request: ReceivedRequest, peer: UpstreamPeer) => void | Promise<void>;

/** Options of {@link startUpstream}. */
export interface UpstreamOptions {
  /** Default: `200` without a body. */
  readonly behave?: Behaviour;
  /** Called when the head is there instead of when the request is complete. */
  readonly atHead?: boolean;
  /** False: body bytes are counted and dropped. Default true. */
  readonly keepBodies?: boolean;
}

export class Upstream {
  readonly port: number;
  /** Requests in the order of their heads. */
  readonly requests: ReceivedRequest[] = [];
  /** Connections in the order in which they were accepted. */
  readonly peers: UpstreamPeer[] = [];
  /** Why connections were given up: bytes that were not HTTP. */
  readonly wireErrors: Error[] = [];
  private readonly server: net.Server;
  private readonly options: UpstreamOptions;
  private readonly signal = new Signal();

  /** @internal */
  constructor(server: net.Server, options: UpstreamOptions) {
    this.server = server;
    this.options = options;
    this.port = (server.address() as net.AddressInfo).port;
    server.on('connection', (socket) => this.accept(socket));
  }

  /** `127.0.0.1:<port>`, as `cluster()` takes it. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections that the proxy has not ended. */
  get openConnections(): number {
    return this.peers.filter((peer) => !peer.closed && !peer.peerEnded).length;
  }

  /** Resolves when `count` requests have been received whole. */
  untilRequests(count: number): Promise<void> {
    const complete = () => this.requests.filter((request) => request.complete).length >= count;
    return this.until(complete, `request ${count} at the upstream`);
  }

  /** Resolves when `count` request heads have been received. */
  untilHeads(count: number): Promise<void> {
    return this.until(() => this.requests.length >= count, `request head ${count} at the upstream`);
  }

  /** Resolves when `count` connections have been accepted. */
  untilConnections(count: number): Promise<void> {
    return this.until(() => this.peers.length >= count, `connection ${count} at the upstream`);
  }

  /** Resolves when `check` holds; looked at whenever bytes, requests or closes come. */
  until(check: () => boolean, what: string): Promise<void> {
    return this.signal.until(check, what);
  }

  /** Closes every connection on which no request is under way: what a keep-alive timer of the peer does. */
  closeIdle(): void {
    for (const peer of this.peers) if (!peer.busy) peer.end();
  }

  /** Ends the server and its connections. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const peer of this.peers) peer.destroy();
    await closed;
  }

  private accept(socket: net.Socket): void {
    const peer = new UpstreamPeer(socket, () => this.signal.notify());
    const connection = this.peers.push(peer) - 1;
    this.signal.notify();
    void this.serve(peer, connection).catch((error: Error) => {
      // A reset by the proxy is something tests cause; bytes that are not HTTP are for them to see.
      this.wireErrors.push(error);
      peer.destroy();
    });
  }

  private async serve(peer: UpstreamPeer, connection: number): Promise<void> {
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      let request: ReceivedRequest | undefined;
      let headed: Promise<void> | undefined;
      const reader = new MessageReader('request', {
        onHead: (head) => {
          request = this.begin(head, connection);
          peer.busy = true;
          if (this.options.atHead === true) headed = this.behave(request, peer);
        },
        onData: (chunk) => this.onData(request as ReceivedRequest, chunk),
        onEnd: (trailers) => this.onEnd(request as ReceivedRequest, trailers),
      });
      if (rest.length > 0) rest = reader.push(rest);
      while (!reader.done) {
        const bytes = await peer.read();
        if (bytes === undefined) return;
        rest = reader.push(bytes);
      }
      await (headed ?? this.behave(request as unknown as ReceivedRequest, peer));
      peer.busy = false;
      peer.served++;
      this.signal.notify();
    }
  }

  private begin(head: MessageHead, connection: number): ReceivedRequest {
    const request: ReceivedRequest = {
      index: this.requests.length,
      connection,
      method: head.start[0],
      path: head.start[1],
      headers: toRecord(head.lines),
      headerLines: head.lines,
      body: '',
      bodyBytes: 0,
      trailers: undefined,
      complete: false,
    };
    this.requests.push(request);
    this.signal.notify();
    return request;
  }

  private onData(request: ReceivedRequest, chunk: Buffer): void {
    if (this.options.keepBodies !== false) request.body += chunk.toString('latin1');
    request.bodyBytes += chunk.length;
    this.signal.notify();
  }

  private onEnd(request: ReceivedRequest, trailers: readonly (readonly [string, string])[] | undefined): void {
    request.trailers = trailers === undefined ? undefined : toRecord(trailers);
    request.complete = true;
    this.signal.notify();
  }

  private async behave(request: ReceivedRequest, peer: UpstreamPeer): Promise<void> {
    await (this.options.behave ?? answer())(request, peer);
  }
}

/**
 * Starts an upstream on a free loopback port. It takes what to do: a behaviour (see `answer`, `truncate`, `resetAfter`
 * and their siblings), or an answer, or options.
 *
 * @example
 * const upstream = await startUpstream({ status: 201, body: 'made' });
 * const flaky = await startUpstream(sequence(closeUnanswered(), answer({ body: 'second' })));
 */
export async function startUpstream(what: Behaviour | Answer | UpstreamOptions = {}): Promise<Upstream> {
  const server = net.createServer({ noDelay: true, allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return new Upstream(server, optionsOf(what));
}

function optionsOf(what: Behaviour | Answer | UpstreamOptions): UpstreamOptions {
  if (typeof what === 'function') return { behave: what };
  if ('behave' in what || 'atHead' in what || 'keepBodies' in what) return what;
  return { behave: answer(what as Answer) };
}

/** A loopback port on which nobody listens: connections are refused. */
export async function refusedPort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
