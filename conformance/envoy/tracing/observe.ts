/** Plays the requests, one after another, and tells what came of each without what chance and time decide. */
import net from 'node:net';
import type { TracedRequest, TracingScenario } from './scenario.ts';
import type { Arrived, ReportedSpan, Servers } from './upstream.ts';

/** What came of one request. */
export interface Traced {
  readonly status: string;
  /** `x-envoy-decorator-operation`, and whether the id was given back. */
  readonly response: Readonly<Record<string, string>>;
  /** By path: what each request that an upstream got says about its trace. */
  readonly upstream: readonly Readonly<Record<string, string>>[];
  /** In the order of their beginnings. */
  readonly spans: readonly Readonly<Record<string, unknown>>[];
}

/** What came of a scenario. */
export interface TracingObservation {
  readonly requests: readonly Traced[];
  /** `http.<name>.tracing.*`. */
  readonly stats: Readonly<Record<string, number>>;
}

/** How a target is reached. */
export interface TracingTarget {
  readonly version: string;
  port(scenario: string): number;
  stats(): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

const hostOf = (scenario: number, request: number) => `s${scenario}r${request}.test`;

/** Plays all scenarios. Requests of one scenario wait for one another; scenarios run side by side. */
export async function observe(
  scenarios: readonly TracingScenario[],
  target: TracingTarget,
  servers: Servers,
): Promise<ReadonlyMap<string, TracingObservation>> {
  const answers = await Promise.all(
    scenarios.map(async (scenario, index) => {
      const heads: string[] = [];
      for (const [number, request] of scenario.requests.entries()) {
        const host = hostOf(index, number);
        heads.push(
          await ask(target.port(scenario.name), host, typeof request === 'string' ? parsed(request) : request, servers),
        );
      }
      return heads;
    }),
  );
  await quiet(servers.spans);
  const stats = await target.stats();
  const place = new Places(servers);
  return new Map(
    scenarios.map((scenario, index) => [
      scenario.name,
      {
        requests: (answers[index] as string[]).map((head, number) =>
          traced(head, hostOf(index, number), servers, place),
        ),
        stats: tracingStats(stats, scenario.name),
      },
    ]),
  );
}

function parsed(text: string): TracedRequest {
  const [, method = 'GET', path = '/'] = /^(?:([A-Z]+) )?(.*)$/.exec(text) ?? [];
  return { method, path };
}

/** Sends one request on a connection of its own; resolves with what came until the connection ended. */
function ask(port: number, host: string, request: TracedRequest, servers: Servers): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => void socket.write(bytes(host, request)));
    let received = '';
    let poll: NodeJS.Timeout | undefined;
    if (request.leaves) {
      const arrived = () => servers.arrived.some(({ headers }) => headers.host === host);
      const due = request.leaves === 'asked' ? arrived : () => received !== '';
      poll = setInterval(() => due() && socket.resetAndDestroy(), 20);
    }
    socket.on('data', (data) => {
      received += data.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(poll);
      resolve(received);
    });
  });
}

