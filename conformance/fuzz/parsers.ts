/** Two parsers under one interface: ours, and the one of `node:http` (llhttp) with strict settings. */
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { ServerRig } from '../../packages/core/src/http1/fixture.ts';
import { DEFAULT_HTTP1_OPTIONS } from '../../packages/core/src/http1/options.ts';
import type { ProtocolError } from '../../packages/core/src/http1/protocol-error.ts';

/** One complete request. */
export interface ParsedRequest {
  readonly method: string;
  /** Path as we send it upstream; for node:http the target as it came. */
  readonly target: string;
  readonly host: string;
  readonly minor: number;
  /** Fields whose names begin with `x-`: those that neither parser treats specially. */
  readonly fields: readonly string[];
  readonly body: string;
}

export interface Parsed {
  /** Requests that arrived whole. */
  readonly requests: readonly ParsedRequest[];
  /** Why the input was refused; `undefined` when it was taken, or is not complete yet. */
  readonly refusal: ProtocolError | string | undefined;
  /** A request was begun and its end is still awaited. */
  readonly open: boolean;
}

const OPTIONS = { ...DEFAULT_HTTP1_OPTIONS, acceptHttp10: true };

/** Our server codec, fed with `text` cut into `sizes` (cyclic; none: whole). */
export function parseOurs(text: string, sizes: readonly number[] = []): Parsed {
  const rig = new ServerRig(OPTIONS);
  for (let at = 0, i = 0; at < text.length; i++) {
    const size = sizes[i % sizes.length] ?? text.length;
    rig.feed(text.slice(at, at + size));
    at += size;
  }
  const requests = rig.requests
    .filter((request) => request.ended)
    .map(({ head, body }) => ({
      method: head?.method ?? '',
      target: head?.path ?? '',
      host: head?.authority ?? '',
      minor: head?.minor ?? -1,
      fields: ordinary(head?.fields ?? []),
      body,
    }));
  const open = rig.requests.some((request) => !request.ended);
  const hostless = requests.findIndex(({ host }) => host === '');
  return hostless < 0
    ? { requests, refusal: rig.errors[0], open }
    : { requests: requests.slice(0, hostless), refusal: MISSING_HOST, open: false };
}

/** The codec takes such a head; the connection manager behind it answers 400 and closes, so nothing after it is served. */
export const MISSING_HOST: ProtocolError = { status: 400, details: 'missing_host_header' };

function ordinary(fields: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] as string).toLowerCase();
    if (name.startsWith('x-')) kept.push(`${name}: ${fields[i + 1]}`);
  }
  return kept;
}

/** Less the fields that Connection nominates, which a proxy must not pass on (RFC 9110 7.6.1). */
function withoutNominated(fields: readonly string[], connection: string): string[] {
  const nominated = connection.split(',').map((name) => name.replace(/^[ \t]+|[ \t]+$/g, '').toLowerCase());
  return fields.filter((line) => !nominated.includes(line.slice(0, line.indexOf(':'))));
}

interface NodeRecord {
  readonly requests: ParsedRequest[];
  refusal: string | undefined;
  begun: number;
}

/** A `node:http` server on a real socket, with lenient parsing off and no silent truncation of fields. */
export class NodeParser {
  readonly #server: http.Server;
  readonly #records = new Map<number, NodeRecord>();

  private constructor() {
    this.#server = http.createServer({
      insecureHTTPParser: false,
      requireHostHeader: true,
      maxHeaderSize: 60 * 1024,
      keepAliveTimeout: 0,
    });
    this.#server.maxHeadersCount = 0;
    this.#server.on('request', (req, res) => this.#request(req, res));
    this.#server.on('checkExpectation', (req: http.IncomingMessage, res: http.ServerResponse) => {
      this.#record(req.socket).refusal ??= 'EXPECTATION';
      res.writeHead(417).end();
    });
    this.#server.on('connect', (req: http.IncomingMessage, socket) => {
      this.#record(req.socket).requests.push(toParsed(req, ''));
      socket.end();
    });
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      // Our own FIN in the middle of a message is not a refusal.
      const record = this.#records.get((socket as net.Socket).remotePort ?? 0);
      if (record !== undefined && error.code !== 'HPE_INVALID_EOF_STATE' && error.code !== 'ECONNRESET') {
        record.refusal ??= error.code ?? error.message;
      }
      socket.destroy();
    });
  }

  static async start(): Promise<NodeParser> {
    const parser = new NodeParser();
    parser.#server.listen(0, '127.0.0.1');
    await once(parser.#server, 'listening');
    return parser;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async parse(text: string): Promise<Parsed> {
    const { port } = this.#server.address() as net.AddressInfo;
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let answers = '';
    socket.setEncoding('latin1');
    socket.on('data', (data: string) => {
      answers += data;
    });
    // A reset is one of the ways in which node:http refuses.
    socket.on('error', () => {});
    await once(socket, 'connect');
    const record: NodeRecord = { requests: [], refusal: undefined, begun: 0 };
    const key = socket.localPort as number;
    this.#records.set(key, record);
    const closed = once(socket, 'close');
    socket.end(text, 'latin1');
    await closed;
    this.#records.delete(key);
    // Requests without Host are answered 400 behind the parser's back.
    if (/(^|\n)HTTP\/1\.1 400 /.test(answers)) record.refusal ??= 'STATUS_400';
    return { requests: record.requests, refusal: record.refusal, open: record.begun > record.requests.length };
  }

  #record(socket: net.Socket): NodeRecord {
    return this.#records.get(socket.remotePort ?? 0) ?? { requests: [], refusal: undefined, begun: 0 };
  }

  #request(req: http.IncomingMessage, res: http.ServerResponse): void {
    const record = this.#record(req.socket);
    record.begun++;
    let body = '';
    req.setEncoding('latin1');
    req.on('data', (chunk: string) => {
      body += chunk;
    });
    req.on('end', () => {
      if (req.complete) record.requests.push(toParsed(req, body));
      res.end('ok');
    });
    // An aborted request is one whose end never came; it stays out of the record.
    req.on('error', () => {});
  }
}

function toParsed(req: http.IncomingMessage, body: string): ParsedRequest {
  return {
    method: req.method ?? '',
    target: req.url ?? '',
    host: req.headers.host ?? '',
    minor: req.httpVersionMinor,
    fields: withoutNominated(ordinary(req.rawHeaders), req.headers.connection ?? ''),
    body,
  };
}
