/** Exchanges in which every byte tells whose it is, and ends that tell whether an answer claims to be whole. */
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { PAIR, type Speech } from './web.ts';

/** How the upstream answers. `empty`: the end comes along with the head. */
export type Way = 'empty' | 'length' | 'chunked' | 'trailers' | 'early' | 'slow' | 'cut' | 'reset' | 'goaway' | 'hold';

/** One request. */
export interface Plan {
  readonly cluster: string;
  readonly nonce: string;
  readonly way: Way;
  readonly size: number;
  /** Bytes of the request's body. */
  readonly upload: number;
  /** Where the client gives up: before the request is whole, once it has a head, after so many bytes of the answer. */
  readonly leaveAfter?: number;
}

/** What a client saw. `whole`: the framing says that all of the answer is there. */
export interface Seen {
  readonly status: number;
  readonly nonce: string | undefined;
  readonly body: Buffer;
  readonly whole: boolean;
}

/** `nonce` over and over. */
function bodyOf(nonce: string, size: number): Buffer {
  return Buffer.alloc(size, nonce, 'latin1');
}

/** What is wrong with an answer; undefined when every byte belongs to its request, and one that claims to be whole is. */
export function fault({ nonce, size, way }: Plan, seen: Seen): string | undefined {
  if (seen.status === 0) return undefined;
  if (seen.status === 503 || seen.status === 502 || seen.status === 504) {
    return seen.nonce === undefined ? undefined : 'a refusal with a nonce';
  }
  if (seen.status !== 200) return `status ${seen.status}`;
  if (seen.nonce !== nonce) return `the header of another: ${seen.nonce}`;
  if (!seen.body.equals(bodyOf(nonce, seen.body.length))) return 'the body of another';
  if (seen.whole && seen.body.length !== size) return `${seen.body.length} bytes of ${size} taken for whole (${way})`;
  return undefined;
}

/**
 * All streams of the proxy's clients share one connection: nghttp2 would take their resets for an attack, and node:http2
 * resets streams with INTERNAL_ERROR when a session holds more than 10 MB.
 */
const PATIENT: http2.ServerOptions & { streamResetBurst: number; streamResetRate: number } = {
  streamResetBurst: 1_000_000,
  streamResetRate: 1_000_000,
  maxSessionMemory: 1000,
};

/** A nonce-echoing upstream in this process. */
export class NonceUpstream {
  readonly port: number;
  /** Requests whose bytes were mixed up. */
  mixedUp = 0;
  /** Requests that have arrived. */
  requests = 0;
  readonly #server: http.Server | http2.Http2Server;
  readonly #sockets = new Set<Socket>();
  readonly sessions = new Set<http2.ServerHttp2Session>();

  private constructor(server: http.Server | http2.Http2Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('session', (session: http2.ServerHttp2Session) => {
      this.sessions.add(session);
      session.on('error', () => {});
      session.on('close', () => this.sessions.delete(session));
    });
    server.on('request', (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => {
      this.requests++;
      request.on('error', () => {});
      response.on('error', () => {});
      void this.#serve(request, response).catch(() => {});
    });
  }

  static async start(
    { version, tls }: Speech,
    port = 0,
    options: http2.ServerOptions = PATIENT,
  ): Promise<NonceUpstream> {
    const server =
      version === 'h1'
        ? tls
          ? https.createServer(PAIR)
          : http.createServer()
        : tls
          ? http2.createSecureServer({ ...PAIR, ...options })
          : http2.createServer(options);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return new NonceUpstream(server as http.Server);
  }

  async #serve(request: http2.Http2ServerRequest, response: http2.Http2ServerResponse): Promise<void> {
    const [, , nonce = '', way, size] = request.url.split('/');
    if (request.headers['x-nonce'] !== nonce) this.mixedUp++;
    if (way === 'early') this.#answer(request, response, nonce, way, Number(size));
    let at = 0;
    for await (const part of request as AsyncIterable<Buffer>) {
      const wanted = bodyOf(nonce, (at % nonce.length) + part.length).subarray(at % nonce.length);
      if (!wanted.equals(part)) this.mixedUp++;
      at += part.length;
    }
    if (way !== 'early') this.#answer(request, response, nonce, way as Way, Number(size));
  }

  #answer(
    request: http2.Http2ServerRequest,
    response: http2.Http2ServerResponse,
    nonce: string,
    way: Way,
    size: number,
  ): void {
    const body = bodyOf(nonce, size);
    if (way === 'hold') return;
    response.setHeader('x-nonce', nonce);
    if (way === 'empty') {
      response.end();
      return;
    }
    if (way === 'length' || way === 'early' || way === 'goaway') response.setHeader('content-length', size);
    if (way === 'goaway') request.stream?.session?.close();
    if (way === 'trailers') {
      response.setHeader('trailer', 'x-end');
      response.write(body);
      response.addTrailers({ 'x-end': nonce });
      response.end();
    } else if (way === 'cut' || way === 'reset') {
      response.write(body.subarray(0, size >> 1), () => {
        if (way === 'cut') request.socket.destroy();
        else if (request.stream !== undefined) request.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
        else if ('encrypted' in request.socket) request.socket.destroy();
        else request.socket.resetAndDestroy();
      });
    } else if (way === 'slow') {
      response.write(body.subarray(0, size >> 1));
      setTimeout(() => response.end(body.subarray(size >> 1)), 5);
    } else response.end(body);
  }

  /** Cuts every connection. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  get connectionCount(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    this.dropConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A client's connection; those of HTTP/2 may be asked for many answers at a time. */
