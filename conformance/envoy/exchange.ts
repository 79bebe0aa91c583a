/** Plays the requests of a scenario against a port, and writes down what the client and the upstreams saw. */
import { networkInterfaces } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type RawClient, type RawResponse, type ReceivedRequest, rawClient, type Upstream } from '@mesh/testing';
import { clusterName, fill } from './bootstrap.ts';
import { normalizeAll, normalizeFields, normalizeText, type Replacement } from './normalize.ts';
import type { RequestSpec, Scenario } from './scenario.ts';
import type { Server } from './server.ts';
import type { Talk } from './talk.ts';

/** Addresses of this machine, which Envoy tells to mirrors as its own. */
const OWN_ADDRESSES = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .filter(({ internal, family }) => !internal && family === 'IPv4')
  .map(({ address }): Replacement => [address, '<own address>']);

/** How long an answer, an end, or a request at an upstream may take. */
const LIMIT_MS = 4000;

/** One response as it is compared. */
export interface SeenResponse {
  /** Status and reason phrase; or what came instead of a response. */
  readonly status: string;
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly framing?: string;
  readonly trailers?: readonly string[];
  readonly interim?: readonly number[];
}

/** One request as an upstream saw it. */
export interface SeenRequest {
  readonly cluster: string;
  readonly line: string;
  readonly headers: readonly string[];
  readonly body?: string;
  readonly trailers?: readonly string[];
}

/** What came of one request. */
export interface SeenExchange {
  readonly responses: readonly SeenResponse[];
  readonly upstream: readonly SeenRequest[];
  /** Bytes behind the last response, where they were waited for. */
  readonly tunnel?: string;
  /** The end of the connection, where it was waited for. */
  readonly end?: string;
}

/** What came of a request, or of a talk, which says itself what is compared. */
export type Seen = SeenExchange | { readonly talk: unknown };

/** A running scenario: its listener's port, its upstreams by letter. */
export interface Stage {
  readonly scenario: Scenario;
  readonly port: number;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly servers: ReadonlyMap<string, Server>;
}

/** Plays all requests of a scenario, then its talks, one after the other. */
export async function play(stage: Stage): Promise<Seen[]> {
  const exchanges: Seen[] = [];
  let client: RawClient | undefined;
  for (const given of stage.scenario.requests) {
    const request = typeof given === 'string' ? shorthand(given) : given;
    if (request.sameConnection !== true || client === undefined) {
      client?.socket.destroy();
      client = await rawClient(stage.port);
    }
    exchanges.push(await exchange(stage, client, request));
  }
  client?.socket.destroy();
  for (const talk of stage.scenario.talks ?? []) exchanges.push({ talk: await converse(stage, talk) });
  return exchanges;
}

async function converse(stage: Stage, talk: Talk): Promise<unknown> {
  const replacements = replacementsOf(stage, 0);
  const seen = watch(stage);
  const received = () => seen(replacements);
  const result = await talk({ port: stage.port, received });
  return normalizeAll(result, replacements);
}

