/** The servers: an upstream that acts by path and remembers heads, and a collector of spans. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span of Zipkin's version 2, as far as it is looked at. */
export interface ReportedSpan {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly name: string;
  readonly kind: string;
  readonly timestamp: number;
  readonly duration: number;
  readonly shared?: boolean;
  readonly tags: Readonly<Record<string, string>>;
  readonly annotations?: readonly { readonly timestamp: number; readonly value: string }[];
}

/** A request as the upstream got it. */
export interface Arrived {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Both servers and what they have got. */
export interface Servers {
  readonly upstreamPort: number;
  readonly collectorPort: number;
  readonly arrived: Arrived[];
  readonly spans: ReportedSpan[];
  close(): Promise<void>;
}

const ACTIONS: readonly (readonly [RegExp, (request: http.IncomingMessage, response: http.ServerResponse) => void])[] =
  [
    [/^\/status\/(\d+)/, ({ url = '' }, response) => void response.writeHead(Number(url.slice(8))).end('x')],
    [/^\/flaky/, flaky],
    [/^\/never\/ending/, (_, response) => void response.writeHead(200).write('x')],
    [/^\/never/, () => {}],
    [/^\/hang/, ({ socket }) => void socket.destroy()],
    [/^\/named/, (_, response) => void response.writeHead(200, { 'x-envoy-decorator-operation': 'named' }).end('x')],
    [
      /^\/moved/,
      (_, response) => void response.writeHead(302, { location: 'http://inner.test/a', 'content-length': 0 }).end(),
    ],
    [
      /^\/grpc/,
      ({ headers }, response) => {
        const status = String(headers['x-status'] ?? '0');
        const head = { 'content-type': 'application/grpc', 'grpc-status': status, 'grpc-message': 'm' };
        response.writeHead(200, head).end();
      },
    ],
  ];

/** The first try of each request fails. */
function flaky(request: http.IncomingMessage, response: http.ServerResponse): void {
  const again = request.headers['x-envoy-attempt-count'] !== '1';
  response.writeHead(again ? 200 : 503, { 'content-length': 0 }).end();
}

function act(request: http.IncomingMessage, response: http.ServerResponse): void {
  const { url = '' } = request;
  const action = ACTIONS.find(([pattern]) => pattern.test(url))?.[1];
  if (action !== undefined) action(request, response);
  else {
    request.resume();
    request.on('end', () => response.writeHead(200, { 'x-resp': 'r', 'content-length': 5 }).end('hello'));
  }
}

async function listen(server: http.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Starts both. */
export async function startServers(): Promise<Servers> {
  const arrived: Arrived[] = [];
  const spans: ReportedSpan[] = [];
  const upstream = http.createServer((request, response) => {
    arrived.push({ path: request.url ?? '', headers: request.headers as Record<string, string> });
    act(request, response);
  });
  const collector = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      spans.push(...(JSON.parse(Buffer.concat(chunks).toString()) as ReportedSpan[]));
      response.writeHead(202).end();
    });
  });
  return {
    upstreamPort: await listen(upstream),
    collectorPort: await listen(collector),
    arrived,
    spans,
    async close() {
      for (const server of [upstream, collector]) {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      }
    },
  };
}
