/** The applications behind the sidecars. They know nothing of proxies but one address, and pass tracing headers on. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Server as SocketServer } from 'node:net';
import { hostname } from 'node:os';

/** What an application copies from the request it serves to those it makes for it. It need not understand them. */
export const TRACE_HEADERS = [
  'x-request-id',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-flags',
  'x-ot-span-context',
];

/** A running application. */
export interface Application {
  readonly port: number;
  /** Trace ids of the requests to `/trace`, as they came. */
  readonly traceIds: string[];
  close(): void;
}

/** Options of {@link startApplication}. */
export interface ApplicationOptions {
  /** 1 or 2. */
  readonly number: number;
  /** What service 1 asks for other services: port 9000 of its sidecar, which may be there only later. */
  readonly egressPort: number | (() => number);
}

/**
 * Answers `/service/<number>`, and `/trace/<number>`, for which service 1 asks service 2 first.
 */
export async function startApplication({ number, egressPort }: ApplicationOptions): Promise<Application> {
  const traceIds: string[] = [];
  const server = createServer((request, response) => {
    const { url = '' } = request;
    if (url.startsWith(`/service/${number}`)) hello(number, response);
    else if (url.startsWith(`/trace/${number}`)) {
      traceIds.push(String(request.headers['x-b3-traceid'] ?? ''));
      const before =
        number === 1
          ? askOther(typeof egressPort === 'number' ? egressPort : egressPort(), request)
          : Promise.resolve();
      before.then(
        () => hello(number, response),
        () => response.writeHead(502).end(),
      );
    } else response.writeHead(404).end();
  });
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { port: await listen(server), traceIds, close };
}

function hello(number: number, response: ServerResponse): void {
  const text = `Hello from behind Mesh (service ${number})! hostname: ${hostname()} resolvedhostname: 127.0.0.1\n`;
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

async function askOther(egressPort: number, { headers }: IncomingMessage): Promise<void> {
  const given = TRACE_HEADERS.filter((name) => headers[name] !== undefined);
  const answer = await fetch(`http://127.0.0.1:${egressPort}/trace/2`, {
    headers: given.map((name): [string, string] => [name, String(headers[name])]),
  });
  await answer.text();
  if (!answer.ok) throw new Error(`service 2 answered ${answer.status}`);
}

/** Resolves with the free loopback port that it listens on. */
export function listen(server: Server | SocketServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
