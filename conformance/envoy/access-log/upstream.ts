/** The upstream of all scenarios: what it does is in the path, or in the first bytes of what is not HTTP. */
import { once } from 'node:events';
import net from 'node:net';

const HELLO = 'HTTP/1.1 200 OK\r\nx-up: 1\r\ncontent-length: 11\r\n\r\nhello world';
const EMPTY = 'content-length: 0\r\n\r\n';

/** Starts it; the function closes it. */
export async function startUpstream(): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<net.Socket>();
  let retries = 0;
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    let seen = '';
    let tunnel = false;
    socket.on('data', (chunk) => {
      if (tunnel) return void socket.write(chunk);
      seen += chunk.toString('latin1');
      if (seen.startsWith('RAWQUIT')) return void socket.end('bye');
      if (seen.startsWith('RAW')) return void socket.write(`echo:${chunk}`);
      for (let end = seen.indexOf('\r\n\r\n'); end >= 0; end = seen.indexOf('\r\n\r\n')) {
        const head = seen.slice(0, end + 4);
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (seen.length < head.length + length) return;
        seen = seen.slice(head.length + length);
        tunnel = answer(socket, head.split(' ')[1] ?? '');
      }
    });
  });

  /** True when the connection is a tunnel from now on. */
  function answer(socket: net.Socket, path: string): boolean {
    const send = (text: string) => void socket.write(text);
    if (path === '/up/slow') setTimeout(() => socket.destroyed || send(HELLO), 750);
    else if (path === '/timeout') setTimeout(() => socket.destroyed || send(HELLO), 600);
    else if (path === '/up/half') socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc');
    else if (path === '/up/garbage') send('NOPE\r\n\r\n');
    else if (path === '/up/grpc')
      send(`HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: 5\r\n${EMPTY}`);
    else if (path === '/redirect') send(`HTTP/1.1 302 Found\r\nlocation: http://h.test/up\r\n${EMPTY}`);
    else if (path === '/retry' && retries++ % 2 === 0) send(`HTTP/1.1 503 No\r\n${EMPTY}`);
    else if (path === '/up/ws') {
      send('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
      return true;
    } else send(HELLO);
    return false;
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
