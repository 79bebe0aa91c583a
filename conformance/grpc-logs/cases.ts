/** What is put to the proxies, and how many entries each of it makes. */
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';
import { pairOf } from '../envoy/pieces.ts';
import type { ListenerName } from './bootstrap.ts';

/** One exchange or connection. */
export interface Case {
  readonly name: string;
  readonly listener: ListenerName;
  /** Default 1. */
  readonly entries?: number;
  run(port: number): Promise<void>;
}

/** Whether a response has come whole; one that ends with its connection never has. */
function isWhole(text: string, method: string): boolean {
  const end = text.indexOf('\r\n\r\n') + 4;
  if (end < 4) return false;
  const head = text.slice(0, end).toLowerCase();
  if (method === 'HEAD' || / (?:204|304) /.test(head.slice(0, 13))) return true;
  if (head.includes('transfer-encoding: chunked')) return /(?:^|\r\n)0\r\n(?:[^\r]+\r\n)*\r\n$/.test(text.slice(end));
  const length = /content-length: (\d+)/.exec(head)?.[1];
  return length !== undefined && text.length - end >= Number(length);
}

/**
 * Sends bytes, reads until the response is whole or the peer ends, and hangs up. The connection is not asked to end: Envoy
 * counts the field that says so as a part of the response.
 */
async function talk(socket: net.Socket, bytes: string): Promise<void> {
  const method = bytes.slice(0, bytes.indexOf(' '));
  let seen = '';
  await new Promise<void>((resolve) => {
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
    socket.on('end', () => resolve());
    socket.on('data', (chunk: Buffer) => {
      seen += chunk.toString('latin1');
      if (isWhole(seen, method)) resolve();
    });
    socket.write(bytes, 'latin1');
  });
  socket.destroy();
}

function exchange(name: string, head: string, body = '', listener: ListenerName = 'http'): Case {
  const [line = '', ...fields] = head.split('\n');
  const bytes = `${[line, 'host: a.test', ...fields].join('\r\n')}\r\n\r\n${body}`;
  return { name, listener, run: (port) => talk(net.connect(port, '127.0.0.1'), bytes) };
}

/** Each side would prefer another one. */
const ciphers = 'TLS_AES_256_GCM_SHA384';

export const CASES: readonly Case[] = [
  exchange('a GET', 'GET /a?b HTTP/1.1\nuser-agent: ua\nreferer: http://r.test/\nx-forwarded-for: 203.0.113.5'),
  exchange('a POST with a length', 'POST /a HTTP/1.1\ncontent-length: 5', 'hello'),
  exchange('a chunked PUT', 'PUT /a HTTP/1.1\ntransfer-encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'),
  exchange('a HEAD', 'HEAD /a HTTP/1.1'),
  exchange('a PATCH', 'PATCH /a HTTP/1.1\ncontent-length: 0'),
  exchange('OPTIONS', 'OPTIONS /a HTTP/1.1'),
  exchange('a method of its own', 'REPORT /a HTTP/1.1'),
  exchange('logged headers', 'GET /a HTTP/1.1\nx-twice: 1\nX-Twice: 2\naccept: */*'),
  exchange('a value with bytes beyond ASCII', 'GET /a HTTP/1.1\nx-twice: \u00c3\u00a9'),
  exchange('trailers', 'GET /trailers HTTP/1.1\nte: trailers'),
  exchange('tags', 'GET /rewritten/x HTTP/1.1\nx-tag: t'),
  exchange('a direct response', 'GET /direct HTTP/1.1'),
  exchange('a redirect', 'GET /redirect HTTP/1.1'),
  {
    name: 'no route',
    listener: 'http',
    run: (port) => talk(net.connect(port, '127.0.0.1'), 'GET /a HTTP/1.1\r\nhost: b.test\r\n\r\n'),
  },
  exchange('a refused connection', 'GET /refused HTTP/1.1'),
  exchange('no host', 'GET /empty HTTP/1.1'),
  exchange('no cluster', 'GET /no-cluster HTTP/1.1\nx-cluster: nope'),
  exchange('a retry', 'GET /retried HTTP/1.1'),
  exchange('a timeout', 'GET /hang HTTP/1.1'),
  exchange('an upstream that hangs up', 'GET /close HTTP/1.1'),
  exchange('an upstream that speaks nonsense', 'GET /nonsense HTTP/1.1'),
  exchange('a response that is cut', 'GET /cut HTTP/1.1'),
  {
    name: 'a client that hangs up',
    listener: 'http',
    run: async (port) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.write('GET /wait HTTP/1.1\r\nhost: a.test\r\n\r\n');
      await new Promise((resolve) => setTimeout(resolve, 100));
      socket.resetAndDestroy();
    },
  },
  {
    name: 'no HTTP',
    listener: 'http',
    run: (port) => talk(net.connect(port, '127.0.0.1'), 'nonsense\r\n\r\n'),
  },
  {
    name: 'HTTP/2',
    listener: 'http',
    run: async (port) => {
      const session = http2.connect(`http://127.0.0.1:${port}`);
      const stream = session.request({ ':authority': 'a.test', ':path': '/trailers', 'x-twice': 'a' });
      stream.resume();
      await once(stream, 'close');
      session.close();
    },
  },
  {
    name: 'TLS',
    listener: 'https',
    run: async (port) => {
      const socket = tls.connect({
        port,
        host: '127.0.0.1',
        servername: 'sni.test',
        rejectUnauthorized: false,
        ciphers,
      });
      await talk(socket, 'GET /a HTTP/1.1\r\nhost: a.test\r\n\r\n');
    },
  },
  {
    name: 'TLS with a certificate of the client',
    listener: 'https',
    run: async (port) => {
      const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ciphers, ...pairOf('client') });
      await talk(socket, 'GET /a HTTP/1.1\r\nhost: a.test\r\n\r\n');
    },
  },
  {
    name: 'a TCP connection',
    listener: 'tcp',
    // Its beginning, the connection to the upstream, its end.
    entries: 3,
    run: (port) => talk(net.connect(port, '127.0.0.1'), 'GET /a HTTP/1.1\r\nhost: a.test\r\n\r\n'),
  },
  {
    name: 'a TCP connection to nobody',
    listener: 'tcp-refused',
    entries: 2,
    run: (port) => talk(net.connect(port, '127.0.0.1'), ''),
  },
];
