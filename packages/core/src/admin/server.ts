/** The admin HTTP server. It is not on the data path: `node:http`, small limits, one answer per request. */
import { chmod } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, ListenOptions, Socket } from 'node:net';
import { isAbstract, removeStaleSocket, socketPath } from '../net/unix-socket.ts';
import type { Scope } from '../stats/index.ts';
import type { AdminAddress, AdminContext } from './context.ts';
import { refusal } from './guard.ts';
import { AdminMetrics } from './metrics.ts';
import { type AdminReply, type AdminRoute, parseQuery, text } from './route.ts';
import { helpRoutes, helpText } from './routes/help.ts';
import { builtInRoutes } from './routes/index.ts';

/** Options of {@link AdminServer}. */
export interface AdminServerOptions {
  /** Endpoints besides the built-in ones; one with a built-in path replaces it. */
  readonly routes?: readonly AdminRoute[];
  /** Host names, besides IP literals and `localhost`, under which mutations are accepted. */
  readonly allowedHosts?: readonly string[];
  /** Told of failures that no answer can carry: an endpoint that threw, a listening socket that failed. */
  readonly onError?: (error: Error) => void;
  /** Root scope under which the admin server counts its own traffic; without it nothing is counted. */
  readonly scope?: Scope;
  /** Default 1024. */
  readonly maxConnections?: number;
}

const MAX_BODY_BYTES = 64 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 60_000;

/** Serves the admin endpoints of one proxy. */
export class AdminServer {
  private readonly context: AdminContext;
  private readonly routes: ReadonlyMap<string, AdminRoute>;
  private readonly onError: (error: Error) => void;
  private readonly server: Server;
  private allowedHosts: readonly string[];
  private local = false;

  constructor(context: AdminContext, options: AdminServerOptions = {}) {
    this.context = context;
    this.onError = options.onError ?? (() => {});
    this.allowedHosts = options.allowedHosts ?? [];
    const listing = helpRoutes(() => [...this.routes.values()]);
    const all = new Map([...listing, ...builtInRoutes, ...(options.routes ?? [])].map((route) => [route.path, route]));
    this.routes = new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.server = createServer(
      {
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
        connectionsCheckingInterval: 5_000,
      },
      (request, response) => this.serve(request, response),
    );
    this.server.maxConnections = options.maxConnections ?? 1024;
    if (options.scope !== undefined) new AdminMetrics(options.scope).attach(this.server);
    this.server.on('clientError', (_error, socket) => refuseSocket(socket as Socket));
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
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeIdleConnections();
    const timer = setTimeout(() => this.server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(timer);
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    response.on('error', this.onError);
    request.on('error', () => response.destroy());
    this.answer(request).then(
      (reply) => send(request, response, reply),
      (error: Error) => {
        this.onError(error);
        send(request, response, text('internal error\n', 500));
      },
    );
  }

  private async answer(request: IncomingMessage): Promise<AdminReply> {
    const [path = '/', query = ''] = splitTarget(request.url ?? '/');
    const route = this.routes.get(path);
    if (route === undefined) return text(`invalid path. ${helpText([...this.routes.values()])}`, 404);
    if (route.mutates) {
      if (request.method !== 'POST') return text(`Method ${request.method} not allowed, POST required.`, 405);
      const refused = this.local ? undefined : refusal(request.headers, { allowedHosts: this.allowedHosts });
      if (refused !== undefined) return text(refused, 403);
    }
    const body = await readBody(request);
    if (body === undefined) return text('request body too large\n', 413);
    const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
    const form = parseQuery(isForm ? body.replaceAll('+', ' ') : '');
    return route.handle({ path, query: parseQuery(query), form, body }, this.context);
  }
}

function splitTarget(target: string): [path: string, query: string] {
  const question = target.indexOf('?');
  return question === -1 ? [target, ''] : [target.slice(0, question), target.slice(question + 1)];
}

/** The body, or undefined when it is over the limit. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Without destroyOnReturn an early return would take the socket down before the 413 is written.
  const source: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of source) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function send(request: IncomingMessage, response: ServerResponse, reply: AdminReply): void {
  if (response.destroyed) return;
  const { after } = reply;
  if (after !== undefined) response.once('close', after);
  const body = Buffer.from(reply.body);
  response.writeHead(reply.status, {
    'content-type': reply.contentType,
    'cache-control': 'no-cache, max-age=0',
    'x-content-type-options': 'nosniff',
    ...(reply.contentType.startsWith('text/html') && PAGE_HEADERS),
    ...((reply.status === 413 || after !== undefined) && { connection: 'close' }),
    server: 'envoy',
    'content-length': body.length,
  });
  if (request.method === 'HEAD') response.end();
  else response.end(body);
}

/** No scripts, and nobody may frame our buttons. */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-frame-options': 'DENY',
};

/** A request that could not be parsed: answered only when nothing else is on its way to the client. */
function refuseSocket(socket: Socket): void {
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
}

function listenOptions(address: AdminAddress): ListenOptions {
  if (!('path' in address)) return { host: address.host, port: address.port, ipv6Only: address.ipv6Only ?? false };
  return { path: socketPath(address.path) };
}
