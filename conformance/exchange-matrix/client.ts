/** One client for both versions of HTTP, with and without TLS, on what Node brings: an implementation that is not ours. */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable, Writable } from 'node:stream';

export type Version = 'h1' | 'h2';

export interface RequestOptions {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly trailers?: Readonly<Record<string, string>>;
}

export interface ResponseHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** One exchange. The request's body is written to `body`; nothing is sent before its first write or its end. */
export interface Exchange {
  readonly body: Writable;
  /** Rejects when the exchange breaks before a response. */
  readonly head: Promise<ResponseHead>;
  /** Statuses of interim responses, as they come. */
  readonly interim: number[];
  /** The response's body; ends with an error when it was cut. */
  readonly response: Promise<Readable>;
  /** Known once the body has ended. */
  trailers(): Readonly<Record<string, string | string[] | undefined>>;
  abort(): void;
}

export interface Client {
  open(options?: RequestOptions): Exchange;
  /** The server has said that it wants no more requests on a connection of this client. */
  readonly toldToLeave: () => boolean;
  close(): void;
}

export interface Target {
  readonly port: number;
  /** PEM of the authority; absent without TLS. */
  readonly ca?: string;
}

export function connect(version: Version, target: Target): Client {
  return version === 'h1' ? new Http1Client(target) : new Http2Client(target);
}

class Http1Client implements Client {
  readonly #target: Target;
  readonly #agent: HttpAgent;
  #leave = false;

  constructor(target: Target) {
    this.#target = target;
    const options = { keepAlive: true, maxSockets: 100 };
    this.#agent = target.ca === undefined ? new HttpAgent(options) : new HttpsAgent({ ...options, ca: target.ca });
  }

  open({ method = 'GET', path = '/', headers = {}, trailers }: RequestOptions = {}): Exchange {
    const request = this.#target.ca === undefined ? httpRequest : httpsRequest;
    const named = trailers === undefined ? headers : { ...headers, trailer: Object.keys(trailers).join(',') };
    const to = { host: '127.0.0.1', port: this.#target.port, servername: 'localhost', agent: this.#agent };
    const call = request({ ...to, method, path, headers: named });
    if (trailers !== undefined) call.addTrailers(trailers);
    return new Http1Exchange(call, (response) => {
      if (response.headers.connection === 'close') this.#leave = true;
    });
  }

  readonly toldToLeave = (): boolean => this.#leave;

  close(): void {
    this.#agent.destroy();
  }
}

class Http1Exchange implements Exchange {
  readonly body: ClientRequest;
  readonly head: Promise<ResponseHead>;
  readonly response: Promise<Readable>;
  readonly interim: number[] = [];
  #message: IncomingMessage | undefined = undefined;

  constructor(call: ClientRequest, seen: (response: IncomingMessage) => void) {
    this.body = call;
    call.on('information', ({ statusCode }) => this.interim.push(statusCode));
    call.on('continue', () => this.interim.push(100));
    const message = new Promise<IncomingMessage>((resolve, reject) => {
      call.on('response', (response) => {
        seen(response);
        this.#message = response;
        resolve(response);
      });
      call.on('error', reject);
    });
    // A body that nobody waits for may break too.
    void message.then((response) => response.on('error', () => {})).catch(() => {});
    this.head = message.then(({ statusCode, headers }) => ({ status: statusCode ?? 0, headers }));
    this.response = message;
    this.head.catch(() => {});
    this.response.catch(() => {});
  }

  trailers() {
    return this.#message?.trailers ?? {};
  }

  abort(): void {
    this.body.destroy();
  }
}

class Http2Client implements Client {
  readonly #target: Target;
  #session: http2.ClientHttp2Session | undefined = undefined;
  #leave = false;

  constructor(target: Target) {
    this.#target = target;
  }

  open({ method = 'GET', path = '/', headers = {}, trailers }: RequestOptions = {}): Exchange {
    const session = this.#connected();
    const { host = 'localhost', ...rest } = headers;
    const head = { ':method': method, ':path': path, ':authority': host, ...rest };
    const options = { endStream: false, waitForTrailers: trailers !== undefined };
    const stream = session.request(head, options);
    if (trailers !== undefined) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    return new Http2Exchange(stream);
  }

  #connected(): http2.ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const { port, ca } = this.#target;
    const session =
      ca === undefined ? http2.connect(`http://127.0.0.1:${port}`) : http2.connect(`https://localhost:${port}`, { ca });
    session.on('error', () => {});
    session.on('goaway', () => {
      this.#leave = true;
    });
    this.#session = session;
    return session;
  }

  readonly toldToLeave = (): boolean => this.#leave;

  close(): void {
    this.#session?.destroy();
  }
}

class Http2Exchange implements Exchange {
  readonly body: http2.ClientHttp2Stream;
  readonly head: Promise<ResponseHead>;
  readonly response: Promise<Readable>;
  readonly interim: number[] = [];
  #trailers: http2.IncomingHttpHeaders = {};

  constructor(stream: http2.ClientHttp2Stream) {
    this.body = stream;
    stream.on('headers', (fields) => this.interim.push(Number(fields[':status'])));
    stream.on('trailers', (fields) => {
      this.#trailers = fields;
    });
    this.head = new Promise((resolve, reject) => {
      stream.on('response', (headers) => resolve({ status: Number(headers[':status']), headers }));
      stream.on('error', reject);
      stream.on('close', () => reject(new Error(`closed with code ${stream.rstCode}`)));
    });
    this.response = this.head.then(() => stream);
    this.head.catch(() => {});
    this.response.catch(() => {});
  }

  trailers() {
    return this.#trailers;
  }

  abort(): void {
    this.body.close(http2.constants.NGHTTP2_CANCEL);
  }
}

/** Everything that a stream brings; rejects when it was cut. */
export async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  // A cut HTTP/2 stream of node:http2 may end without an error; its code tells.
  const { rstCode } = stream as { rstCode?: number };
  if (rstCode !== undefined && rstCode !== 0) throw new Error(`reset with code ${rstCode}`);
  return Buffer.concat(chunks);
}