function bytes(host: string, { method = 'GET', path, headers = {}, body = '', raw }: TracedRequest): string {
  if (raw !== undefined) return raw.replace('<host>', host);
  const fields = Object.entries({
    host,
    connection: 'close',
    ...headers,
    ...(body && { 'content-length': body.length }),
  });
  return `${method} ${path} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}

/** Until nothing has been reported for a while: there is no telling from outside whether more will come. */
async function quiet(spans: readonly ReportedSpan[]): Promise<void> {
  for (let seen = -1; seen !== spans.length; ) {
    seen = spans.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

function tracingStats(all: ReadonlyMap<string, number>, scenario: string): Readonly<Record<string, number>> {
  const prefix = `http.${scenario}.tracing.`;
  const own = [...all]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => [name.slice(prefix.length), value] as const);
  return Object.fromEntries(own.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Ports by who listens there. */
class Places {
  private readonly upstream: RegExp;

  constructor({ upstreamPort }: Servers) {
    this.upstream = new RegExp(`127\\.0\\.0\\.1:${upstreamPort}\\b`, 'g');
  }

  mask(text: string): string {
    return text.replace(this.upstream, '<upstream>').replace(/127\.0\.0\.1:\d+/g, '<refused>');
  }
}

function traced(response: string, host: string, { arrived, spans }: Servers, place: Places): Traced {
  const [head = ''] = response.split('\r\n\r\n');
  const [line = '', ...fields] = head.split('\r\n');
  const own = arrived.filter(({ headers }) => headers.host === host || headers.host === `${host}-shadow`);
  const traces = new Set(
    spans.filter(({ tags }) => tags['http.url']?.includes(`//${host}/`)).map(({ traceId }) => traceId),
  );
  for (const { headers } of own) if (headers['x-b3-traceid'] !== undefined) traces.add(headers['x-b3-traceid']);
  const reported = spans.filter(({ traceId }) => traces.has(traceId)).sort(byStart);
  // What a redirect has sent elsewhere has another host.
  const sent = arrived.filter((each) => own.includes(each) || traces.has(each.headers['x-b3-traceid'] ?? ''));
  return {
    status: line.split(' ')[1] ?? '',
    response: noted(fields),
    upstream: sent
      .map((each) => context(each, reported))
      .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    spans: reported.map((span) => described(span, reported, host, place)),
  };
}

/** A parent before its children; clocks of one machine are not finer than that. */
function byStart(a: ReportedSpan, b: ReportedSpan): number {
  const depth = ({ parentId, name }: ReportedSpan) => `${parentId === undefined ? 0 : 1}${name}`;
  return depth(a) < depth(b) ? -1 : depth(a) > depth(b) ? 1 : a.timestamp - b.timestamp;
}

function noted(fields: readonly string[]): Readonly<Record<string, string>> {
  const pairs = fields.map((field) => field.split(': ') as [string, string]);
  return Object.fromEntries(
    pairs.flatMap(([name, value]): [string, string][] => {
      if (name === 'x-request-id') return [[name, reason(value)]];
      return name === 'x-envoy-decorator-operation' ? [[name, value]] : [];
    }),
  );
}

/** An id that was made here is only its reason. */
function reason(requestId: string): string {
  return requestId.length === 36 && !requestId.startsWith('0000') ? `<${requestId[14]}>` : requestId;
}

function context({ path, headers }: Arrived, spans: readonly ReportedSpan[]): Readonly<Record<string, string>> {
  const { 'x-b3-spanid': spanId, 'x-b3-sampled': sampled, 'x-b3-parentspanid': parent } = headers;
  const operation = headers['x-envoy-decorator-operation'];
  return {
    path,
    id: reason(headers['x-request-id'] ?? 'none'),
    sampled: sampled ?? 'none',
    ...(spanId !== undefined && { span: spans.find(({ id }) => id === spanId)?.name ?? 'unreported' }),
    ...(parent !== undefined && { parent: spans.find(({ id }) => id === parent)?.name ?? 'unreported' }),
    ...(operation !== undefined && { operation }),
  };
}

function described(
  span: ReportedSpan,
  all: readonly ReportedSpan[],
  host: string,
  place: Places,
): Readonly<Record<string, unknown>> {
  const clean = (text: string) => place.mask(text).replaceAll(host, '<host>');
  const { annotations = [], id, kind, name, parentId, shared, tags } = span;
  const parent = all.find((each) => each !== span && each.id === parentId);
  const entries = Object.entries(tags).map(
    ([key, value]) => [key, key === 'guid:x-request-id' ? reason(value) : clean(value)] as const,
  );
  return {
    name: clean(name),
    kind,
    ...(parentId !== undefined && { parent: clean(parent?.name ?? 'unreported') }),
    ...(all.some((each) => each !== span && each.id === id) && { sharesId: true }),
    ...(shared && { shared }),
    tags: Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))),
    annotations: annotations.map(({ value }) => value),
  };
}
