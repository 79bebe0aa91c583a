/** Runs one request case on a lane: sends it one way, and then asks for `/ok` as everyone else would. */
import type { RequestCase } from './cases.ts';
import { exchange, type Received, type Until } from './client.ts';
import type { Lane } from './lanes.ts';
import { type Message, status } from './messages.ts';
import { pieces, type Way } from './splits.ts';
import { answering, OK, type Script } from './upstream.ts';

/** What was seen on both sides. */
export interface RequestOutcome {
  readonly received: Received;
  /** Final responses, in order. */
  readonly responses: readonly Message[];
  /** Complete requests that reached the upstream. */
  readonly requests: readonly Message[];
  /** Bytes that reached the upstream, complete requests or not. */
  readonly bytes: number;
  readonly violations: readonly string[];
  /** Part of a request was left on an upstream connection that stayed open. */
  readonly halfRequestLeft: boolean;
  /** A new connection was served afterwards. */
  readonly okServed: boolean;
}

const WAIT_MS = 5000;
/** For cases that may legally be left hanging: after this silence they count as held. */
const HOLD_MS = 1000;

/** How many final responses the client is to get. */
function expectedResponses(c: RequestCase): number {
  return c.client_must_see?.responses ?? c.upstream_requests ?? 1;
}

function until(c: RequestCase): Until {
  const responses = expectedResponses(c);
  const closes = c.client_must_see?.connection_closed ?? false;
  switch (c.expect) {
    case 'reject':
      return { responses, closed: mustClose(c), idleMs: WAIT_MS };
    case 'close':
      return { responses, closed: true, idleMs: WAIT_MS, halfClose: c.half_close ?? false };
    case 'forward':
      return { responses, closed: closes, idleMs: WAIT_MS };
    default:
      return { responses, closed: closes, idleMs: awaitsBody(c) ? HOLD_MS : WAIT_MS };
  }
}

/**
 * A refused message ends the connection, because nobody knows where the next one begins. A well-formed request that
 * the path policy refuses or redirects leaves no such doubt.
 */
export function mustClose(c: RequestCase): boolean {
  return c.expect === 'reject' ? c.class !== 'path' : (c.client_must_see?.connection_closed ?? false);
}

/** Declares a body that never comes whole: to wait for it is as good as to refuse it. */
export function awaitsBody(c: RequestCase): boolean {
  return c.expect === 'either' && c.must_not_reach !== undefined && c.upstream_must_see === undefined;
}

function scriptOf(c: RequestCase): Script {
  if (c.upstream_reply === undefined) return answering(OK);
  const answer = `HTTP/1.1 ${c.upstream_reply} Scripted\r\nContent-Length: 2\r\n\r\nok`;
  return { onHead: (socket) => socket.write(answer, 'latin1') };
}

export async function runRequestCase(c: RequestCase, way: Way, lane: Lane): Promise<RequestOutcome> {
  const { upstream, port } = lane;
  upstream.begin(scriptOf(c));
  const received = await exchange(port, pieces(c.raw, way, c.id), until(c));
  upstream.script = answering(OK);
  const bytes = await settledBytes(lane);
  const ok = await exchange(port, [Buffer.from('GET /ok HTTP/1.1\r\nHost: ok.test\r\n\r\n')], {
    responses: 1,
    closed: false,
    idleMs: WAIT_MS,
  });
  const okRequests = upstream.requests.filter(({ message }) => pathOf(message) === '/ok');
  const halfRequestLeft = await leftOpen(lane);
  return {
    received,
    responses: received.messages.filter((message) => message.complete && status(message) >= 200),
    requests: upstream.requests.filter(({ message }) => pathOf(message) !== '/ok').map(({ message }) => message),
    bytes,
    violations: [...upstream.violations],
    halfRequestLeft,
    okServed: redirects(c)
      ? ok.text.startsWith('HTTP/1.1 301 ')
      : ok.text.startsWith('HTTP/1.1 200 ') && okRequests.length === 1,
  };
}

/** On such a lane nothing reaches the upstream. */
function redirects(c: RequestCase): boolean {
  return c.config?.route !== undefined;
}

/** Bytes written before the client's exchange ended may still be on their way through the loopback. */
async function settledBytes(lane: Lane): Promise<number> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  return lane.upstream.bytes;
}

/** A proxy that gave a request up closes the connection that carries its first half; that may take a moment. */
async function leftOpen(lane: Lane): Promise<boolean> {
  const deadline = performance.now() + 1000;
  while (lane.upstream.halfRequestOpen) {
    if (performance.now() > deadline) return true;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return false;
}

/** The target of a request line. */
export function pathOf(message: Message): string {
  return message.startLine.split(' ')[1] as string;
}
