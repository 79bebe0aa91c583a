/** The admin HTTP server. It is not on the data path: `node:http`, small limits, one answer per request. */
import { chmod } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, ListenOptions, Socket } from 'node:net';
import { hostname } from 'node:os';
import { isAbstract, removeStaleSocket, socketPath } from '../net/unix-socket.ts';
import type { Scope } from '../stats/index.ts';
import type { AdminAddress, AdminContext } from './context.ts';
import { Exchange, type ServedRequest } from './exchange.ts';
import { refusal } from './guard.ts';
import { AdminMetrics } from './metrics.ts';
import { Profiler } from './profiler.ts';
import { type AdminReply, type AdminRoute, parseQuery, text } from './route.ts';
import { helpRoutes, helpText } from './routes/help.ts';
import { builtInRoutes } from './routes/index.ts';
import { profilingRoutes } from './routes/profiling.ts';
import { send } from './send.ts';
import { parseTarget } from './target.ts';

/** Options of {@link AdminServer}. */
export interface AdminServerOptions {
  /** Endpoints besides the built-in ones; one with a built-in path replaces it. */
  readonly routes?: readonly AdminRoute[];
  /** Host names, besides IP literals, names without a dot and that of this machine, under which mutations are accepted. */
  readonly allowedHosts?: readonly string[];
  /** Envoy's `allow_paths`: whether a normalized path, with its query, is served at all; default all are. */
  readonly allowsPath?: (target: string) => boolean;
  /** Told of every request once its answer is on the wire, or its client gone. */
  readonly onServed?: (served: ServedRequest) => void;
  /** Told of failures that no answer can carry: an endpoint that threw, a listening socket that failed. */
  readonly onError?: (error: Error) => void;
  /** Where profiles are written; default Envoy's `/var/log/envoy/envoy.prof`. An extension is added. */
  readonly profilePath?: string;
  /** Root scope under which the admin server counts its own traffic; without it nothing is counted. */
  readonly scope?: Scope;
  /** Default 1024. */
  readonly maxConnections?: number;
}

const PROFILE_PATH = '/var/log/envoy/envoy.prof';
const MAX_BODY_BYTES = 64 * 1024;
/** Envoy's default of `max_request_headers_kb`. */
const MAX_HEAD_BYTES = 60 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 60_000;

/** Serves the admin endpoints of one proxy. */
export class AdminServer {
  private readonly context: AdminContext;
  private readonly options: AdminServerOptions;
  private readonly routes: ReadonlyMap<string, AdminRoute>;
  private readonly onError: (error: Error) => void;
  private readonly server: Server;
  private readonly profiler: Profiler;
  private allowedHosts: readonly string[];
  private local = false;

