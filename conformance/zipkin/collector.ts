/** Servers of the test: one that takes what is reported, and one that remembers the requests it gets. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** A report as it arrived. */
export interface Report {
  readonly path: string;
  readonly host: string;
  readonly contentType: string;
  readonly body: Buffer;
}

/** A server and what it has got. */
export interface Recorder<Item> {
  readonly port: number;
  readonly items: Item[];
  close(): Promise<void>;
}

async function serve<Item>(status: number, take: (request: http.IncomingMessage, body: Buffer) => Item) {
  const items: Item[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      items.push(take(request, Buffer.concat(chunks)));
      response.writeHead(status, { 'content-length': 0 }).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    items,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  } satisfies Recorder<Item>;
}

/** Takes reports, with 202 as Zipkin does. */
export function startCollector(): Promise<Recorder<Report>> {
  return serve(202, (request, body) => ({
    path: request.url ?? '',
    host: request.headers.host ?? '',
    contentType: request.headers['content-type'] ?? '',
    body,
  }));
}

/** A request as the upstream got it. */
export interface Arrived {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Remembers the heads of requests. */
export function startUpstream(): Promise<Recorder<Arrived>> {
  return serve(200, (request) => ({
    path: request.url ?? '',
    headers: Object.fromEntries(
      Object.entries(request.headersDistinct).map(([name, values]) => [name, (values ?? []).join('|')]),
    ),
  }));
}