/** `/path`, `METHOD /path`, `METHOD http://host/path`. */
function shorthand(text: string): RequestSpec {
  const [, method = 'GET', host, path = '/'] = /^(?:([A-Z]+) )?(?:http:\/\/([^/?#]*))?(.*)$/s.exec(text) ?? [];
  return { method, path, ...(host === undefined ? {} : { host }) };
}

async function exchange(stage: Stage, client: RawClient, request: RequestSpec): Promise<SeenExchange> {
  const clientPort = client.socket.localPort ?? 0;
  const seen = watch(stage);
  await client.send(Buffer.from(bytesOf(request, stage.scenario), 'latin1')).catch(() => {});
  for (const [afterMs, bytes] of request.later ?? []) {
    await delay(afterMs);
    await client.send(Buffer.from(bytes, 'latin1')).catch(() => {});
  }
  const responses: (RawResponse | string)[] = [];
  for (let left = request.responses ?? 1; left > 0; left--) {
    const response = await limited(client.readResponse({ method: methodOf(request) }));
    responses.push(response);
    if (typeof response === 'string') break;
  }
  const tunnel = request.reads === undefined ? undefined : await tunnelled(client, request.reads);
  const end = request.untilClosed === true ? await endOf(client) : undefined;
  const replacements = replacementsOf(stage, clientPort);
  if (request.upstreamRequests !== undefined) await atLeast(request.upstreamRequests, () => seen(replacements));
  return {
    responses: responses.map((each) => seenResponse(each, replacements)),
    upstream: seen(replacements),
    ...(tunnel === undefined ? {} : { tunnel }),
    ...(end === undefined ? {} : { end }),
  };
}

/** What the upstreams receive from now on. */
function watch({ upstreams, servers }: Stage): (replacements: readonly Replacement[]) => SeenRequest[] {
  const counts = new Map([...upstreams].map(([letter, upstream]) => [letter, upstream.requests.length]));
  const before = new Map([...servers].map(([letter, server]) => [letter, server.received.length]));
  return (replacements) => [
    ...[...upstreams].flatMap(([letter, upstream]) =>
      upstream.requests.slice(counts.get(letter)).map((each) => seenRequest(letter, each, replacements)),
    ),
    ...[...servers].flatMap(([letter, server]) =>
      server.received
        .slice(before.get(letter))
        .map((each) => normalizeAll({ cluster: letter, ...each }, replacements) as SeenRequest),
    ),
  ];
}

function bytesOf(request: RequestSpec, scenario: Scenario): string {
  const { method = 'GET', path = '/', host = 'h.test', headers = {}, body, raw } = request;
  if (raw !== undefined) return fill(scenario, raw);
  const fields = Object.entries({
    host,
    ...headers,
    ...(body === undefined ? {} : { 'content-length': String(body.length) }),
  });
  const lines = fields.flatMap(([name, value]) => [value].flat().map((each) => `${name}: ${each}\r\n`));
  return `${method} ${path} HTTP/1.1\r\n${fill(scenario, lines.join(''))}\r\n${body ?? ''}`;
}

/** The method that says how the response is framed: behind the head of a tunnel there is no body, as for HEAD. */
function methodOf({ method = 'GET', raw, reads }: RequestSpec): string {
  if (reads !== undefined) return 'HEAD';
  return raw === undefined ? method : raw.slice(0, raw.indexOf(' '));
}

/** A response, or why there was none. */
async function limited(response: Promise<RawResponse>): Promise<RawResponse | string> {
  const none = response.catch((error: NodeJS.ErrnoException) =>
    /in the middle of a message \(head\); 0 bytes|closed within|ECONNRESET|EPIPE/.test(`${error.message} ${error.code}`)
      ? 'closed'
      : `broken: ${error.message.replace(/; \d+ bytes left/, '')}`,
  );
  return Promise.race([none, delay(LIMIT_MS, 'nothing', { ref: false })]);
}

async function tunnelled(client: RawClient, bytes: number): Promise<string> {
  const text = client.read(bytes).then((read) => read.toString('latin1'));
  return Promise.race([text.catch(() => 'closed'), delay(LIMIT_MS, 'nothing', { ref: false })]);
}

async function endOf(client: RawClient): Promise<string> {
  const end = client
    .readToEnd()
    .then((rest) => (rest.length === 0 ? 'closed' : `closed behind ${JSON.stringify(rest.toString('latin1'))}`))
    .catch(() => 'closed');
  return Promise.race([end, delay(LIMIT_MS, 'open', { ref: false })]);
}

async function atLeast(count: number, seen: () => readonly unknown[]): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (seen().length < count && performance.now() < endMs) await delay(5);
}

function replacementsOf({ scenario, port, upstreams, servers }: Stage, clientPort: number): Replacement[] {
  const ports = [...upstreams, ...servers].map(
    ([letter, each]): Replacement => [`127.0.0.1:${each.port}`, `<${letter}>`],
  );
  const names = new RegExp(`${clusterName(scenario, '')}([a-z]+)`);
  return [
    ...(scenario.masks ?? []),
    [`127.0.0.1:${port}`, '<listener>'],
    [`127.0.0.1:${clientPort}`, '<client>'],
    ...ports,
    [names, '<$1>'],
    ...OWN_ADDRESSES,
  ];
}

function seenResponse(response: RawResponse | string, replacements: readonly Replacement[]): SeenResponse {
  if (typeof response === 'string') return { status: response };
  const { status, reason, headerLines, body, framing, trailers, interim } = response;
  return {
    status: `${status} ${reason}`,
    headers: normalizeFields(headerLines, replacements),
    body: normalizeText(body, replacements),
    framing,
    ...(trailers === undefined || Object.keys(trailers).length === 0
      ? {}
      : { trailers: normalizeFields(Object.entries(trailers), replacements) }),
    ...(interim.length === 0 ? {} : { interim }),
  };
}

function seenRequest(cluster: string, request: ReceivedRequest, replacements: readonly Replacement[]): SeenRequest {
  const { method, path, headerLines, body, trailers } = request;
  return {
    cluster,
    line: `${method} ${normalizeText(path, replacements)}`,
    headers: normalizeFields(headerLines, replacements),
    ...(body === '' ? {} : { body: normalizeText(body, replacements) }),
    ...(trailers === undefined || Object.keys(trailers).length === 0
      ? {}
      : { trailers: normalizeFields(Object.entries(trailers), replacements) }),
  };
}
