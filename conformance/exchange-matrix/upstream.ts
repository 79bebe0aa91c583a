/** One upstream for both versions of HTTP, on what Node brings. A handler sees the same exchange in either. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Version } from './client.ts';

type Fields = Readonly<Record<string, string | string[] | undefined>>;

/** A request, and the way to answer it. */
export interface Incoming {
  readonly method: string;
  readonly path: string;
  readonly headers: Fields;
  readonly body: Readable;
  /** Known once the body has ended. */
  trailers(): Fields;
  interim(status: number, headers: Record<string, string>): void;
  /** The body goes to what this returns. */
  respond(status: number, headers?: Record<string, string | string[]>, trailers?: Record<string, string>): Writable;
  /** Breaks the exchange; with HTTP/2 only its stream. */
  reset(): void;
  /** Breaks the connection. */
  cut(): void;
  /** Resolves when the other side has given the exchange up. */
  readonly aborted: Promise<void>;
}

export type Handler = (request: Incoming) => void;

export class Upstream {
  readonly port: number;
  /** What answers the next requests. */
  handler: Handler = (request) => request.respond(200).end('ok');
  connections = 0;
  readonly #server: Server | http2.Http2Server;
  readonly #sockets: ReadonlySet<Socket>;
  readonly #sessions: ReadonlySet<http2.ServerHttp2Session>;

  private constructor(
    server: Server | http2.Http2Server,
    sockets: ReadonlySet<Socket>,
    sessions: ReadonlySet<http2.ServerHttp2Session>,
  ) {
    this.#server = server;
    this.#sockets = sockets;
    this.#sessions = sessions;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', () => {
      this.connections++;
    });
  }

  static async start(version: Version): Promise<Upstream> {
    const sockets = new Set<Socket>();
    const sessions = new Set<http2.ServerHttp2Session>();
    let upstream: Upstream | undefined;
    const server =
      version === 'h1'
        ? createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
            upstream?.handler(new Http1Incoming(request, response));
          })
        : http2.createServer().on('stream', (stream, headers) => {
            upstream?.handler(new Http2Incoming(stream, headers));
          });
    if (version === 'h1')
      (server as Server).on('checkContinue', (request, response) => {
        upstream?.handler(new Http1Incoming(request, response));
      });
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    server.on('session', (session: http2.ServerHttp2Session) => {
      sessions.add(session);
      session.on('error', () => {});
      session.on('close', () => sessions.delete(session));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    upstream = new Upstream(server, sockets, sessions);
    return upstream;
  }

  /** Wants no more requests on the connections that it has: GOAWAY. */
  goAway(): void {
    for (const session of this.#sessions) session.close();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

class Http1Incoming implements Incoming {
  readonly method: string;
  readonly path: string;
  readonly headers: Fields;
  readonly body: IncomingMessage;
  readonly aborted: Promise<void>;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.method = request.method ?? '';
    this.path = request.url ?? '';
    this.headers = request.headers;
    this.body = request;
    this.#response = response;
    request.on('error', () => {});
    response.on('error', () => {});
    this.aborted = new Promise((resolve) => {
      response.on('close', () => {
        if (!response.writableFinished) resolve();
      });
    });
  }

  trailers(): Fields {
    return this.body.trailers;
  }

  interim(status: number, headers: Record<string, string>): void {
    if (status === 100) this.#response.writeContinue();
    else this.#response.writeEarlyHints({ link: headers.link ?? '' });
  }

  respond(status: number, headers: Record<string, string | string[]> = {}, trailers?: Record<string, string>) {
    this.#response.writeHead(status, trailers === undefined ? headers : { ...headers, trailer: Object.keys(trailers) });
    if (trailers !== undefined) this.#response.addTrailers(trailers);
    return this.#response;
  }

  reset(): void {
    this.cut();
  }

  cut(): void {
    this.body.socket.resetAndDestroy();
  }
}

class Http2Incoming implements Incoming {
  readonly method: string;
  readonly path: string;
  readonly headers: Fields;
  readonly body: http2.ServerHttp2Stream;
  readonly aborted: Promise<void>;
  #trailers: Fields = {};

  constructor(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) {
    this.method = String(headers[':method']);
    this.path = String(headers[':path']);
    this.headers = { ...headers, host: String(headers[':authority']) };
    this.body = stream;
    stream.on('error', () => {});
    stream.on('trailers', (fields) => {
      this.#trailers = fields;
    });
    this.aborted = new Promise((resolve) => {
      stream.on('aborted', resolve);
      stream.on('close', () => {
        if (stream.rstCode !== 0) resolve();
      });
    });
  }

  trailers(): Fields {
    return this.#trailers;
  }

  interim(status: number, headers: Record<string, string>): void {
    this.body.additionalHeaders({ ':status': status, ...headers });
  }

  respond(status: number, headers: Record<string, string | string[]> = {}, trailers?: Record<string, string>) {
    if (this.body.destroyed) return this.body;
    this.body.respond({ ':status': status, ...headers }, { waitForTrailers: trailers !== undefined });
    if (trailers !== undefined) this.body.on('wantTrailers', () => this.body.sendTrailers(trailers));
    return this.body;
  }

  /** node:http2 ends the body before it resets the stream: only a Content-Length tells that there should have been more. */
  reset(): void {
    this.body.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
  }

  cut(): void {
    this.body.session?.destroy();
  }
}
