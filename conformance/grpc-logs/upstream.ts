/** The upstream of both proxies: HTTP/1 by its path. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Upstream {
  readonly port: number;
  close(): void;
}

export async function startUpstream(): Promise<Upstream> {
  const server = http.createServer((request, response) => {
    // The same length in every run.
    response.setHeader('date', 'Thu, 01 Jan 2026 00:00:00 GMT');
    request.resume().on('end', () => answer(request.url ?? '', response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

function answer(path: string, response: http.ServerResponse): void {
  const { socket } = response;
  switch (path) {
    case '/hang':
    case '/wait':
      return;
    case '/close':
      socket?.destroy();
      return;
    case '/nonsense':
      socket?.end('nonsense\r\n\r\n');
      return;
    case '/cut':
      response.writeHead(200, { 'content-length': '10' });
      response.write('half', () => setTimeout(() => socket?.destroy(), 50));
      return;
    case '/503':
      response.writeHead(503).end();
      return;
    case '/trailers':
      response.writeHead(200, { trailer: 'x-trailer', 'x-up': ['1', '2'] });
      response.addTrailers({ 'x-trailer': 'last' });
      response.end('body');
      return;
    default:
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.setHeader('x-up', 'yes');
      response.end('body');
  }
}
