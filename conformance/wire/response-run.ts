/** Runs one response case on a lane: the upstream answers one request with the case's bytes, then behaves. */
import type net from 'node:net';
import type { ResponseCase } from './cases.ts';
import { exchange, type Received } from './client.ts';
import type { Lane } from './lanes.ts';
import { pieces, type Way } from './splits.ts';
import { answering, OK, type Recorded, type Script } from './upstream.ts';

/** What the client got, and which upstream connections served whom. */
export interface ResponseOutcome {
  readonly received: Received;
  readonly elapsedMs: number;
  /** The upstream connection that got the case's bytes, and the one that served the next request. */
  readonly first: number | undefined;
  readonly followUp: number | undefined;
  /** The case's request reached the upstream whole, its body too. */
  readonly requestWhole: boolean;
  readonly followUpReceived: Received;
  readonly violations: readonly string[];
}

const WAIT_MS = 5000;

/** Response timeout of the lanes for cases whose upstream falls silent. */
export const SILENCE_TIMEOUT_MS = 400;

export function fallsSilent(c: ResponseCase): boolean {
  return c.upstream_close === 'none';
}

export async function runResponseCase(c: ResponseCase, way: Way, lane: Lane): Promise<ResponseOutcome> {
  const { upstream, port } = lane;
  await upstream.disconnect();
  const play = new Play(c, way);
  upstream.begin(play.script());
  const start = performance.now();
  const received = await exchange(port, requestPieces(c), {
    responses: 1,
    closed: false,
    idleMs: WAIT_MS,
    methods: [c.request_method],
    ...(c.request_headers?.startsWith('Expect') ? { pauseBefore: 1 } : {}),
  });
  const elapsedMs = performance.now() - start;
  if (play.connection !== undefined) await play.done;
  const first = play.connection;
  upstream.script = answering(OK);
  const followUpReceived = await exchange(port, [Buffer.from('GET /next HTTP/1.1\r\nHost: h.test\r\n\r\n')], {
    responses: 1,
    closed: false,
    idleMs: WAIT_MS,
  });
  const followUp = upstream.requests.find(isFollowUp)?.connection;
  const requestWhole = upstream.requests.some((request) => !isFollowUp(request));
  return { received, elapsedMs, first, followUp, requestWhole, followUpReceived, violations: [...upstream.violations] };
}

function isFollowUp({ message }: Recorded): boolean {
  return message.startLine.startsWith('GET /next ');
}

function requestPieces(c: ResponseCase): Buffer[] {
  const target = c.request_method === 'CONNECT' ? 'h.test:80' : '/case';
  const length = c.request_body_bytes === undefined ? '' : `Content-Length: ${c.request_body_bytes}\r\n`;
  const head = `${c.request_method} ${target} HTTP/1.1\r\nHost: h.test\r\n${length}${c.request_headers ?? ''}\r\n`;
  const body = Buffer.alloc(c.request_body_bytes ?? 0, 'b');
  return body.length === 0 ? [Buffer.from(head)] : [Buffer.from(head), body];
}

/** The upstream's part, played once; later requests on the lane get an ordinary answer. */
class Play {
  /** Resolves when everything that belongs to the case has been sent. */
  readonly done: Promise<void>;
  /** The connection on which it was played. */
  connection: number | undefined = undefined;
  readonly #case: ResponseCase;
  readonly #way: Way;
  #started = false;
  #finish: () => void = () => {};

  constructor(c: ResponseCase, way: Way) {
    this.#case = c;
    this.#way = way;
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  script(): Script {
    const c = this.#case;
    const answer = (socket: net.Socket, connection: number) => {
      if (this.#started) socket.write(OK, 'latin1');
      else this.#start(socket, connection);
    };
    if (c.reply_before_body) return { onHead: answer };
    if (!c.send_on_accept) return { onRequest: answer };
    return { onAccept: (socket, id) => (this.#started ? undefined : this.#start(socket, id)), onRequest: answer };
  }

  #start(socket: net.Socket, connection: number): void {
    this.#started = true;
    this.connection = connection;
    void this.#play(socket);
  }

  async #play(socket: net.Socket): Promise<void> {
    const c = this.#case;
    const way = c.split === 'byte' ? 'bytes' : this.#way;
    for (const piece of pieces(c.raw, way, c.id)) {
      if (!socket.writable) break;
      socket.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    end(socket, c.upstream_close);
    if (c.then !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, c.then?.after_ms));
      socket.write(c.then.raw, 'latin1');
      end(socket, c.then.close);
    }
    this.#finish();
  }
}

function end(socket: net.Socket, how: ResponseCase['upstream_close']): void {
  if (how === 'fin') socket.end();
  if (how === 'rst') socket.resetAndDestroy();
}
