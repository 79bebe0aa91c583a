/** The upstreams: what they do is decided by the path of a request, so that both proxies meet the same. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTls } from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { pairOf } from '../pieces.ts';

/** Their ports. */
export interface Upstreams {
  readonly http1: number;
  readonly http2: number;
  readonly http1Tls: number;
  readonly bytes: number;
  close(): void;
}

/** Starts them. */
export async function startUpstreams(): Promise<Upstreams> {
  const seen = new Map<string, number>();
  const answer = (request: IncomingMessage, response: ServerResponse) => answerHttp1(request, response, seen);
  const http1 = createServer(answer);
  http1.on('upgrade', (_request, socket) => {
    socket.on('error', () => {});
    socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello');
  });
  const http1Tls = createTls(pairOf('server'), answer);
  const http2 = createHttp2();
  http2.on('sessionError', () => {});
  http2.on('stream', answerHttp2);
  const bytes = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => socket.write(data));
    socket.on('end', () => socket.end());
  });
  const servers: net.Server[] = [http1, http1Tls, http2 as unknown as net.Server, bytes];
  const sockets = new Set<net.Socket>();
  const ports: number[] = [];
  for (const server of servers) {
    server.on('connection', (socket: net.Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ports.push((server.address() as AddressInfo).port);
  }
  for (const server of [http1, http1Tls] as Server[]) server.keepAliveTimeout = 60_000;
  return {
    http1: ports[0]!,
    http1Tls: ports[1]!,
    http2: ports[2]!,
    bytes: ports[3]!,
    close() {
      for (const socket of sockets) socket.destroy();
      for (const server of servers) server.close();
    },
  };
}

/** `/status/<code>`, `/first/<code>` (only the first time), `/reset`, `/half` (ends in the middle), `/slow`, `/canary`. */
function answerHttp1(request: IncomingMessage, response: ServerResponse, seen: Map<string, number>): void {
  const url = request.url ?? '';
  response.sendDate = false;
  request.resume();
  request.on('error', () => {});
  const status = /\/(status|first)\/(\d+)/.exec(url);
  const times = (seen.get(url) ?? 0) + 1;
  seen.set(url, times);
  if (url.includes('/reset')) request.socket.resetAndDestroy();
  else if (url.includes('/half')) {
    response.writeHead(200, { 'content-length': '10' });
    response.write('12345', () => request.socket.destroySoon());
  } else if (url.includes('/slow')) {
    // Nothing is answered: the proxy gives up.
  } else if (url.includes('/wait')) setTimeout(() => response.writeHead(200).end('waited'), 150);
  else if (status !== null && (status[1] === 'status' || times === 1)) response.writeHead(Number(status[2])).end('no');
  else if (url.includes('/canary')) response.writeHead(200, { 'x-envoy-upstream-canary': 'true' }).end('yes');
  else request.on('end', () => response.writeHead(200, { 'content-type': 'text/plain' }).end('hello'));
}

function answerHttp2(stream: ServerHttp2Stream, headers: Record<string, unknown>): void {
  const path = String(headers[':path']);
  stream.on('error', () => {});
  stream.resume();
  if (path.includes('/reset')) {
    stream.close(2);
    return;
  }
  const grpc = /\/grpc\/(\d+)/.exec(path);
  stream.on('end', () => {
    if (grpc === null) {
      stream.respond({ ':status': 200 }, { sendDate: false } as object);
      stream.end('hello');
      return;
    }
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': grpc[1]! }));
    const fields = { ':status': 200, 'content-type': 'application/grpc' };
    stream.respond(fields, { waitForTrailers: true, sendDate: false } as object);
    stream.end(Buffer.from([0, 0, 0, 0, 1, 65]));
  });
}
