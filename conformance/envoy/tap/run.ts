/** Taps a target, and writes down what may be compared. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StartAdminTarget } from '../admin/run.ts';
import { type TapScenario, tapConfig } from './scenario.ts';

/** What came of a tap. */
export interface TapOutcome {
  readonly status: number;
  readonly contentType: string;
  /** Traces with what differs from run to run masked; the text itself where it is no traces. */
  readonly body: unknown;
  /** Characters that are escaped by number. */
  readonly escapes: readonly string[];
  /** Whether traces are printed as JSON indented by one space, a line feed behind each. */
  readonly printed: boolean;
  readonly meanwhile: string;
  readonly stats: readonly string[];
}

/** Every outcome, by the name of its scenario. */
export interface TapOutcomes {
  readonly version: string;
  readonly of: ReadonlyMap<string, TapOutcome>;
}

/** How long something is waited for that is not to come. */
const QUIET_MS = 30;

/** Starts a host and the target, runs all scenarios one after the other, and ends all of it. */
export async function runTaps(scenarios: readonly TapScenario[], start: StartAdminTarget): Promise<TapOutcomes> {
  const host = createServer(answer);
  host.listen(0, '127.0.0.1');
  await once(host, 'listening');
  const upstream = (host.address() as AddressInfo).port;
  const target = await start(tapConfig(scenarios, upstream), scenarios.length);
  try {
    const of = new Map<string, TapOutcome>();
    for (const scenario of scenarios) {
      of.set(scenario.name, await play(scenario, target.adminPort, target.port(scenario.name)));
    }
    return { version: target.version, of };
  } finally {
    await target.close();
    host.close();
    host.closeAllConnections();
  }
}

/** The host: `/chunks` answers in pieces, with trailers, what it was sent in pieces; all else is a greeting. */
async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
  response.sendDate = false;
  for await (const _piece of message);
  if (message.url === '/pieces') {
    response.write('one');
    await sleep(20);
    response.end();
    return;
  }
  if (message.url !== '/chunks') {
    response.writeHead(200, { 'x-answer': 'hello', 'content-length': 5 }).end('hello');
    return;
  }
  response.writeHead(201, { 'x-answer': 'chunks', trailer: 'x-end' });
  for (const piece of ['one', 'two']) {
    response.write(piece);
    await sleep(20);
  }
  response.addTrailers({ 'x-end': 'yes' });
  response.end();
}

async function play(scenario: TapScenario, adminPort: number, port: number): Promise<TapOutcome> {
  const { tap, name, requests, traces, ends, meanwhile } = scenario;
  const asked = typeof tap === 'string' ? tap : JSON.stringify({ config_id: name, tap_config: tap });
  const attached = await attach(adminPort, asked);
  for (const pieces of requests) await ask(port, pieces);
  const refusal = meanwhile === undefined ? '' : await (await attach(adminPort, meanwhile)).whole();
  const text = await (ends ? attached.whole() : attached.traces(traces));
  attached.leave();
  const stats = await (await fetch(`http://127.0.0.1:${adminPort}/stats?filter=^http.${name}.tap`)).text();
  const list = split(text);
  return {
    status: attached.status,
    contentType: attached.contentType,
    body: list === undefined ? text : list.map((trace) => masked(trace, '')),
    escapes: text.match(/\\u[0-9a-f]{4}/g) ?? [],
    printed:
      list !== undefined &&
      unescaped(text) === unescaped(list.map((trace) => `${JSON.stringify(trace, undefined, 1)}\n`).join('')),
    meanwhile: refusal,
    stats: stats.split('\n').filter((line) => line.includes('.tap.rq_')),
  };
}

function unescaped(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

interface Attached {
  readonly status: number;
  readonly contentType: string;
  /** What has come once there are so many traces, and a moment after that. */
  traces(count: number): Promise<string>;
  whole(): Promise<string>;
  leave(): void;
}

async function attach(port: number, body: string): Promise<Attached> {
  for (;;) {
    const sent = request({ port, method: 'POST', path: '/tap', agent: false });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    let text = '';
    response.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    response.on('error', () => {});
    const ended = new Promise((resolve) => response.once('close', resolve));
    const attached: Attached = {
      status: response.statusCode as number,
      contentType: response.headers['content-type'] as string,
      async traces(count) {
        for (let tries = 0; tries < 100 && (split(text)?.length ?? 0) < count; tries++) await sleep(20);
        await sleep(QUIET_MS);
        return text;
      },
      async whole() {
        await Promise.race([ended, sleep(3000)]);
        return text;
      },
      leave: () => sent.destroy(),
    };
    if (attached.status === 200 || body.startsWith('config_id: twice')) return attached;
    // The one before may not have been noticed to be gone.
    if (!(await attached.whole()).startsWith('An attached')) return attached;
    await sleep(10);
  }
}

/** Sends a request and waits for the end of its response: Envoy may take a second to close the connection. */
async function ask(port: number, pieces: readonly string[]): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => {
    text += piece;
    if (isWhole(text)) socket.end();
  });
  const closed = once(socket, 'close');
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await sleep(20);
    socket.write(piece);
  }
  await closed;
}

/** Bodies here have a length, or chunks. */
function isWhole(response: string): boolean {
  const [head = '', body = ''] = response.split(/(?<=\r\n\r\n)(.*)/s);
  const [, length] = /^content-length: (\d+)/im.exec(head) ?? [];
  return length === undefined ? /(?:^|\r\n)0\r\n(?:.+\r\n)*\r\n$/.test(body) : body.length === Number(length);
}

/** Whole traces; undefined when it is something else. */
function split(text: string): unknown[] | undefined {
  if (text !== '' && !text.startsWith('{')) return undefined;
  const traces = text.split(/(?<=^\}\n?)(?=\{)/m).filter((trace) => /^\}$/m.test(trace));
  return traces.map((trace) => JSON.parse(trace) as unknown);
}

interface Field {
  readonly key: string;
  readonly value: string;
  readonly raw_value: string;
}

/** Of the codec here, and no fields that filters see. */
const FRAMING = /^(?:connection|transfer-encoding)$/;

const VOLATILE = /^(?:date|x-request-id|x-envoy-upstream-service-time)$/;

function line({ key, value, raw_value: raw }: Field): string {
  return `${key}: ${VOLATILE.test(key) ? '<any>' : value}${raw}`;
}

/** Fields sorted by name, without their varying values. */
function masked(value: unknown, key: string): unknown {
  if (key === 'port_value') return '<port>';
  if (key === 'trace_id') return '<id>';
  if (key === 'headers_received_time') return String(value).replace(/\d/g, '0').replace(/\.0+/, '.0');
  if (Array.isArray(value)) {
    if ((value as Field[]).some((item) => item.key === undefined)) return value.map((item) => masked(item, key));
    return (value as Field[])
      .filter(({ key }) => !FRAMING.test(key))
      .map(line)
      .sort();
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, masked(item, name)]));
}