  constructor(context: AdminContext, options: AdminServerOptions = {}) {
    this.context = context;
    this.options = options;
    this.onError = options.onError ?? (() => {});
    this.allowedHosts = [hostname(), ...(options.allowedHosts ?? [])];
    this.profiler = new Profiler(options.profilePath || PROFILE_PATH, this.onError);
    const routes = [
      ...helpRoutes(() => this.offered()),
      ...builtInRoutes,
      ...profilingRoutes(this.profiler),
      ...(options.routes ?? []),
    ];
    const byPath = new Map(routes.map((route) => [route.path, route]));
    this.routes = new Map([...byPath].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.server = createServer(
      {
        maxHeaderSize: MAX_HEAD_BYTES,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
        connectionsCheckingInterval: 5_000,
        requireHostHeader: false,
      },
      (request, response) => this.serve(request, response),
    );
    this.server.maxConnections = options.maxConnections ?? 1024;
    if (options.scope !== undefined) new AdminMetrics(options.scope).attach(this.server);
    this.server.on('clientError', (error, socket) => refuseSocket(error, socket as Socket));
  }

  /**
   * Binds and resolves with the bound address. Port 0 picks a free one. A unix socket that a dead process left behind
   * is replaced; one that still answers is an error.
   */
  async listen(address: AdminAddress): Promise<AdminAddress> {
    if ('path' in address) await removeStaleSocket(address.path);
    else this.allowedHosts = [...this.allowedHosts, address.host];
    this.local = 'path' in address;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(listenOptions(address), () => {
        this.server.off('error', reject);
        this.server.on('error', this.onError);
        resolve();
      });
    });
    if ('path' in address) {
      if (address.mode !== undefined && !isAbstract(address.path)) await chmod(address.path, address.mode);
      return address;
    }
    const bound = this.server.address() as AddressInfo;
    return { host: bound.address, port: bound.port };
  }

  /** Stops listening and ends every connection, at once for idle ones and after `graceMs` (1 s) for busy ones. */
  async close(graceMs = 1000): Promise<void> {
    this.profiler.close();
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeIdleConnections();
    const timer = setTimeout(() => this.server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(timer);
  }

  private offered(): AdminRoute[] {
    return [...this.routes.values()].filter(({ offered }) => offered?.(this.context) !== false);
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    response.on('error', this.onError);
    request.on('error', () => response.destroy());
    const exchange = new Exchange(request, response);
    const { onServed } = this.options;
    if (onServed !== undefined) response.once('close', () => onServed(exchange.end()));
    this.reply(exchange).catch((error: Error) => {
      this.onError(error);
      response.destroy();
    });
  }

  private async reply(exchange: Exchange): Promise<void> {
    const { request, response } = exchange;
    const early = unfit(request);
    if (early !== undefined) {
      response.shouldKeepAlive = false;
      return send(exchange, early);
    }
    let reply: AdminReply;
    try {
      reply = await this.answer(exchange);
    } catch (error) {
      // The client went away in the middle of its request.
      if (request.errored !== null) return;
      this.onError(error as Error);
      reply = text('internal error\n', 500);
    }
    return send(exchange, reply);
  }

  private async answer(exchange: Exchange): Promise<AdminReply> {
    const { request } = exchange;
    const target = parseTarget(request.url ?? '/');
    if (target === undefined) return bare(404);
    if (this.options.allowsPath?.(target.whole) === false) {
      return text(`request to path ${target.whole} not allowed`, 403);
    }
    const route = this.routes.get(target.path);
    if (route === undefined || route.offered?.(this.context) === false) {
      return text(`invalid path. ${helpText(this.offered())}`, 404);
    }
    if (route.mutates && request.method !== 'POST') {
      return text(`Method ${request.method} not allowed, POST required.`, 405);
    }
    if ((route.mutates || route.guarded) && !this.local) {
      const refused = refusal(request.headers, { allowedHosts: this.allowedHosts });
      if (refused !== undefined) return text(refused, 403);
    }
    const body = await readBody(exchange);
    if (body === undefined) return text('request body too large\n', 413);
    const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
    const query = parseQuery(target.query);
    // Browsers write a space in a form as a plus sign; Envoy takes it for a plus sign.
    const params = query.size === 0 && isForm ? parseQuery(body.replaceAll('+', ' ')) : query;
    return route.handle({ path: target.path, query: params, body }, this.context);
  }
}

/** The answer to what is no request that could be looked at; its connection is closed. */
function unfit(request: IncomingMessage): AdminReply | undefined {
  if (request.httpVersionMajor === 1 && request.httpVersionMinor === 0) {
    return { ...bare(426), headers: { 'content-type': 'text/plain' }, body: 'Upgrade Required' };
  }
  if (request.headers.host === undefined || request.url?.includes('#')) return bare(400);
  return undefined;
}

function bare(status: number): AdminReply {
  return { status, contentType: '', body: '' };
}

/** The body, or undefined when it is over the limit. */
async function readBody(exchange: Exchange): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  // Without destroyOnReturn an early return would take the socket down before the 413 is written.
  const source: AsyncIterable<Buffer> = exchange.request.iterator({ destroyOnReturn: false });
  for await (const chunk of source) {
    exchange.bytesReceived += chunk.length;
    if (exchange.bytesReceived > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

const PARSE_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** A request that could not be parsed: answered only when nothing else is on its way to the client. */
function refuseSocket(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const status = PARSE_ERRORS[error.code ?? ''] ?? '400 Bad Request';
  const body = status.slice(4);
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\ncontent-type: text/plain\r\n` +
      `date: ${new Date().toUTCString()}\r\nserver: envoy\r\nconnection: close\r\n\r\n${body}`,
  );
}

function listenOptions(address: AdminAddress): ListenOptions {
  if (!('path' in address)) return { host: address.host, port: address.port, ipv6Only: address.ipv6Only ?? false };
  return { path: socketPath(address.path) };
}
