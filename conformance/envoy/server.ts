/** Upstreams that do not speak HTTP/1.1: HTTP/2, and bytes. */
import { once } from 'node:events';
import { createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';

/** A running one. */
export interface Server {
  readonly port: number;
  /** What it was sent, in order. Entries may grow. */
  readonly received: readonly object[];
  close(): Promise<void>;
}

/** Starts one; it is told its letter. */
export type StartServer = (letter: string) => Promise<Server>;

/** A request as an HTTP/2 upstream saw it. */
export interface H2Received {
  readonly headers: readonly string[];
  body?: string;
  trailers?: readonly string[];
  /** The code with which the proxy reset the stream. */
  reset?: number;
}

/** What an HTTP/2 upstream does with a request; `nth` counts from 0. Called with the head. */
export type H2Behaviour = (stream: ServerHttp2Stream, nth: number, letter: string) => void;

/** 200 and its letter, behind the request's end. */
export const h2Answer: H2Behaviour = (stream, _nth, letter) => {
  stream.on('end', () => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200 }, { sendDate: false } as object);
    stream.end(letter);
  });
};

type H2Options = Parameters<typeof createSecureServer>[0];

/** An HTTP/2 upstream, with prior knowledge or, with a key, by ALPN; `resets`: those of the proxy are written down. */
export function h2Server(behave: H2Behaviour = h2Answer, options: H2Options = {}, resets = false): StartServer {
  return async (letter) => {
    const received: H2Received[] = [];
    const server: Http2Server = options.key === undefined ? createServer(options) : createSecureServer(options);
    const sockets = socketsOf(server as unknown as net.Server);
    server.on('sessionError', () => {});
    server.on('stream', (stream: ServerHttp2Stream, _headers: unknown, _flags: number, raw: string[]) => {
      const seen: H2Received = { headers: pairs(raw) };
      const nth = received.push(seen) - 1;
      stream.on('data', (bytes: Buffer) => {
        seen.body = (seen.body ?? '') + bytes.toString('latin1');
      });
      stream.on('trailers', (_trailers: unknown, _more: number, lines: string[]) => {
        seen.trailers = pairs(lines);
      });
      stream.on('aborted', () => {
        if (resets) seen.reset = stream.rstCode;
      });
      stream.on('error', () => {});
      behave(stream, nth, letter);
    });
    return listening(server as unknown as net.Server, received, sockets);
  };
}

function pairs(raw: readonly string[]): string[] {
  return raw.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${raw[at + 1]}`] : []));
}

/** What an upstream of bytes does with a connection; `saw` puts what it receives into `received`. */
export type ByteBehaviour = (socket: net.Socket, letter: string, saw: (text: string) => void) => void;

/** Greets with its letter, and sends back what it gets in capitals; ends when the other side has. */
export const capitals: ByteBehaviour = (socket, letter, saw) => {
  socket.write(`${letter}:`);
  socket.on('data', (bytes: Buffer) => {
    saw(bytes.toString('latin1'));
    socket.write(bytes.toString('latin1').toUpperCase());
  });
  socket.on('end', () => socket.end('.'));
};

/** Sends back what it gets in capitals, and says nothing of its own. */
export const quiet: ByteBehaviour = (socket, _letter, saw) => {
  socket.on('data', (bytes: Buffer) => {
    saw(bytes.toString('latin1'));
    socket.write(bytes.toString('latin1').toUpperCase());
  });
  socket.on('end', () => socket.end('.'));
};

/** An upstream of bytes; each connection on which some come is an entry of what it received. */
export function byteServer(behave: ByteBehaviour = capitals, secure?: tls.TlsOptions): StartServer {
  return async (letter) => {
    const received: { text: string; sni?: string }[] = [];
    const accept = (socket: net.Socket) => {
      const name = socket instanceof tls.TLSSocket ? socket.servername : undefined;
      const seen = { text: '', ...(typeof name === 'string' ? { sni: name } : {}) };
      socket.on('error', () => {});
      behave(socket, letter, (text) => {
        if (seen.text === '') received.push(seen);
        seen.text += text;
      });
    };
    const server =
      secure === undefined
        ? net.createServer({ allowHalfOpen: true }, accept)
        : tls.createServer({ ...secure, allowHalfOpen: true } as tls.TlsOptions, accept);
    return listening(server, received, socketsOf(server));
  };
}

function socketsOf(server: net.Server): Set<net.Socket> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  return sockets;
}

async function listening(server: net.Server, received: object[], sockets: Set<net.Socket>): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as net.AddressInfo).port, received, close };
}
