/** Things that take logs, spans and statistics badly, each in one way. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';

/** A server on a loopback port. */
export interface Listening {
  readonly port: number;
  close(): void;
}

async function listening(server: net.Server, sockets = new Set<net.Socket>()): Promise<Listening> {
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

/** Takes connections and never reads a byte. */
export function neverReads(): Promise<Listening> {
  return listening(net.createServer({ pauseOnConnect: true }));
}

/** Answers each request with this status, so many milliseconds later. */
export function answers(status: number, afterMs = 0): Promise<Listening> {
  const server = http.createServer((request, response) => {
    request.resume();
    const answer = () => response.writeHead(status, { 'content-length': 0 }).end();
    request.on('end', () => (afterMs === 0 ? answer() : setTimeout(answer, afterMs)));
  });
  return listening(server);
}

/** Begins an answer and ends the connection in the middle of it. */
export function cutsAnswers(): Promise<Listening> {
  const server = http.createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      response.writeHead(202, { 'content-length': 100 });
      response.write('abc', () => response.destroy());
    });
  });
  return listening(server);
}

/** A named pipe that somebody has opened and does not read. */
export function unreadPipe(file: string): { close(): void } {
  execFileSync('mkfifo', [file]);
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  return { close: () => closeSync(fd) };
}