export interface NonceClient {
  ask(plan: Plan): Promise<Seen>;
  close(): void;
  readonly usable: boolean;
}

const NOTHING: Seen = { status: 0, nonce: undefined, body: Buffer.alloc(0), whole: false };

/** A client of a new connection to `port`. */
export function nonceClient({ version, tls }: Speech, port: number): NonceClient {
  return version === 'h1' ? new Http1NonceClient(tls, port) : new Http2NonceClient(tls, port);
}

class Http1NonceClient implements NonceClient {
  readonly #agent: http.Agent;
  readonly #secured: boolean;
  readonly #port: number;
  readonly usable = true;

  constructor(secured: boolean, port: number) {
    const options = { keepAlive: true, maxSockets: 1 };
    this.#agent = secured
      ? new https.Agent({ ...options, ca: PAIR.cert, servername: 'localhost' })
      : new http.Agent(options);
    this.#secured = secured;
    this.#port = port;
  }

  ask(plan: Plan): Promise<Seen> {
    const { promise, resolve } = deferred<Seen>();
    const make = this.#secured ? https.request : http.request;
    const method = plan.upload > 0 ? 'POST' : 'GET';
    const headers = { 'x-nonce': plan.nonce, ...(plan.upload > 0 && { 'content-length': plan.upload }) };
    const request = make({
      host: '127.0.0.1',
      port: this.#port,
      agent: this.#agent,
      path: pathOf(plan),
      method,
      headers,
    });
    request.on('error', () => resolve(NOTHING));
    request.on('response', (response) => {
      const nonce = response.headers['x-nonce'] as string | undefined;
      const parts: Buffer[] = [];
      let got = 0;
      const leave = () => got >= (plan.leaveAfter ?? Number.POSITIVE_INFINITY) && request.destroy();
      response.on('data', (part: Buffer) => {
        parts.push(part);
        got += part.length;
        leave();
      });
      response.on('error', () => {});
      response.on('close', () =>
        resolve({ status: response.statusCode ?? 0, nonce, body: Buffer.concat(parts), whole: response.complete }),
      );
      leave();
    });
    request.end(bodyOf(plan.nonce, plan.upload));
    if (plan.leaveAfter === -1) setImmediate(() => request.destroy());
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

class Http2NonceClient implements NonceClient {
  readonly #session: http2.ClientHttp2Session;

  constructor(tls: boolean, port: number) {
    this.#session = tls
      ? http2.connect(`https://localhost:${port}`, { ca: PAIR.cert })
      : http2.connect(`http://127.0.0.1:${port}`);
    this.#session.on('error', () => {});
  }

  get usable(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  ask(plan: Plan): Promise<Seen> {
    if (!this.usable) return Promise.resolve(NOTHING);
    const { promise, resolve } = deferred<Seen>();
    const method = plan.upload > 0 ? 'POST' : 'GET';
    const head = { ':method': method, ':path': pathOf(plan), 'x-nonce': plan.nonce };
    const stream = this.#session.request(head, { endStream: plan.upload === 0 });
    const parts: Buffer[] = [];
    let [status, nonce, got, ended, aborted] = [0, undefined as string | undefined, 0, false, false];
    const leave = () => got >= (plan.leaveAfter ?? Number.POSITIVE_INFINITY) && stream.close(8);
    stream.on('response', (fields) => {
      status = Number(fields[':status']);
      nonce = fields['x-nonce'] as string | undefined;
      leave();
    });
    stream.on('data', (part: Buffer) => {
      parts.push(part);
      got += part.length;
      leave();
    });
    stream.on('end', () => {
      ended = true;
      // After an answer that came before the request was whole, and RST_STREAM with NO_ERROR, node:http2 may wait for ever.
      const given = setTimeout(() => stream.rstCode === 0 && stream.destroy(), 500);
      stream.on('close', () => clearTimeout(given));
    });
    stream.on('aborted', () => {
      aborted = true;
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      const whole = ended && !aborted && stream.rstCode === 0;
      resolve({ status, nonce, body: Buffer.concat(parts), whole });
    });
    if (plan.upload > 0) stream.end(bodyOf(plan.nonce, plan.upload));
    if (plan.leaveAfter === -1) setImmediate(() => stream.close(8));
    return promise;
  }

  close(): void {
    this.#session.destroy();
  }
}

function pathOf({ cluster, nonce, way, size }: Plan): string {
  return `/${cluster}/${nonce}/${way}/${size}`;
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((set) => {
    resolve = set;
  });
  return { promise, resolve };
}
